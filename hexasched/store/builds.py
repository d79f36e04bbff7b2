"""Builds: claimed pieces of work that are not runs: deploy a version, prepare a draft, analyse an editor's text."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, insert, or_, select, update

from hexasched.store import runs
from hexasched.store import tables as t

MAX_CLAIMS = 3
STAGES = ("syntax", "install", "load", "activate")


@dataclass(frozen=True, kw_only=True)
class Build:
    """A build as pages show it.

    `stages` are the finished stages: {"name", "state": "ok"|"failed", "duration_ms", "error": ErrorDetail-shaped|None}.
    """

    id: int
    workspace_id: int
    version_id: int | None
    kind: str
    status: str
    reason: str | None
    stage: str
    stages: list[dict[str, Any]]
    result: dict[str, Any] | None
    run_after_id: int | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class BuildClaim:
    """A build that this worker owns, under its fence."""

    build_id: int
    fence: int


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


def claim(connection: Connection, worker_id: str, count: int, now: datetime) -> list[BuildClaim]:
    """Take up to `count` queued builds, oldest first."""
    waiting = (
        select(t.builds.c.id)
        .where(t.builds.c.status == "queued")
        .order_by(t.builds.c.id)
        .limit(count)
        .with_for_update(skip_locked=True)
    )
    ids = list(connection.execute(waiting).scalars())
    rows = connection.execute(
        update(t.builds)
        .where(t.builds.c.id.in_(ids), t.builds.c.status == "queued")
        .values(status="running", fence=t.builds.c.fence + 1, hb_seq=0, worker_id=worker_id, claimed_at=now)
        .returning(t.builds.c.id, t.builds.c.fence)
    )
    return sorted((BuildClaim(build_id=row.id, fence=row.fence) for row in rows), key=lambda taken: taken.build_id)


def any_queued(connection: Connection) -> bool:
    """Whether a build waits: a look that takes no lock."""
    return connection.execute(select(t.builds.c.id).where(t.builds.c.status == "queued").limit(1)).first() is not None


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


def _mine(taken: BuildClaim) -> Any:
    return and_(t.builds.c.id == taken.build_id, t.builds.c.fence == taken.fence, t.builds.c.status == "running")


def beat(connection: Connection, worker_id: str) -> set[BuildClaim]:
    """One heartbeat for all builds of a worker: those it still owns."""
    rows = connection.execute(
        update(t.builds)
        .where(t.builds.c.worker_id == worker_id, t.builds.c.status == "running")
        .values(hb_seq=t.builds.c.hb_seq + 1)
        .returning(t.builds.c.id, t.builds.c.fence)
    )
    return {BuildClaim(build_id=row.id, fence=row.fence) for row in rows}


def enter_stage(connection: Connection, taken: BuildClaim, stage: str, finished: list[dict[str, Any]]) -> bool:
    """Tell that the build is at `stage` and what came before; False if the claim was lost."""
    values = {"stage": stage, "stages": finished}
    return connection.execute(update(t.builds).where(_mine(taken)).values(values)).rowcount == 1


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
        .where(_mine(taken))
        .values(status=status, reason=reason, stages=stages, result=result, finished_at=now)
    )
    return changed.rowcount == 1


def release(connection: Connection, taken: BuildClaim) -> None:
    """Give a build back to the queue: another worker starts it from its first stage."""
    connection.execute(
        update(t.builds)
        .where(_mine(taken))
        .values(status="queued", fence=t.builds.c.fence + 1, worker_id=None, claimed_at=None, stage="syntax")
    )


def running_leases(connection: Connection) -> list[tuple[BuildClaim, int]]:
    """Every running build with its heartbeat count."""
    rows = connection.execute(
        select(t.builds.c.id, t.builds.c.fence, t.builds.c.hb_seq).where(t.builds.c.status == "running")
    )
    return [(BuildClaim(build_id=row.id, fence=row.fence), row.hb_seq) for row in rows]


def held_by(connection: Connection, worker_id: str) -> list[tuple[BuildClaim, int]]:
    """The running builds of one worker with their heartbeat counts."""
    rows = connection.execute(
        select(t.builds.c.id, t.builds.c.fence, t.builds.c.hb_seq).where(
            t.builds.c.worker_id == worker_id, t.builds.c.status == "running"
        )
    )
    return [(BuildClaim(build_id=row.id, fence=row.fence), row.hb_seq) for row in rows]


def reap(connection: Connection, taken: BuildClaim, hb_seq: int, now: datetime) -> bool:
    """A build whose worker is gone is queued again: it changes nothing before its last stage.

    The third worker that is lost over it is the last.
    """
    if taken.fence >= MAX_CLAIMS:
        mine = connection.execute(
            update(t.builds).where(_mine(taken), t.builds.c.hb_seq == hb_seq).values(hb_seq=hb_seq + 1)
        )
        if mine.rowcount == 1:
            fail_internally(connection, taken, "Every worker that took it ended before it was done.", now)
        return mine.rowcount == 1
    changed = connection.execute(
        update(t.builds)
        .where(_mine(taken), t.builds.c.hb_seq == hb_seq)
        .values(status="queued", fence=t.builds.c.fence + 1, worker_id=None, claimed_at=None, stage="syntax")
    )
    return changed.rowcount == 1


def forget_analyses(connection: Connection, before: datetime) -> None:
    """Delete finished analyses of editors' contents older than `before`."""
    connection.execute(t.builds.delete().where(t.builds.c.kind == "analyse", t.builds.c.finished_at < before))


_BUILD = tuple(t.builds.c[name] for name in Build.__dataclass_fields__)


def by_id(connection: Connection, workspace_id: int, build_id: int) -> Build | None:
    """One build of the workspace."""
    row = (
        connection.execute(select(*_BUILD).where(t.builds.c.id == build_id, t.builds.c.workspace_id == workspace_id))
        .mappings()
        .first()
    )
    return _build(dict(row)) if row else None


def latest_of_versions(connection: Connection, version_ids: list[int]) -> dict[int, Build]:
    """The newest build of each version. The caller got the versions through their workspace."""
    rows = connection.execute(
        select(*_BUILD).where(t.builds.c.version_id.in_(version_ids)).order_by(t.builds.c.id)
    ).mappings()
    return {row["version_id"]: _build(dict(row)) for row in rows}


def unfinished(connection: Connection, workspace_id: int, version_ids: list[int]) -> bool:
    """Whether one of the versions is still being built."""
    query = select(t.builds.c.id).where(
        t.builds.c.workspace_id == workspace_id,
        t.builds.c.version_id.in_(version_ids),
        or_(t.builds.c.status == "queued", t.builds.c.status == "running"),
    )
    return connection.execute(query.limit(1)).first() is not None


def _build(row: dict[str, Any]) -> Build:
    return Build(**(row | {"stages": row["stages"] or []}))
