"""What every change of a CronJob's row shares: the row held, overdue moments settled, the audit told."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from hexasched.domain.zones import check_zone
from hexasched.store import audit, ticks
from hexasched.store import tables as t
from hexasched.store.cron_jobs import CronJob, CronJobFields, by_id


def locked(connection: Connection, current: CronJob) -> CronJob:
    """The CronJob as it is now, its row held: whoever changes it reads it after everybody before."""
    connection.execute(select(t.cron_jobs.c.id).where(t.cron_jobs.c.id == current.id).with_for_update())
    return by_id(connection, current.workspace_id, current.id) or current


def settled_until(connection: Connection, current: CronJob, now: datetime) -> datetime:
    """Give overdue moments their verdict, unless the zone is gone; the moment after which the next one may come."""
    if not check_zone(current.timezone):
        ticks.settle_one(connection, current.id, now)
    return newest_verdict(connection, current.id, now)


def newest_verdict(connection: Connection, cron_job_id: int, now: datetime) -> datetime:
    """`now`, or the newest moment that has its verdict: a clock that went back makes nothing happen twice."""
    newest = connection.execute(
        select(func.max(t.runs.c.scheduled_for)).where(t.runs.c.cron_job_id == cron_job_id)
    ).scalar()
    return now if newest is None else max(now, newest)


def next_moment(wanted: CronJobFields, now: datetime) -> datetime | None:
    """When it is due next after `now`; None if never again."""
    return wanted.calendar.next_after(now)


def change(connection: Connection, cron_job_id: int, values: dict[str, Any]) -> None:
    """Change the row. The revision tells a scheduler that has read it before that it is out of date."""
    connection.execute(
        update(t.cron_jobs)
        .where(t.cron_jobs.c.id == cron_job_id)
        .values(values | {"revision": t.cron_jobs.c.revision + 1})
    )


_AUDITED = (
    *(field.name for field in fields(CronJobFields) if field.name != "event"),  # whose payload may hold a secret
    *("revision", "next_run_at", "suspended", "suspend_reason", "suspended_until", "owed_from"),
)


def noted(connection: Connection, did: str, current: CronJob, now: datetime, by: int | None) -> CronJob | None:
    """The CronJob as it is now, of which the audit says that it was changed."""
    changed = by_id(connection, current.workspace_id, current.id)
    if changed is not None:
        note(connection, did, changed, now, by)
    return changed


def note(connection: Connection, did: str, job: CronJob, now: datetime, by: int | None) -> None:
    """Write all that decides when it is due: from these rows alone one can tell which moments it ever had."""
    detail = {"cron_job_id": job.id} | {name: _plain(getattr(job, name)) for name in _AUDITED}
    action = f"cron_job.{did}"
    audit.note(connection, action, job.name, now, workspace_id=job.workspace_id, by=by, detail=detail)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
