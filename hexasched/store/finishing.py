"""How runs end: by their outcome, by a worker that is gone, by a moment that has passed. Each end is guarded."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, select, update

from hexasched.domain.outcomes import Outcome, Reason, Status
from hexasched.store import outbox
from hexasched.store import tables as t
from hexasched.store.attempts import follow_up
from hexasched.store.claiming import Claim, mine


def finish(
    connection: Connection, taken: Claim, outcome: Outcome, now: datetime, *, started_at: datetime | None = None
) -> bool:
    """End a run under its fence, and with it, in this transaction, queue its retry or its alert.

    `started_at` is given if it was not written before. False if the claim was lost; True also when this very finish had
    been committed before.
    """
    times = {"finished_at": now} | ({"started_at": started_at} if started_at else {})
    who = {"run": taken.run_id, "under": taken.fence}
    changed = connection.execute(_FINISH, who | _outcome_columns(outcome) | times)
    if changed.rowcount != 1:
        return _finished_before(connection, taken, outcome)
    follow_up(connection, taken.run_id, outcome.status, outcome.reason, now, retryable=outcome.retryable)
    return True


def reap(connection: Connection, taken: Claim, hb_seq: int, now: datetime) -> bool:
    """End a run whose worker has not beaten for a whole lease; False if it did beat, or ended."""
    asked = (
        connection.execute(
            select(t.runs.c.cancel_requested_at, t.runs.c.cancel_reason).where(t.runs.c.id == taken.run_id)
        )
        .mappings()
        .one()
    )
    status, reason = Status.LOST, Reason.WORKER_GONE
    if asked["cancel_requested_at"]:
        status, reason = Status.CANCELLED, Reason(asked["cancel_reason"] or Reason.USER)
    changed = connection.execute(
        update(t.runs)
        .where(mine(taken.run_id, taken.fence), t.runs.c.hb_seq == hb_seq)
        .values(status=status, reason=reason, finished_at=now)
    )
    if changed.rowcount != 1:
        return False
    follow_up(connection, taken.run_id, status, reason, now)
    return True


def expire(connection: Connection, now: datetime) -> int:
    """End what waits and was to begin before `now`: missed, with its alert. Returns how many."""
    late = and_(t.runs.c.status == Status.QUEUED, t.runs.c.starts_by < now)
    ids = list(connection.execute(select(t.runs.c.id).where(late).with_for_update(skip_locked=True)).scalars())
    if ids:
        connection.execute(
            update(t.runs)
            .where(t.runs.c.id.in_(ids), t.runs.c.status == Status.QUEUED)
            .values(status=Status.MISSED, reason=Reason.DEADLINE, finished_at=now)
        )
    for run_id in ids:
        outbox.add_run_alert(connection, run_id, now)
    return len(ids)


def _finished_before(connection: Connection, taken: Claim, outcome: Outcome) -> bool:
    # The connection may have died during COMMIT: then the row is final under this fence already.
    return (
        connection.execute(
            select(t.runs.c.id).where(
                t.runs.c.id == taken.run_id, t.runs.c.fence == taken.fence, t.runs.c.status == outcome.status
            )
        ).first()
        is not None
    )


def _outcome_columns(outcome: Outcome) -> dict[str, Any]:
    columns = {
        key: getattr(outcome, key)
        for key in (
            "status",
            "reason",
            "result",
            "exit_code",
            "signal",
            "duration_ms",
            "cpu_ms",
            "peak_memory_bytes",
            "log_bytes",
            "log_dropped_bytes",
        )
    }
    return columns | {
        "error": asdict(outcome.error) if outcome.error else None,
        "warnings": list(outcome.warnings),
        "env_read": list(outcome.env_read),
        "env_missing": list(outcome.env_missing),
    }


# Made once: to put a statement together takes longer than to execute it. What is set are the other parameters.
_FINISH = update(t.runs).where(mine(bindparam("run"), bindparam("under")))
