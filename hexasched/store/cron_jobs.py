"""CronJobs as they are: what a person set, and when each is due next."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from hexasched.domain.policies import Policy
from hexasched.domain.ticks import calendar_of
from hexasched.domain.timetables import Calendar
from hexasched.domain.zones import check_zone, shown_zone
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

    @property
    def zone_trouble(self) -> str:
        """Why it has no moments although it has a schedule: its zone has gone from the database; else empty."""
        wrong = check_zone(self.timezone)
        return f"The time zone of {self.name} can't be used any more. {wrong}" if wrong else ""

    @property
    def shown_zone(self) -> str:
        """The zone that its times are shown in: its own, or UTC while that is gone."""
        return shown_zone(self.timezone)


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


def page(connection: Connection, workspace_id: int, after: str, limit: int) -> list[CronJob]:
    """The workspace's CronJobs by name, those behind the name `after`."""
    query = _cron_jobs(workspace_id).where(t.cron_jobs.c.name > after).order_by(t.cron_jobs.c.name).limit(limit)
    return [CronJob(**row) for row in connection.execute(query).mappings()]


def coming(connection: Connection, workspace_id: int, until: datetime, limit: int) -> list[CronJob]:
    """The CronJobs that are due by `until`, the next one first."""
    query = _cron_jobs(workspace_id).where(t.cron_jobs.c.next_run_at <= until)
    rows = connection.execute(query.order_by(t.cron_jobs.c.next_run_at, t.cron_jobs.c.id).limit(limit)).mappings()
    return [CronJob(**row) for row in rows]


def count_coming(connection: Connection, workspace_id: int, until: datetime, at_most: int) -> int:
    """How many CronJobs are due by `until`, counted up to `at_most`."""
    mine = (t.cron_jobs.c.workspace_id == workspace_id, t.cron_jobs.c.next_run_at <= until)
    some = select(t.cron_jobs.c.id).where(*mine).limit(at_most).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def names(connection: Connection, workspace_id: int, limit: int) -> dict[int, str]:
    """The names of the first CronJobs of the workspace in the order of their names, by id."""
    mine = (t.cron_jobs.c.workspace_id == workspace_id, t.cron_jobs.c.deleted_at.is_(None))
    query = select(t.cron_jobs.c.id, t.cron_jobs.c.name).where(*mine).order_by(t.cron_jobs.c.name).limit(limit)
    return {row.id: row.name for row in connection.execute(query)}


def by_id(connection: Connection, workspace_id: int, cron_job_id: int) -> CronJob | None:
    """One CronJob of the workspace."""
    row = connection.execute(_cron_jobs(workspace_id).where(t.cron_jobs.c.id == cron_job_id)).mappings().first()
    return CronJob(**row) if row else None


def by_name(connection: Connection, workspace_id: int, name: str) -> CronJob | None:
    """The CronJob of that name."""
    row = connection.execute(_cron_jobs(workspace_id).where(t.cron_jobs.c.name == name)).mappings().first()
    return CronJob(**row) if row else None
