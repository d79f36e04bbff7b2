"""Running past moments of a CronJob afterwards: what is known of each, and runs for those that did not happen."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from hexasched.domain.backfills import Newest, Past
from hexasched.domain.outcomes import Reason, Status
from hexasched.domain.ticks import Window, paused_window
from hexasched.store import audit, cron_jobs, runs, windows
from hexasched.store import tables as t
from hexasched.store.cron_jobs import CronJob

MAX_ATTEMPT = 60


def look(connection: Connection, job: CronJob, moments: Sequence[datetime], now: datetime) -> list[Past]:
    """What is known of each of `moments`, in their order."""
    if not moments:
        return []
    newest = _newest_runs(connection, job, moments)
    gaps = [*windows.between(connection, job.id, min(moments), max(moments)), *_present_pause(job, now)]
    return [
        Past(
            at=moment,
            newest=newest.get(moment),
            window=next((window for window in gaps if window.from_at <= moment <= window.to_at), None),
            to_come=moment > now or (job.next_run_at is not None and job.next_run_at <= moment),
        )
        for moment in moments
    ]


def queue(
    connection: Connection, job: CronJob, moments: Sequence[datetime], now: datetime, *, by: int | None = None
) -> list[int]:
    """Queue a run for each of `moments` that did not happen, with the live version; returns the new runs' ids.

    A moment that was missed or skipped keeps that row; its run is the next attempt at it. Asked twice, it queues one.
    The function must have a live version.
    """
    assert job.live_version_id is not None
    connection.execute(select(t.cron_jobs.c.id).where(t.cron_jobs.c.id == job.id).with_for_update())
    job = cron_jobs.by_id(connection, job.workspace_id, job.id) or job
    wanted = [past for past in look(connection, job, sorted(set(moments)), now) if past.would_run]
    rows = [_row(job, past, now, by) for past in wanted]
    rows = [row for row in rows if row["attempt"] <= MAX_ATTEMPT]
    if not rows:
        return []
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    queued = [
        connection.execute(make(t.runs).values(row).on_conflict_do_nothing().returning(t.runs.c.id)).scalar()
        for row in rows
    ]
    ids = [run_id for run_id in queued if run_id is not None]
    span = {"from": rows[0]["scheduled_for"].isoformat(), "to": rows[-1]["scheduled_for"].isoformat()}
    detail = {"cron_job_id": job.id, "runs": len(ids)} | span
    audit.note(connection, "cron_job.backfill", job.name, now, workspace_id=job.workspace_id, by=by, detail=detail)
    return ids


def _row(job: CronJob, past: Past, now: datetime, by: int | None) -> dict[str, Any]:
    before = past.newest.attempt if past.newest else 0
    return {
        "workspace_id": job.workspace_id,
        "function_id": job.function_id,
        "version_id": job.live_version_id,
        "cron_job_id": job.id,
        "scheduled_for": past.at,
        "attempt": before + 1,
        "max_attempts": before + job.max_attempts,
        "retry_of": past.newest.run_id if past.newest else None,
        "occurrence_id": past.newest.occurrence_id if past.newest else None,
        "trigger": "backfill",
        "created_by": by,
        "status": Status.QUEUED,
        "event": job.event,
        "available_at": now,
        "serial_key": job.serial_key,
        "created_at": now,
    }


def _newest_runs(connection: Connection, job: CronJob, moments: Sequence[datetime]) -> dict[datetime, Newest]:
    found: dict[datetime, Newest] = {}
    names = ("id", "scheduled_for", "attempt", "status", "reason", "occurrence_id")
    query = select(*(t.runs.c[name] for name in names)).where(t.runs.c.cron_job_id == job.id)
    for start in range(0, len(moments), 200):
        theirs = t.runs.c.scheduled_for.in_(moments[start : start + 200])
        for row in connection.execute(query.where(theirs).order_by(t.runs.c.attempt)):
            found[row.scheduled_for] = Newest(
                run_id=row.id,
                attempt=row.attempt,
                status=Status(row.status),
                reason=Reason(row.reason) if row.reason else None,
                occurrence_id=row.occurrence_id or runs.occurrence_id(row.id),
            )
    return found


def _present_pause(job: CronJob, now: datetime) -> list[Window]:
    if not job.suspended or job.owed_from is None or job.owed_from > now:
        return []
    window = paused_window(job.calendar, job.owed_from, now)
    return [window] if window else []
