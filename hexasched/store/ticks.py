"""The scheduler's transaction: run rows, windows and the advance of next_run_at commit together or not at all."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from hexasched.domain.outcomes import Reason, Status
from hexasched.domain.ticks import DueJob, Plan, plan
from hexasched.store import audit, due_jobs, holding, outbox, windows
from hexasched.store import tables as t


def settle(connection: Connection, plans: Sequence[Plan], now: datetime) -> int:
    """Write the plans whose CronJob is still as it was read, and return how many runs were queued.

    A CronJob that was edited, paused or settled by another scheduler in the meantime is left alone: its
    `next_run_at` or `revision` differs.
    """
    current = _unchanged(connection, plans)
    rows = [_run_row(p, tick, now) for p in current for tick in p.ticks if p.job.newest_version_id is not None]
    rows = _without_known(connection, rows)
    _make_room(connection, [p.job.id for p in current if p.replaces], now)
    if rows:
        connection.execute(_INSERT, rows)
    for settled in current:
        windows.write(connection, settled.job.id, settled.windows, now)
    for settled in current:
        _alert_missed(connection, settled, now)
    if current:
        connection.execute(_ADVANCE, [{"job": p.job.id, "next": p.next_run_at} for p in current])
    return sum(row["status"] == Status.QUEUED for row in rows)


def _without_known(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows whose moment has none yet. Under the CronJobs' row locks nobody else can add one in between."""
    known: set[tuple[int, datetime]] = set()
    for start in range(0, len(rows), 200):
        some = [(row["cron_job_id"], row["scheduled_for"]) for row in rows[start : start + 200]]
        sought = {"jobs": list({job for job, _ in some}), "moments": list({moment for _, moment in some})}
        found = connection.execute(_KNOWN, sought)
        known |= {(row.cron_job_id, row.scheduled_for) for row in found}
    return [row for row in rows if (row["cron_job_id"], row["scheduled_for"]) not in known]


def _make_room(connection: Connection, cron_job_ids: list[int], now: datetime) -> None:
    """Policy Replace: what waits is over, what runs is told to stop; the new run waits until that is dead."""
    for start in range(0, len(cron_job_ids), 500):
        theirs = t.runs.c.cron_job_id.in_(cron_job_ids[start : start + 500])
        holding.lock_open(connection, theirs)
        connection.execute(
            update(t.runs)
            .where(theirs, t.runs.c.status == Status.QUEUED)
            .values(status=Status.CANCELLED, reason=Reason.REPLACED, finished_at=now)
        )
        connection.execute(
            update(t.runs)
            .where(theirs, t.runs.c.status == Status.RUNNING, t.runs.c.cancel_requested_at.is_(None))
            .values(cancel_requested_at=now, cancel_reason=Reason.REPLACED)
        )


def settle_one(connection: Connection, cron_job_id: int, now: datetime) -> None:
    """Give a CronJob's overdue moments their verdict before it is changed: an edit never swallows a moment."""
    settle(connection, [plan(job, now) for job in due_jobs.due_one(connection, cron_job_id, now)], now)


def put_aside(connection: Connection, job: DueJob, reason: str, now: datetime) -> None:
    """Suspend a CronJob whose moments can't be computed (say, its zone is gone), with the reason for people to read."""
    changed = connection.execute(
        update(t.cron_jobs)
        .where(t.cron_jobs.c.id == job.id, t.cron_jobs.c.revision == job.revision)
        .values(
            suspended=True,
            suspend_reason=reason,
            owed_from=job.due_at,
            next_run_at=None,
            revision=t.cron_jobs.c.revision + 1,
        )
        .returning(t.cron_jobs.c.name, t.cron_jobs.c.revision)
    ).first()
    if changed is not None:
        kept = {"cron_job_id": job.id, "suspended": True, "suspend_reason": reason, "next_run_at": None}
        detail = kept | {"owed_from": job.due_at.isoformat(), "revision": changed.revision}
        place = {"workspace_id": job.workspace_id, "by": None}
        audit.note(connection, "cron_job.pause", changed.name, now, detail=detail, **place)


def _unchanged(connection: Connection, plans: Sequence[Plan]) -> list[Plan]:
    kept: list[Plan] = []
    for start in range(0, len(plans), 500):
        some = plans[start : start + 500]
        rows = connection.execute(_LOCKED, {"jobs": [p.job.id for p in some]})
        stored = {row.id: (row.next_run_at, row.revision) for row in rows}
        kept += [p for p in some if stored.get(p.job.id) == (p.job.due_at, p.job.revision)]
    return kept


def _run_row(settled: Plan, tick: Any, now: datetime) -> dict[str, Any]:
    job = settled.job
    queued, deadline = tick.status is Status.QUEUED, job.starting_deadline_s
    return {
        "workspace_id": job.workspace_id,
        "function_id": job.function_id,
        "version_id": job.newest_version_id,
        "cron_job_id": job.id,
        "scheduled_for": tick.scheduled_for,
        "max_attempts": job.max_attempts,
        "trigger": "cron",
        "status": tick.status,
        "reason": tick.reason,
        "event": job.event,
        "available_at": max(now, tick.scheduled_for + job.delay_of(job.id)),
        "starts_by": None if deadline is None else tick.scheduled_for + timedelta(seconds=deadline),
        "serial_key": None if job.concurrency_policy == "Allow" else job.id,
        "created_at": now,
        "finished_at": None if queued else now,
    }


def _alert_missed(connection: Connection, settled: Plan, now: datetime) -> None:
    """One alert for all that a CronJob missed, not one for each moment."""
    moments = [tick.scheduled_for for tick in settled.ticks if tick.status is Status.MISSED]
    windows = [window for window in settled.windows if window.reason is not Reason.BLACKOUT]
    count = len(moments) + sum(window.count for window in windows)
    if count == 0:
        return
    starts = moments[:1] + [window.from_at for window in windows]
    ends = moments[-1:] + [window.to_at for window in windows]
    outbox.add_missed_alert(
        connection,
        settled.job.workspace_id,
        {"cron_job_id": settled.job.id, "count": count, "from": min(starts).isoformat(), "to": max(ends).isoformat()},
        now,
    )


# Made once: to put a statement together takes longer than to execute it.
_INSERT = insert(t.runs)
_ADVANCE = update(t.cron_jobs).where(t.cron_jobs.c.id == bindparam("job")).values(next_run_at=bindparam("next"))
_KNOWN = select(t.runs.c.cron_job_id, t.runs.c.scheduled_for).where(
    t.runs.c.cron_job_id.in_(bindparam("jobs", expanding=True)),
    t.runs.c.scheduled_for.in_(bindparam("moments", expanding=True)),
)
_LOCKED = (
    select(t.cron_jobs.c.id, t.cron_jobs.c.next_run_at, t.cron_jobs.c.revision)
    .where(t.cron_jobs.c.id.in_(bindparam("jobs", expanding=True)))
    .order_by(t.cron_jobs.c.id)
    .with_for_update()
)
