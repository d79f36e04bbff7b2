"""Pauses of CronJobs: they begin and end here, and their moments become one window."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, select

from hexasched.domain.ticks import paused_window
from hexasched.domain.zones import check_zone
from hexasched.store import cron_job_rows as rows
from hexasched.store import tables as t
from hexasched.store.cron_jobs import CronJob, by_id


def suspend(
    connection: Connection,
    current: CronJob,
    reason: str,
    now: datetime,
    until: datetime | None = None,
    *,
    by: int | None = None,
) -> None:
    """Stop future runs, for good or `until` then; running ones go on. A pause that holds gets this reason and end."""
    current = rows.locked(connection, current)
    if current.suspended:
        rows.change(connection, current.id, {"suspend_reason": reason, "suspended_until": until})
        rows.noted(connection, "pause", current, now, by)
        return
    owed_from = _owed_from(connection, current, now)
    rows.change(
        connection,
        current.id,
        {
            "suspended": True,
            "suspend_reason": reason,
            "suspended_until": until,
            "owed_from": owed_from,
            "next_run_at": None,
        },
    )
    rows.noted(connection, "pause", current, now, by)


def _owed_from(connection: Connection, current: CronJob, now: datetime) -> datetime | None:
    """The first moment that a pause takes; where the zone is gone, the last one that was known."""
    if check_zone(current.timezone):
        return current.next_run_at
    return rows.next_moment(current, rows.settled_until(connection, current, now))


def resume(connection: Connection, current: CronJob, now: datetime, *, by: int | None = None) -> CronJob | None:
    """Run again from the next moment on; the moments of the pause become one window. Its zone must be valid."""
    current = rows.locked(connection, current)
    if current.suspended:
        write_pause(connection, current, now)
        next_run_at = rows.next_moment(current, rows.newest_verdict(connection, current.id, now))
        rows.change(
            connection,
            current.id,
            {
                "suspended": False,
                "suspend_reason": "",
                "suspended_until": None,
                "owed_from": None,
                "next_run_at": next_run_at,
            },
        )
        return rows.noted(connection, "resume", current, now, by)
    return by_id(connection, current.workspace_id, current.id)


def to_resume(connection: Connection, now: datetime) -> list[CronJob]:
    """What was suspended until `now`."""
    due = select(t.cron_jobs.c.workspace_id, t.cron_jobs.c.id).where(*_is_over(now))
    found = [by_id(connection, row.workspace_id, row.id) for row in connection.execute(due)]
    return [one for one in found if one is not None]


def resume_due(connection: Connection, found: Sequence[CronJob], now: datetime) -> int:
    """Resume these, unless somebody has changed the pause since they were read; how many that was."""
    held = [one for one in found if _still_over(connection, one, now)]
    for one in held:
        resume(connection, one, now)
    return len(held)


def stay_paused(connection: Connection, found: CronJob, reason: str, now: datetime) -> None:
    """Let a pause that can't be ended go on for good, with the reason for people to read."""
    if _still_over(connection, found, now):
        rows.change(connection, found.id, {"suspend_reason": reason, "suspended_until": None})
        rows.noted(connection, "pause", found, now, None)


def _is_over(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return t.cron_jobs.c.suspended_until <= now, t.cron_jobs.c.deleted_at.is_(None)


def _still_over(connection: Connection, found: CronJob, now: datetime) -> bool:
    """Whether its pause is to end; its row is held."""
    query = select(t.cron_jobs.c.id).where(t.cron_jobs.c.id == found.id, *_is_over(now)).with_for_update()
    return connection.execute(query).first() is not None


def write_pause(connection: Connection, current: CronJob, now: datetime) -> None:
    """Write the window of a pause that ends, or is interrupted by an edit, at `now`; none where the zone is gone."""
    if current.owed_from is None or current.owed_from > now or check_zone(current.timezone):
        return
    window = paused_window(current.calendar, current.owed_from, now)
    if window is not None:
        connection.execute(insert(t.windows).values(asdict(window) | {"cron_job_id": current.id, "created_at": now}))
