"""Which runs may be forgotten: by their age, or where a CronJob has more than its limits.

Never: what is active; a run whose moment is not 40 days past, since its row is what keeps the moment from happening
twice; the last run of a CronJob.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from hexasched.domain.limits import MIB
from hexasched.domain.outcomes import Status
from hexasched.store import tables as t
from hexasched.store.batches import BATCH, Batch, old

BATCH_LOG_BYTES = 32 * MIB
"""A run's log goes with it: a transaction must not become large by logs either."""

KEYS_KEPT = timedelta(days=40)

_FAILED = (Status.FAILED, Status.TIMED_OUT, Status.LOST)


def deletable(now: datetime) -> ColumnElement[bool]:
    """Whether a run may go at all; its age or number is another question."""
    later = t.runs.alias()
    newest = select(func.max(later.c.id)).where(later.c.cron_job_id == t.runs.c.cron_job_id).correlate(t.runs)
    return and_(
        t.runs.c.finished_at.is_not(None),
        or_(t.runs.c.scheduled_for.is_(None), t.runs.c.scheduled_for < now - KEYS_KEPT),
        or_(t.runs.c.cron_job_id.is_(None), t.runs.c.id != newest.scalar_subquery()),
    )


def old_runs(connection: Connection, after: int, cutoff: datetime, now: datetime) -> Batch:
    """Runs behind the id `after` that ended before `cutoff`."""
    batch = old(connection, t.runs, after, cutoff, and_(t.runs.c.finished_at < cutoff, deletable(now)))
    some = _with_small_logs(connection, batch.ids)
    return batch if len(some) == len(batch.ids) else Batch(ids=some, after=some[-1])


def _with_small_logs(connection: Connection, ids: Sequence[int]) -> list[int]:
    """The first of the runs whose logs together are not too large; at least one."""
    rows = connection.execute(select(t.runs.c.id, t.runs.c.log_bytes).where(t.runs.c.id.in_(ids)).order_by(t.runs.c.id))
    some: list[int] = []
    total = 0
    for run_id, size in rows:
        total += size
        if some and total > BATCH_LOG_BYTES:
            break
        some.append(run_id)
    return some


def runs_over_limit(connection: Connection, after: int, now: datetime) -> Batch:
    """What the next CronJob (by id) with limits of its own has too much of; the same one again until that is all."""
    limits = (t.cron_jobs.c.successful_history_limit, t.cron_jobs.c.failed_history_limit)
    job = connection.execute(
        select(t.cron_jobs.c.id, *limits)
        .where(t.cron_jobs.c.id > after, or_(*(limit.is_not(None) for limit in limits)))
        .order_by(t.cron_jobs.c.id)
        .limit(1)
    ).first()
    if job is None:
        return Batch(ids=(), after=None)
    ids = [
        *_beyond(connection, job.id, (Status.SUCCEEDED,), job.successful_history_limit, now),
        *_beyond(connection, job.id, _FAILED, job.failed_history_limit, now),
    ]
    some = _with_small_logs(connection, ids)
    return Batch(ids=some, after=job.id - 1 if some else job.id)


def _beyond(
    connection: Connection, cron_job_id: int, statuses: tuple[Status, ...], limit: int | None, now: datetime
) -> Iterable[int]:
    """Runs of the CronJob that ended so and are older than the newest `limit` of them; None is no limit."""
    if limit is None:
        return []
    theirs = (t.runs.c.cron_job_id == cron_job_id, t.runs.c.status.in_(statuses))
    found = deletable(now)
    if limit > 0:
        kept = select(t.runs.c.id).where(*theirs).order_by(t.runs.c.id.desc()).offset(limit - 1).limit(1)
        oldest_kept = connection.execute(kept).scalar()
        if oldest_kept is None:
            return []
        found = and_(found, t.runs.c.id < oldest_kept)
    # Each of the two goes through the index of the moments, and so passes by nothing that is protected.
    moments = (t.runs.c.scheduled_for < now - KEYS_KEPT, t.runs.c.scheduled_for.is_(None))
    queries = [select(t.runs.c.id).where(*theirs, found, which).limit(BATCH // 2) for which in moments]
    return [run_id for query in queries for run_id in connection.execute(query).scalars()]
