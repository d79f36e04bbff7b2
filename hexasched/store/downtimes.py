"""Silences of the scheduler and jumps of the clock, and what became of the CronJobs' moments in them."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from hexasched.domain.gaps import CLOCK_BACK, CLOCK_FORWARD, Gap
from hexasched.domain.outcomes import Reason, Status
from hexasched.store import tables as t


@dataclass(frozen=True, kw_only=True)
class Downtime(Gap):
    """A gap as it was recorded; `seen_at` is when somebody said that they know of it."""

    id: int
    created_at: datetime
    seen_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What a gap meant for one CronJob.

    How many of its moments were missed (the newest: `last_missed`), how many became runs (the newest: `run_id`), how
    many were skipped because a run before them had not ended, and the newest run that somebody queued since then to
    make up for one (`backfill_id`).
    """

    cron_job_id: int
    name: str
    catch_up: str
    missed: int = 0
    last_missed: datetime | None = None
    ran: int = 0
    run_id: int | None = None
    overlapped: int = 0
    backfill_id: int | None = None


def add(connection: Connection, gap: Gap, now: datetime) -> None:
    """Record a gap that was noticed at `now`."""
    values = {"kind": gap.kind, "from_at": gap.from_at, "to_at": gap.to_at, "created_at": now}
    connection.execute(insert(t.downtimes).values(values))


def newest(connection: Connection, limit: int) -> list[Downtime]:
    """The newest gaps, newest first."""
    return _downtimes(connection, limit)


def unseen(connection: Connection, limit: int) -> list[Downtime]:
    """The newest gaps of which nobody has said yet that they know."""
    return _downtimes(connection, limit, t.downtimes.c.seen_at.is_(None))


def jumps_since(connection: Connection, since: datetime) -> list[Downtime]:
    """The jumps of the clock that were noticed later than `since`, newest first."""
    is_jump = t.downtimes.c.kind.in_((CLOCK_FORWARD, CLOCK_BACK))
    return _downtimes(connection, 5, is_jump, t.downtimes.c.created_at > since)


def by_id(connection: Connection, downtime_id: int) -> Downtime | None:
    """One gap."""
    return next(iter(_downtimes(connection, 1, t.downtimes.c.id == downtime_id)), None)


def _downtimes(connection: Connection, limit: int, *conditions: ColumnElement[bool]) -> list[Downtime]:
    query = select(*(t.downtimes.c[name] for name in Downtime.__dataclass_fields__)).where(*conditions)
    rows = connection.execute(query.order_by(t.downtimes.c.id.desc()).limit(limit)).mappings()
    return [Downtime(**row) for row in rows]


def mark_seen(connection: Connection, until_id: int, now: datetime) -> int:
    """Somebody knows of all gaps up to this one; returns how many were new."""
    theirs = (t.downtimes.c.id <= until_id, t.downtimes.c.seen_at.is_(None))
    return connection.execute(update(t.downtimes).where(*theirs).values(seen_at=now)).rowcount


def effects(connection: Connection, workspace_id: int, gap: Gap) -> list[Effect]:
    """What became of the workspace's CronJobs' moments that lay in `gap`, by their names; deleted ones are left out.

    Nothing for a clock that went back: its moments had happened before.
    """
    if gap.kind == CLOCK_BACK:
        return []
    jobs = connection.execute(
        select(t.cron_jobs.c.id, t.cron_jobs.c.name, t.cron_jobs.c.catch_up)
        .where(t.cron_jobs.c.workspace_id == workspace_id, t.cron_jobs.c.deleted_at.is_(None))
        .order_by(t.cron_jobs.c.name)
    ).all()
    by_cron = t.runs.c.trigger == "cron"
    missed = _runs(connection, workspace_id, gap, by_cron, t.runs.c.status == Status.MISSED)
    ran = _runs(connection, workspace_id, gap, by_cron, t.runs.c.status.not_in((Status.MISSED, Status.SKIPPED)))
    overlaps = (t.runs.c.status == Status.SKIPPED, t.runs.c.reason.in_((Reason.OVERLAP, Reason.QUEUE_FULL)))
    overlapped = _runs(connection, workspace_id, gap, by_cron, *overlaps)
    made_up = _runs(connection, workspace_id, gap, t.runs.c.trigger == "backfill")
    windows = _windows(connection, workspace_id, gap)
    affected = {*missed, *ran, *windows, *overlapped}
    return [
        Effect(
            cron_job_id=job.id,
            name=job.name,
            catch_up=job.catch_up,
            missed=missed[job.id].count + windows[job.id].count,
            last_missed=max(filter(None, (missed[job.id].last, windows[job.id].last)), default=None),
            ran=ran[job.id].count,
            run_id=ran[job.id].run_id,
            overlapped=overlapped[job.id].count,
            backfill_id=made_up[job.id].run_id,
        )
        for job in jobs
        if job.id in affected
    ]


@dataclass(frozen=True, kw_only=True)
class _Moments:
    """Of one CronJob: how many moments, the newest of them, the newest run for them."""

    count: int = 0
    last: datetime | None = None
    run_id: int | None = None


def _runs(connection: Connection, workspace_id: int, gap: Gap, *conditions: ColumnElement[bool]) -> dict[int, _Moments]:
    """The moments in the gap that have such a run, by CronJob."""
    rows = connection.execute(
        select(t.cron_jobs.c.id, func.count(), func.max(t.runs.c.scheduled_for), func.max(t.runs.c.id))
        .join(t.cron_jobs, t.cron_jobs.c.id == t.runs.c.cron_job_id)
        .where(t.cron_jobs.c.workspace_id == workspace_id, *conditions)
        .where(t.runs.c.scheduled_for > gap.from_at, t.runs.c.scheduled_for <= gap.to_at)
        .group_by(t.cron_jobs.c.id)  # by the run's own column SQLite would read all runs, since they lie in that order
    )
    found: dict[int, _Moments] = defaultdict(_Moments)
    for job, count, last, run_id in rows:
        found[job] = _Moments(count=count, last=last, run_id=run_id)
    return found


def _windows(connection: Connection, workspace_id: int, gap: Gap) -> dict[int, _Moments]:
    """The moments in the gap that were missed and have no row of their own, by CronJob."""
    rows = connection.execute(
        select(t.windows.c.cron_job_id, func.sum(t.windows.c.count), func.max(t.windows.c.to_at))
        .join(t.cron_jobs, t.cron_jobs.c.id == t.windows.c.cron_job_id)
        .where(t.cron_jobs.c.workspace_id == workspace_id, t.windows.c.reason == Reason.SERVER_DOWN)
        .where(t.windows.c.from_at > gap.from_at, t.windows.c.to_at <= gap.to_at)
        .group_by(t.windows.c.cron_job_id)
    )
    found: dict[int, _Moments] = defaultdict(_Moments)
    for job, count, last in rows:
        found[job] = _Moments(count=int(count), last=last)
    return found
