"""Builds: claimed pieces of work that are not runs: deploy a version, prepare a draft, analyse an editor's text."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from hexasched.store import runs
from hexasched.store import tables as t
from hexasched.store.build_claims import BuildClaim, mine

MAX_CLAIMS = 3
STAGES = ("syntax", "install", "load", "activate")


def enqueue_version(
    connection: Connection,
    workspace_id: int,
    version_id: int,
    kind: str,
    now: datetime,
    run_after_id: int | None = None,
) -> int:
    """Queue the build of a version ("deploy"), or of a draft ("draft") whose test run follows it."""
    values = {"workspace_id": workspace_id, "version_id": version_id, "kind": kind, "status": "queued"}
    return _insert(connection, values | {"created_at": now, "run_after_id": run_after_id})


def enqueue_analysis(connection: Connection, workspace_id: int, source: dict[str, Any], now: datetime) -> int:
    """Queue the analysis of what the editor holds: {"runtime", "handler_file", "source"}."""
    values = {"workspace_id": workspace_id, "source": source, "kind": "analyse", "status": "queued"}
    return _insert(connection, values | {"created_at": now})


def _insert(connection: Connection, values: dict[str, Any]) -> int:
    return int(connection.execute(insert(t.builds).values(values).returning(t.builds.c.id)).scalar_one())


def fail_internally(connection: Connection, taken: BuildClaim, why: str, now: datetime) -> None:
    """End a build that we, not its code, failed; `why` is a sentence for its page."""
    error = {"type": "InternalError", "message": f"HexaSched could not do this build. {why}"}
    stage = {"name": "syntax", "state": "failed", "duration_ms": 0, "error": error}
    if not finish(connection, taken, status="failed", reason="internal", stages=[stage], result=None, now=now):
        return
    build = connection.execute(select(t.builds).where(t.builds.c.id == taken.build_id)).one()
    if build.version_id is not None:
        save_version(connection, build.version_id, state="failed", analysis=None, lockfile=None, artifact_id=None)
    if build.run_after_id is not None:
        runs.give_up(connection, build.run_after_id, error, now)


def enter_stage(connection: Connection, taken: BuildClaim, stage: str, finished: list[dict[str, Any]]) -> bool:
    """Tell that the build is at `stage` and what came before; False if the claim was lost."""
    values = {"stage": stage, "stages": finished}
    return connection.execute(update(t.builds).where(mine(taken)).values(values)).rowcount == 1


def save_version(
    connection: Connection,
    version_id: int,
    *,
    state: str,
    analysis: dict[str, Any] | None,
    lockfile: str | None,
    artifact_id: str | None,
) -> None:
    """What the build made of a version; only a version still in "building" takes it."""
    connection.execute(
        update(t.versions)
        .where(t.versions.c.id == version_id, t.versions.c.state == "building")
        .values(state=state, analysis=analysis, lockfile=lockfile, artifact_id=artifact_id)
    )


def finish(
    connection: Connection,
    taken: BuildClaim,
    *,
    status: str,
    reason: str,
    stages: list[dict[str, Any]],
    result: dict[str, Any] | None,
    now: datetime,
) -> bool:
    """End a build; False if the claim was lost."""
    changed = connection.execute(
        update(t.builds)
        .where(mine(taken))
        .values(status=status, reason=reason, stages=stages, result=result, finished_at=now)
    )
    return changed.rowcount == 1


def reap(connection: Connection, taken: BuildClaim, hb_seq: int, now: datetime) -> bool:
    """A build whose worker is gone is queued again: it changes nothing before its last stage.

    The third worker that is lost over it is the last.
    """
    if taken.fence >= MAX_CLAIMS:
        counted = connection.execute(
            update(t.builds).where(mine(taken), t.builds.c.hb_seq == hb_seq).values(hb_seq=hb_seq + 1)
        )
        if counted.rowcount == 1:
            fail_internally(connection, taken, "Every worker that took it ended before it was done.", now)
        return counted.rowcount == 1
    changed = connection.execute(
        update(t.builds)
        .where(mine(taken), t.builds.c.hb_seq == hb_seq)
        .values(status="queued", fence=t.builds.c.fence + 1, worker_id=None, claimed_at=None, stage="syntax")
    )
    return changed.rowcount == 1


def forget_analyses(connection: Connection, before: datetime) -> None:
    """Delete finished analyses of editors' contents older than `before`."""
    connection.execute(t.builds.delete().where(t.builds.c.kind == "analyse", t.builds.c.finished_at < before))
