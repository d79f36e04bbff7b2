"""Which worker has a queued run: taken under a fence that every later write must carry, or given back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, Select, and_, bindparam, or_, select, update
from sqlalchemy.exc import IntegrityError

from hexasched.domain.outcomes import Status
from hexasched.store import tables as t


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One run that this worker now owns, under the fence that every later write must carry."""

    run_id: int
    fence: int


def any_due(connection: Connection, now: datetime) -> bool:
    """Whether a queued run is due: a look that takes no lock."""
    return connection.execute(_LOOK, {"now": now, "starts_after": now}).first() is not None


def claim(
    connection: Connection, worker_id: str, count: int, now: datetime, *, starts_after: datetime | None = None
) -> list[Claim]:
    """Take up to `count` queued runs that are due, oldest first; nobody else can get them.

    Those that may not start any more at `starts_after`, which is `now` if None, are left alone.
    """
    taken: list[Claim] = []
    for _ in range(2 * count):  # each round takes something, or some other worker did
        wanted = count - len(taken)
        # Two statements: as a subquery PostgreSQL may evaluate the limit more than once and lock more than asked for.
        due = [
            (row.id, row.serial_key)
            for row in connection.execute(_DUE, {"now": now, "starts_after": starts_after or now, "count": wanted})
        ]
        fresh = _take_first_of_each(connection, worker_id, due, now)
        taken += fresh or []
        if fresh is not None and (len(due) < wanted or len(taken) == count):
            break
    return taken


def _take_first_of_each(
    connection: Connection, worker_id: str, due: list[tuple[int, int | None]], now: datetime
) -> list[Claim] | None:
    """What was taken; None if another worker was quicker with a run of the same key."""
    ids = _first_of_each(due)
    if all(key is None for _, key in due):
        return _take(connection, worker_id, ids, now) if ids else []
    try:
        with connection.begin_nested():
            return _take(connection, worker_id, ids, now)
    except IntegrityError:
        return None


def release(connection: Connection, taken: Claim) -> bool:
    """Give back a run that was claimed but not started: it is queued again under a higher fence.

    False if the claim was lost, or if somebody wants it to stop: then it has to end.
    """
    changed = connection.execute(
        update(t.runs)
        .where(mine(taken.run_id, taken.fence), t.runs.c.started_at.is_(None), t.runs.c.cancel_requested_at.is_(None))
        .values(status=Status.QUEUED, fence=t.runs.c.fence + 1, worker_id=None, claimed_at=None)
    )
    return changed.rowcount == 1


def mine(run_id: Any, fence: Any) -> Any:
    """The condition that every write of who claimed a run must carry."""
    return and_(t.runs.c.id == run_id, t.runs.c.fence == fence, t.runs.c.status == Status.RUNNING)


def _may_start(moment: Any) -> Any:
    """It is not too late for it then, and nothing with the same key runs; the unique index has the last word."""
    other = t.runs.alias()
    going = select(other.c.id).where(other.c.status == Status.RUNNING, other.c.serial_key == t.runs.c.serial_key)
    in_time = or_(t.runs.c.starts_by.is_(None), t.runs.c.starts_by >= moment)
    return and_(in_time, or_(t.runs.c.serial_key.is_(None), ~going.correlate(t.runs).exists()))


def _due() -> Select[Any]:
    now, starts_after = bindparam("now", type_=t.Instant), bindparam("starts_after", type_=t.Instant)
    return (
        select(t.runs.c.id, t.runs.c.serial_key)
        .where(t.runs.c.status == Status.QUEUED, t.runs.c.available_at <= now, _may_start(starts_after))
        .order_by(t.runs.c.available_at, t.runs.c.id)
    )


def _first_of_each(rows: list[tuple[int, int | None]]) -> list[int]:
    keys: set[int] = set()
    ids = []
    for run_id, key in rows:
        if key is None or key not in keys:
            ids.append(run_id)
        if key is not None:
            keys.add(key)
    return ids


def _take(connection: Connection, worker_id: str, ids: list[int], now: datetime) -> list[Claim]:
    rows = connection.execute(_TAKE, {"ids": ids, "worker": worker_id, "now": now})
    return sorted((Claim(run_id=row.id, fence=row.fence) for row in rows), key=lambda taken: taken.run_id)


def _env_revision() -> Any:
    return (
        select(t.functions.c.env_revision)
        .where(t.functions.c.id == t.runs.c.function_id)
        .correlate(t.runs)
        .scalar_subquery()
    )


# Made once: to put a statement together takes longer than to execute it.
_LOOK = _due().limit(1)
_DUE = _due().limit(bindparam("count", type_=Integer)).with_for_update(skip_locked=True)
_TAKE = (
    update(t.runs)
    .where(t.runs.c.id.in_(bindparam("ids", expanding=True)), t.runs.c.status == Status.QUEUED)
    .values(
        status=Status.RUNNING,
        fence=t.runs.c.fence + 1,
        hb_seq=0,
        worker_id=bindparam("worker"),
        claimed_at=bindparam("now"),
        env_revision=_env_revision(),
    )
    .returning(t.runs.c.id, t.runs.c.fence)
)
