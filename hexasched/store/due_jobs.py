"""CronJobs that are due, with the facts that decide what their moments become."""

from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, Select, bindparam, func, select

from hexasched.domain.outcomes import Status
from hexasched.domain.policies import Policy
from hexasched.domain.ticks import DueJob
from hexasched.store import blackouts
from hexasched.store import tables as t

_ACTIVE = (
    select(func.count())
    .select_from(t.runs)
    .where(t.runs.c.cron_job_id == t.cron_jobs.c.id, t.runs.c.status.in_((Status.QUEUED, Status.RUNNING)))
    .correlate(t.cron_jobs)
    .scalar_subquery()
)
_NEWEST_VERSION = (
    select(func.max(t.versions.c.id))
    .where(t.versions.c.function_id == t.functions.c.id, t.versions.c.number.is_not(None))
    .correlate(t.functions)
    .scalar_subquery()
)
_PLAIN = ("id", "workspace_id", "function_id", "revision", "expression", "timezone", "event")
_POLICY = tuple(field.name for field in fields(Policy))


def _jobs() -> Select[Any]:
    return select(
        *(t.cron_jobs.c[name] for name in (*_PLAIN, *_POLICY)),
        t.functions.c.live_version_id,
        func.coalesce(t.functions.c.live_version_id, _NEWEST_VERSION).label("newest_version_id"),
        t.cron_jobs.c.next_run_at.label("due_at"),
        _ACTIVE.label("active"),
    ).join(t.functions, t.functions.c.id == t.cron_jobs.c.function_id)


def due(connection: Connection, now: datetime, limit: int) -> list[DueJob]:
    """Up to `limit` CronJobs whose moment has come, the longest waiting first."""
    rows = connection.execute(_DUE, {"now": now, "limit": limit}).mappings()
    return _with_blackouts(connection, [DueJob(**row) for row in rows], now)


def due_one(connection: Connection, cron_job_id: int, now: datetime) -> list[DueJob]:
    """This CronJob if its moment has come."""
    query = _jobs().where(t.cron_jobs.c.id == cron_job_id, t.cron_jobs.c.next_run_at <= now)
    return _with_blackouts(connection, [DueJob(**row) for row in connection.execute(query).mappings()], now)


def _with_blackouts(connection: Connection, jobs: list[DueJob], now: datetime) -> list[DueJob]:
    if not jobs:
        return jobs
    earliest = min(job.due_at for job in jobs)
    by_workspace = blackouts.between(connection, {job.workspace_id for job in jobs}, earliest, now)
    return [
        replace(job, blackouts=tuple(one for owner, one in found if owner in (None, job.id)))
        if (found := by_workspace.get(job.workspace_id))
        else job
        for job in jobs
    ]


# Made once: to put a statement together takes longer than to execute it.
_DUE = (
    _jobs()
    .where(t.cron_jobs.c.next_run_at <= bindparam("now"))
    .order_by(t.cron_jobs.c.next_run_at, t.cron_jobs.c.id)
    .limit(bindparam("limit", type_=Integer))
)
