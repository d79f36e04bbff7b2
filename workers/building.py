"""Moves a build from stage to stage, and writes what came of it."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

from hexasched import doorbell, logs
from hexasched.domain.outcomes import ErrorDetail, Outcome
from hexasched.store import artifacts, builds, function_versions, runs
from hexasched.store import work as stored
from hexasched.store.build_claims import BuildClaim
from hexasched.store.database import Connection
from sandbox.jobs import Job
from workers import builds as steps
from workers.builds import BuildState
from workers.running import modules_for
from workers.shop import Shop

ACTIVATED = {"name": "activate", "state": "ok", "duration_ms": 0, "error": None}


def open_build(shop: Shop, claim: BuildClaim) -> tuple[BuildState, Job]:
    """A claimed build and its first job."""
    with shop.database.reading() as connection:
        work = stored.load_build(connection, shop.keys, claim)
    folder = shop.state_dir / "builds" / f"{claim.build_id}-{claim.fence}"
    state = BuildState(work=work, runtime=shop.runtimes[work.program.runtime], folder=folder)
    steps.begin(state)
    return state, steps.job_for(state, None)


def next_job(shop: Shop, state: BuildState, outcome: Outcome) -> Job | None:
    """Take what a stage brought, and the job of the next one; None when the build is over.

    For the helper: it packs and unpacks packages, and waits for a database that is busy.
    """
    error = steps.take(state, outcome)
    if error is not None or state.work.kind == "analyse" or state.stage == "load":
        return None
    if state.stage == "syntax" and state.needs_install:
        return _enter(shop, state, "install", None)
    if state.stage == "syntax" and state.work.reusable is not None:
        state.lockfile, state.artifact_id = state.work.reusable
    steps.prepare_load(state)
    if state.stage == "install":
        _keep_artifact(shop, state)
    return _enter(shop, state, "load", _modules(shop, state))


def conclude(connection: Connection, state: BuildState, now: datetime) -> bool:
    """Write a build's end: the version, its activation or test run, and the build itself, all or nothing.

    False if the claim was lost: then nothing was written.
    """
    work = state.work
    good = all(stage["state"] == "ok" for stage in state.stages)
    finished = builds.finish(
        connection,
        work.claim,
        status="succeeded" if good else "failed",
        reason="ok" if good else "error",
        stages=[*state.stages, {**ACTIVATED}] if good and work.kind == "deploy" else state.stages,
        result=state.analysis,
        now=now,
    )
    if not finished or work.version_id is None or work.function_id is None:
        return finished
    builds.save_version(
        connection,
        work.version_id,
        state="ready" if good else "failed",
        analysis=state.analysis,
        lockfile=state.lockfile,
        artifact_id=state.artifact_id,
    )
    if good and work.kind == "deploy":
        function_versions.activate_built(connection, work.function_id, work.version_id)
    if work.kind == "draft":
        _settle_test_run(connection, work, state.stages[-1]["error"], now)
    return True


def fail_internally(state: BuildState, message: str) -> None:
    """End the current stage because we, not the code, failed."""
    steps.note(state, ErrorDetail(type="InternalError", message=message))


def _settle_test_run(
    connection: Connection, work: stored.BuildWork, error: dict[str, Any] | None, now: datetime
) -> None:
    """A draft's test run waits for its build: let it go, or end it with the build's failure."""
    if work.run_after_id is not None:
        if error is None:
            runs.let_go(connection, work.run_after_id, now)
        else:
            runs.give_up(connection, work.run_after_id, error, now)


def _enter(shop: Shop, state: BuildState, stage: str, modules: Path | None) -> Job | None:
    state.stage = stage

    def enter() -> bool:
        with shop.database.writing() as connection:
            return builds.enter_stage(connection, state.work.claim, stage, state.stages)

    if not shop.helper.patiently(enter):
        return None
    doorbell.ring(shop.data_dir, doorbell.DONE)
    return steps.job_for(state, modules)


def _modules(shop: Shop, state: BuildState) -> Path | None:
    fresh = steps.installed(state) / "node_modules"
    if fresh.exists():
        return fresh
    artifact_id = state.artifact_id
    return shop.helper.patiently(lambda: modules_for(shop, artifact_id)) if artifact_id else None


def _keep_artifact(shop: Shop, state: BuildState) -> None:
    """Put the installed packages into the database, piece by piece, unless the same are there."""
    if not (steps.installed(state) / "node_modules").exists():
        return
    artifact_id, packed = steps.pack(state)
    with packed:
        if not shop.helper.patiently(lambda: _begin_artifact(shop, artifact_id, packed)):
            packed.seek(0)
            for seq, piece in enumerate(iter(lambda: packed.read(artifacts.PIECE_BYTES), b"")):
                shop.helper.patiently(partial(_add_piece, shop, artifact_id, seq, piece))
            shop.helper.patiently(lambda: _complete_artifact(shop, artifact_id))
            logs.event("artifact.kept", artifact=artifact_id[:12])
    state.artifact_id = artifact_id


def _begin_artifact(shop: Shop, artifact_id: str, packed: IO[bytes]) -> bool:
    """Whether it is there already, whole."""
    with shop.database.writing() as connection:
        artifacts.begin(connection, artifact_id, packed.seek(0, 2), datetime.now(UTC))
        return artifacts.has(connection, artifact_id)


def _add_piece(shop: Shop, artifact_id: str, seq: int, piece: bytes) -> None:
    with shop.database.writing() as connection:
        artifacts.add_piece(connection, artifact_id, seq, piece)


def _complete_artifact(shop: Shop, artifact_id: str) -> None:
    with shop.database.writing() as connection:
        artifacts.complete(connection, artifact_id)
