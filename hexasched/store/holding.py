"""Runs while a worker has them: started, kept by heartbeats, asked to stop."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from hexasched.domain.outcomes import Reason, Status
from hexasched.store import tables as t
from hexasched.store.claiming import Claim, mine


def lock_open(connection: Connection, *which: Any) -> None:
    """Hold the open runs that meet these conditions until the transaction ends: none comes or goes back to the queue.

    On PostgreSQL a change of what is queued, and then one of what runs, could both pass by a run that is given back.
    """
    open_runs = t.runs.c.status.in_((Status.QUEUED, Status.RUNNING))
    connection.execute(select(t.runs.c.id).where(open_runs, *which).order_by(t.runs.c.id).with_for_update()).all()


def mark_started(connection: Connection, taken: Claim, now: datetime) -> bool:
    """The sandbox is up; False if the claim was lost."""
    changed = connection.execute(update(t.runs).where(mine(taken.run_id, taken.fence)).values(started_at=now))
    return changed.rowcount == 1


def mark_printed(connection: Connection, taken: Claim, at: datetime) -> None:
    """It was printing at `at`: where nobody noted its start, that is the best that is known of it.

    Never before it was claimed: a module that is loaded ahead prints earlier.
    """
    unmarked = (mine(taken.run_id, taken.fence), t.runs.c.started_at.is_(None))
    claimed_at = connection.execute(select(t.runs.c.claimed_at).where(*unmarked)).scalar()
    if claimed_at is not None:
        connection.execute(update(t.runs).where(*unmarked).values(started_at=max(at, claimed_at)))


def beat(connection: Connection, worker_id: str, now: datetime) -> set[Claim]:
    """One heartbeat for all runs of a worker: those it still owns. Whatever it holds beyond them is lost to it."""
    connection.execute(update(t.workers).where(t.workers.c.id == worker_id).values(seen_at=now))
    rows = connection.execute(
        update(t.runs)
        .where(t.runs.c.worker_id == worker_id, t.runs.c.status == Status.RUNNING)
        .values(hb_seq=t.runs.c.hb_seq + 1)
        .returning(t.runs.c.id, t.runs.c.fence)
    )
    return {Claim(run_id=row.id, fence=row.fence) for row in rows}


def to_cancel(connection: Connection, worker_id: str) -> list[tuple[Claim, Reason]]:
    """The worker's runs that are to stop: somebody asked (user), or a newer one takes their place (replaced)."""
    rows = connection.execute(
        select(t.runs.c.id, t.runs.c.fence, t.runs.c.cancel_reason).where(
            t.runs.c.worker_id == worker_id,
            t.runs.c.status == Status.RUNNING,
            t.runs.c.cancel_requested_at.is_not(None),
        )
    )
    return [(Claim(run_id=row.id, fence=row.fence), Reason(row.cancel_reason or Reason.USER)) for row in rows]


def running_leases(connection: Connection) -> list[tuple[Claim, int]]:
    """Every running run with its heartbeat count: a reaper judges by counts that stand still."""
    rows = connection.execute(
        select(t.runs.c.id, t.runs.c.fence, t.runs.c.hb_seq).where(t.runs.c.status == Status.RUNNING)
    )
    return [(Claim(run_id=row.id, fence=row.fence), row.hb_seq) for row in rows]


def held_by(connection: Connection, worker_id: str) -> list[tuple[Claim, int]]:
    """The running runs of one worker with their heartbeat counts."""
    rows = connection.execute(
        select(t.runs.c.id, t.runs.c.fence, t.runs.c.hb_seq).where(
            t.runs.c.worker_id == worker_id, t.runs.c.status == Status.RUNNING
        )
    )
    return [(Claim(run_id=row.id, fence=row.fence), row.hb_seq) for row in rows]
