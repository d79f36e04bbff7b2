"""What follows the end of a run, in its transaction: the next attempt as a row of its own, or an alert."""

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from hexasched.domain.outcomes import ALERTING, Reason, Status
from hexasched.domain.policies import Policy
from hexasched.store import outbox
from hexasched.store import tables as t
from hexasched.store.runs import occurrence_id

_IS_THERE = select(t.functions.c.id).where(
    t.functions.c.id == bindparam("function"), t.functions.c.deleted_at.is_(None)
)
MAX_DRAINS = 3
"""How many times in a row a run that a stopping worker interrupted is queued again."""


def follow_up(
    connection: Connection, run_id: int, status: Status, reason: Reason, now: datetime, *, retryable: bool = True
) -> None:
    """Queue the replacement or the retry of a run that has just ended, or else its alert, if its end wants one."""
    if status is Status.SUCCEEDED:
        return
    run = connection.execute(select(t.runs).where(t.runs.c.id == run_id)).mappings().one()
    if run["cancel_requested_at"] is not None:
        return  # somebody wanted it to stop: it does not come back, and nobody has to be told
    is_there = connection.execute(_IS_THERE, {"function": run["function_id"]}).first() is not None
    if is_there and reason is Reason.DRAIN and run["drains"] < MAX_DRAINS:
        _queue_attempt(connection, dict(run), now, now, drains=run["drains"] + 1, extra_attempt=1)
    elif is_there and retryable and (delay := _delay_of_retry(connection, dict(run), status, reason)) is not None:
        _queue_attempt(connection, dict(run), now, now + delay)
    elif status in ALERTING and run["trigger"] != "test":
        outbox.add_run_alert(connection, run_id, now)


def _delay_of_retry(connection: Connection, run: dict[str, Any], status: Status, reason: Reason) -> timedelta | None:
    """After how long the next attempt begins; None if there is none."""
    if run["attempt"] >= run["max_attempts"] or not (policy := _policy(connection, run)).may_retry(status, reason):
        return None
    return policy.retry_delay(run["id"], run["attempt"])


def _policy(connection: Connection, run: dict[str, Any]) -> Policy:
    """The CronJob's policy as it is now; the default for a run that has none."""
    columns = [t.cron_jobs.c[field.name] for field in fields(Policy)]
    row = connection.execute(select(*columns).where(t.cron_jobs.c.id == run["cron_job_id"])).mappings().first()
    return Policy(**row) if row else Policy()


def _queue_attempt(
    connection: Connection,
    run: dict[str, Any],
    now: datetime,
    available_at: datetime,
    *,
    drains: int = 0,
    extra_attempt: int = 0,
) -> None:
    """The next attempt of a run, as a row of its own; a drain's replacement does not use up an attempt."""
    kept = ("workspace_id", "function_id", "version_id", "cron_job_id", "scheduled_for", "event", "created_by")
    connection.execute(
        insert(t.runs).values(
            {key: run[key] for key in (*kept, "serial_key")}
            | {
                "attempt": run["attempt"] + 1,
                "max_attempts": run["max_attempts"] + extra_attempt,
                "retry_of": run["id"],
                "occurrence_id": run["occurrence_id"] or occurrence_id(run["id"]),
                "drains": drains,
                "trigger": "retry" if run["trigger"] != "test" else "test",
                "status": Status.QUEUED,
                "available_at": available_at,
                "created_at": now,
            }
        )
    )
