"""Which worker has a queued build: taken under a fence, kept by heartbeats, given back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, and_, bindparam, select, update

from hexasched.store import tables as t


@dataclass(frozen=True, kw_only=True)
class BuildClaim:
    """A build that this worker owns, under its fence."""

    build_id: int
    fence: int


def claim(connection: Connection, worker_id: str, count: int, now: datetime) -> list[BuildClaim]:
    """Take up to `count` queued builds, oldest first."""
    ids = list(connection.execute(_WAITING, {"count": count}).scalars())
    if not ids:
        return []
    rows = connection.execute(_TAKE, {"ids": ids, "worker": worker_id, "now": now})
    return sorted((BuildClaim(build_id=row.id, fence=row.fence) for row in rows), key=lambda taken: taken.build_id)


def any_queued(connection: Connection) -> bool:
    """Whether a build waits: a look that takes no lock."""
    return connection.execute(_LOOK).first() is not None


def mine(taken: BuildClaim) -> Any:
    """The condition that every write of who claimed a build must carry."""
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


def release(connection: Connection, taken: BuildClaim) -> None:
    """Give a build back to the queue: another worker starts it from its first stage."""
    connection.execute(
        update(t.builds)
        .where(mine(taken))
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


# Made once: to put a statement together takes longer than to execute it.
_QUEUED = select(t.builds.c.id).where(t.builds.c.status == "queued").order_by(t.builds.c.id)
_LOOK = _QUEUED.limit(1)
_WAITING = _QUEUED.limit(bindparam("count", type_=Integer)).with_for_update(skip_locked=True)
_TAKE = (
    update(t.builds)
    .where(t.builds.c.id.in_(bindparam("ids", expanding=True)), t.builds.c.status == "queued")
    .values(
        status="running",
        fence=t.builds.c.fence + 1,
        hb_seq=0,
        worker_id=bindparam("worker"),
        claimed_at=bindparam("now"),
    )
    .returning(t.builds.c.id, t.builds.c.fence)
)
