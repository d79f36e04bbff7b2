"""CronJobs as people make and change them; an edit never re-creates the past and never swallows a moment."""

import contextlib
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update

from hexasched.domain.outcomes import Reason
from hexasched.domain.policies import Policy
from hexasched.domain.ticks import Window, calendar_of, paused_window
from hexasched.domain.timetables import Calendar
from hexasched.store import audit, ticks
from hexasched.store import tables as t


@dataclass(frozen=True, kw_only=True)
class CronJobFields(Policy):
    """What a person sets; the expression and zone are valid, the event is JSON text."""

    function_id: int
    name: str
    expression: str
    timezone: str
    event: str = "{}"

    @property
    def calendar(self) -> Calendar:
        """When it is due, as long as it is not suspended."""
        return calendar_of(self, self.expression, self.timezone)


@dataclass(frozen=True, kw_only=True)
class CronJob(CronJobFields):
    """A CronJob; `next_run_at` is None while it is suspended or its schedule has no further moment."""

    id: int
    workspace_id: int
    function_name: str
    live_version_id: int | None
    suspended: bool
    suspend_reason: str
    suspended_until: datetime | None
    owed_from: datetime | None
    next_run_at: datetime | None
    revision: int
    created_at: datetime

    @property
    def serial_key(self) -> int | None:
        """What its runs share that wait for each other; None if they may overlap."""
        return None if self.concurrency_policy == "Allow" else self.id


_OTHERS = (
    *("id", "workspace_id", "suspended", "suspend_reason", "suspended_until", "owed_from", "next_run_at"),
    *("revision", "created_at"),
)


def _cron_jobs(workspace_id: int) -> Select[Any]:
    return (
        select(
            *(t.cron_jobs.c[name] for name in (*CronJobFields.__dataclass_fields__, *_OTHERS)),
            t.functions.c.name.label("function_name"),
            t.functions.c.live_version_id,
        )
        .join(t.functions, t.functions.c.id == t.cron_jobs.c.function_id)
        .where(t.cron_jobs.c.workspace_id == workspace_id, t.cron_jobs.c.deleted_at.is_(None))
    )


def all_of(connection: Connection, workspace_id: int, function_id: int | None = None) -> list[CronJob]:
    """The workspace's CronJobs by name, or one function's."""
    query = _cron_jobs(workspace_id).order_by(t.cron_jobs.c.name)
    if function_id is not None:
        query = query.where(t.cron_jobs.c.function_id == function_id)
    return [CronJob(**row) for row in connection.execute(query).mappings()]


def by_id(connection: Connection, workspace_id: int, cron_job_id: int) -> CronJob | None:
    """One CronJob of the workspace."""
    row = connection.execute(_cron_jobs(workspace_id).where(t.cron_jobs.c.id == cron_job_id)).mappings().first()
    return CronJob(**row) if row else None


def by_name(connection: Connection, workspace_id: int, name: str) -> CronJob | None:
    """The CronJob of that name."""
    row = connection.execute(_cron_jobs(workspace_id).where(t.cron_jobs.c.name == name)).mappings().first()
    return CronJob(**row) if row else None


def create(
    connection: Connection, workspace_id: int, wanted: CronJobFields, now: datetime, *, by: int | None = None
) -> CronJob | None:
    """A new CronJob whose first moment is the next one after `now`; None if the name is taken.

    Here and below `by` is the user, None for the service itself and the command line.
    """
    if by_name(connection, workspace_id, wanted.name) is not None:
        return None
    values = asdict(wanted) | {"workspace_id": workspace_id, "created_at": now, "next_run_at": _next(wanted, now)}
    connection.execute(insert(t.cron_jobs).values(values))
    made = by_name(connection, workspace_id, wanted.name)
    assert made is not None
    _note(connection, "create", made, now, by)
    return made


def save(
    connection: Connection, current: CronJob, wanted: CronJobFields, now: datetime, *, by: int | None = None
) -> CronJob | None:
    """Change a CronJob from now on; None if the new name is taken."""
    current = _locked(connection, current)
    namesake = by_name(connection, current.workspace_id, wanted.name)
    if namesake is not None and namesake.id != current.id:
        return None
    values: dict[str, Any] = asdict(wanted)
    if current.suspended:
        _write_pause(connection, current, now)
        values["owed_from"] = _next(wanted, now)
    else:
        values["next_run_at"] = _next(wanted, _settled_until(connection, current, now))
    _change(connection, current.id, values)
    return _noted(connection, "edit", current, now, by)


def suspend(
    connection: Connection,
    current: CronJob,
    reason: str,
    now: datetime,
    until: datetime | None = None,
    *,
    by: int | None = None,
) -> None:
    """Stop future runs, for good or `until` then; running ones go on."""
    current = _locked(connection, current)
    if current.suspended:
        return
    owed_from = _next(current, _settled_until(connection, current, now))
    _change(
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
    _noted(connection, "pause", current, now, by)


def resume(connection: Connection, current: CronJob, now: datetime, *, by: int | None = None) -> CronJob | None:
    """Run again from the next moment on; the moments of the pause become one window."""
    current = _locked(connection, current)
    if current.suspended:
        _write_pause(connection, current, now)
        next_run_at = _next(current, _newest(connection, current.id, now))
        _change(
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
        return _noted(connection, "resume", current, now, by)
    return by_id(connection, current.workspace_id, current.id)


def resume_due(connection: Connection, now: datetime) -> int:
    """Resume what was suspended until now; returns how many."""
    due = select(t.cron_jobs.c.workspace_id, t.cron_jobs.c.id).where(t.cron_jobs.c.suspended_until <= now)
    found = connection.execute(due.where(t.cron_jobs.c.deleted_at.is_(None))).all()
    for row in found:
        if current := by_id(connection, row.workspace_id, row.id):
            resume(connection, current, now)
    return len(found)


def next_resume(connection: Connection) -> datetime | None:
    """When the next suspension ends by itself."""
    query = select(func.min(t.cron_jobs.c.suspended_until)).where(t.cron_jobs.c.deleted_at.is_(None))
    earliest: datetime | None = connection.execute(query).scalar()
    return earliest


def remove(connection: Connection, current: CronJob, now: datetime, *, by: int | None = None) -> None:
    """Delete a CronJob; its runs stay in the history. One whose zone is gone can be deleted all the same."""
    current = _locked(connection, current)
    with contextlib.suppress(ValueError, ZoneInfoNotFoundError):
        if current.suspended:
            _write_pause(connection, current, now)
        else:
            ticks.settle_one(connection, current.id, now)
    _change(connection, current.id, {"deleted_at": now, "next_run_at": None, "owed_from": None})
    _note(connection, "delete", replace(current, next_run_at=None, revision=current.revision + 1), now, by)


def remove_all_of(
    connection: Connection, workspace_id: int, function_id: int, now: datetime, *, by: int | None = None
) -> None:
    """Delete the CronJobs of a function."""
    for cron_job in all_of(connection, workspace_id, function_id):
        remove(connection, cron_job, now, by=by)


def windows(connection: Connection, cron_job_id: int, limit: int = 20) -> list[Window]:
    """The newest windows of a CronJob. The caller got the CronJob through its workspace."""
    rows = connection.execute(
        select(*(t.windows.c[field.name] for field in fields(Window)))
        .where(t.windows.c.cron_job_id == cron_job_id)
        .order_by(t.windows.c.from_at.desc())
        .limit(limit)
    ).mappings()
    return [_window(row) for row in rows]


def windows_between(connection: Connection, cron_job_id: int, start: datetime, end: datetime) -> list[Window]:
    """The windows that touch the span from `start` to `end`, both included, the oldest first; as `windows`."""
    rows = connection.execute(
        select(*(t.windows.c[field.name] for field in fields(Window)))
        .where(t.windows.c.cron_job_id == cron_job_id, t.windows.c.from_at <= end, t.windows.c.to_at >= start)
        .order_by(t.windows.c.from_at)
    ).mappings()
    return [_window(row) for row in rows]


def _window(row: RowMapping) -> Window:
    return Window(**{**row, "reason": Reason(row["reason"])})


def _locked(connection: Connection, current: CronJob) -> CronJob:
    """The CronJob as it is now, its row held: whoever changes it reads it after everybody before."""
    connection.execute(select(t.cron_jobs.c.id).where(t.cron_jobs.c.id == current.id).with_for_update())
    return by_id(connection, current.workspace_id, current.id) or current


def _settled_until(connection: Connection, current: CronJob, now: datetime) -> datetime:
    """Give overdue moments their verdict; the moment after which the next one may come."""
    ticks.settle_one(connection, current.id, now)
    return _newest(connection, current.id, now)


def _newest(connection: Connection, cron_job_id: int, now: datetime) -> datetime:
    """`now`, or the newest moment that has its verdict: a clock that went back makes nothing happen twice."""
    newest = connection.execute(
        select(func.max(t.runs.c.scheduled_for)).where(t.runs.c.cron_job_id == cron_job_id)
    ).scalar()
    return now if newest is None else max(now, newest)


def _next(wanted: CronJobFields, now: datetime) -> datetime | None:
    return wanted.calendar.next_after(now)


def _change(connection: Connection, cron_job_id: int, values: dict[str, Any]) -> None:
    # The revision tells a scheduler that has read the row before that it is out of date.
    connection.execute(
        update(t.cron_jobs)
        .where(t.cron_jobs.c.id == cron_job_id)
        .values(values | {"revision": t.cron_jobs.c.revision + 1})
    )


_AUDITED = (
    *(field.name for field in fields(CronJobFields) if field.name != "event"),  # whose payload may hold a secret
    *("revision", "next_run_at", "suspended", "suspend_reason", "suspended_until", "owed_from"),
)


def _noted(connection: Connection, did: str, current: CronJob, now: datetime, by: int | None) -> CronJob | None:
    """The CronJob as it is now, of which the audit says that it was changed."""
    changed = by_id(connection, current.workspace_id, current.id)
    if changed is not None:
        _note(connection, did, changed, now, by)
    return changed


def _note(connection: Connection, did: str, job: CronJob, now: datetime, by: int | None) -> None:
    """Write all that decides when it is due: from these rows alone one can tell which moments it ever had."""
    detail = {"cron_job_id": job.id} | {name: _plain(getattr(job, name)) for name in _AUDITED}
    action = f"cron_job.{did}"
    audit.note(connection, action, job.name, now, workspace_id=job.workspace_id, by=by, detail=detail)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _write_pause(connection: Connection, current: CronJob, now: datetime) -> None:
    if current.owed_from is None or current.owed_from > now:
        return
    window = paused_window(current.calendar, current.owed_from, now)
    if window is not None:
        connection.execute(insert(t.windows).values(asdict(window) | {"cron_job_id": current.id, "created_at": now}))
