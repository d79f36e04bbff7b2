"""What is forgotten with time: found by reading, deleted in small transactions that look again at what they delete.

Never deleted: what is active; a run whose moment is not 40 days past, since its row is what keeps the moment from
happening twice; the last run of a CronJob.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, func, or_, select, true

from hexasched.domain.limits import MIB
from hexasched.domain.outcomes import Status
from hexasched.store import tables as t

BATCH = 500
DRAFTS_BATCH = 20  # with them go their test runs and logs
BATCH_LOG_BYTES = 32 * MIB
"""A run's log goes with it: a transaction must not become large by logs either."""

KEYS_KEPT = timedelta(days=40)
DRAFTS_KEPT = timedelta(days=7)
SENT_KEPT = timedelta(days=90)
ARTIFACTS_KEPT = timedelta(days=1)
"""A build may be about to refer to one that is younger."""

_TOLD = t.audit.c.action.not_in(("cron_job.create", "cron_job.edit"))
"""Those two stay: from them alone one can tell which schedule a CronJob had at some time."""

_FAILED = (Status.FAILED, Status.TIMED_OUT, Status.LOST)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Rows that may go, and where to look on; `after` is None when that was all."""

    ids: Sequence[Any]
    after: int | None


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One kind of rows: how a batch is found behind a row's id, and deleted. `delete` returns how many went."""

    name: str
    find: Callable[[Connection, int], Batch]
    delete: Callable[[Connection, Sequence[Any]], int]


def sweeps(now: datetime, kept: timedelta) -> list[Sweep]:
    """All of them, in their order, for an instance that keeps its history for `kept`."""
    cutoff = now - kept
    deletable = _deletable(now)
    return [
        Sweep(
            name="runs",
            find=lambda connection, after: _old_runs(connection, after, cutoff, deletable),
            delete=lambda connection, ids: _delete(connection, t.runs, t.runs.c.id.in_(ids), deletable),
        ),
        Sweep(
            name="runs over a limit",
            find=lambda connection, after: _runs_over_limit(connection, after, now),
            delete=lambda connection, ids: _delete(connection, t.runs, t.runs.c.id.in_(ids), deletable),
        ),
        Sweep(
            name="logs of builds",
            find=lambda connection, after: _old(connection, t.builds, after, cutoff, _has_log(cutoff)),
            delete=lambda connection, ids: _delete(
                connection, t.build_log_chunks, t.build_log_chunks.c.build_id.in_(ids)
            ),
        ),
        Sweep(
            name="messages",
            find=lambda connection, after: _old(
                connection, t.outbox, after, now - SENT_KEPT, t.outbox.c.sent_at < now - SENT_KEPT
            ),
            delete=lambda connection, ids: _delete(connection, t.outbox, t.outbox.c.id.in_(ids)),
        ),
        Sweep(
            name="drafts",
            find=lambda connection, after: _old(
                connection, t.versions, after, now - DRAFTS_KEPT, _idle_draft(), DRAFTS_BATCH
            ),
            delete=_delete_drafts,
        ),
        Sweep(
            name="packages",
            find=lambda connection, _after: _unused_artifact(connection, now - ARTIFACTS_KEPT),
            delete=lambda connection, ids: _delete(
                connection, t.artifacts, t.artifacts.c.id.in_(ids), _unused(now - ARTIFACTS_KEPT)
            ),
        ),
        *_notes(cutoff),
    ]


def _notes(cutoff: datetime) -> list[Sweep]:
    """What was noted of people's deeds, of moments without a row, and of downtimes."""
    ended = t.windows.c.to_at < cutoff  # made long ago is not enough: the window of a blackout grows
    return [
        Sweep(
            name="audit",
            find=lambda connection, after: _old(connection, t.audit, after, cutoff, _TOLD, made=t.audit.c.at),
            delete=lambda connection, ids: _delete(connection, t.audit, t.audit.c.id.in_(ids)),
        ),
        Sweep(
            name="windows",
            find=lambda connection, after: _old(connection, t.windows, after, cutoff, ended),
            delete=lambda connection, ids: _delete(connection, t.windows, t.windows.c.id.in_(ids), ended),
        ),
        Sweep(
            name="downtimes",
            find=lambda connection, after: _old(connection, t.downtimes, after, cutoff, true()),
            delete=lambda connection, ids: _delete(connection, t.downtimes, t.downtimes.c.id.in_(ids)),
        ),
    ]


def _delete(connection: Connection, table: Table, *conditions: ColumnElement[bool]) -> int:
    return connection.execute(delete(table).where(*conditions)).rowcount


def _old(
    connection: Connection,
    table: Table,
    after: int,
    cutoff: datetime,
    condition: ColumnElement[bool],
    size: int = BATCH,
    made: ColumnElement[datetime] | None = None,
) -> Batch:
    """The rows made before `cutoff` that meet the condition. Ids grow with time: where the younger begin, it ends.

    When a row was made is its column `made`, by default created_at.
    """
    made = table.c.created_at if made is None else made
    looked = connection.execute(
        select(table.c.id, made.label("made")).where(table.c.id > after).order_by(table.c.id).limit(size)
    ).all()
    if not looked:
        return Batch(ids=(), after=None)
    within = (table.c.id > after, table.c.id <= looked[-1].id, made < cutoff)
    ids = list(connection.execute(select(table.c.id).where(*within, condition)).scalars())
    goes_on = len(looked) == size and any(row.made < cutoff for row in looked)
    return Batch(ids=ids, after=looked[-1].id if goes_on else None)


def _deletable(now: datetime) -> ColumnElement[bool]:
    """Whether a run may go at all; its age or number is another question."""
    later = t.runs.alias()
    newest = select(func.max(later.c.id)).where(later.c.cron_job_id == t.runs.c.cron_job_id).correlate(t.runs)
    return and_(
        t.runs.c.finished_at.is_not(None),
        or_(t.runs.c.scheduled_for.is_(None), t.runs.c.scheduled_for < now - KEYS_KEPT),
        or_(t.runs.c.cron_job_id.is_(None), t.runs.c.id != newest.scalar_subquery()),
    )


def _old_runs(connection: Connection, after: int, cutoff: datetime, deletable: ColumnElement[bool]) -> Batch:
    batch = _old(connection, t.runs, after, cutoff, and_(t.runs.c.finished_at < cutoff, deletable))
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


def _runs_over_limit(connection: Connection, after: int, now: datetime) -> Batch:
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
    found = _deletable(now)
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


def _has_log(cutoff: datetime) -> ColumnElement[bool]:
    chunks = exists().where(t.build_log_chunks.c.build_id == t.builds.c.id)
    return and_(t.builds.c.finished_at < cutoff, chunks)


def _idle_draft() -> ColumnElement[bool]:
    """A draft of which nothing is going on; all that was ever done with it are its build and its test runs."""
    building = exists().where(t.builds.c.version_id == t.versions.c.id, t.builds.c.finished_at.is_(None))
    in_use = or_(t.runs.c.finished_at.is_(None), t.runs.c.trigger != "test")
    running = exists().where(t.runs.c.version_id == t.versions.c.id, in_use)
    return and_(t.versions.c.number.is_(None), ~building, ~running)


def _delete_drafts(connection: Connection, ids: Sequence[int]) -> int:
    idle = select(t.versions.c.id).where(t.versions.c.id.in_(ids), _idle_draft()).with_for_update()
    still = list(connection.execute(idle).scalars())
    _delete(connection, t.runs, t.runs.c.version_id.in_(still))
    _delete(connection, t.builds, t.builds.c.version_id.in_(still))
    return _delete(connection, t.versions, t.versions.c.id.in_(still))


def _unused(cutoff: datetime) -> ColumnElement[bool]:
    used = exists().where(t.versions.c.artifact_id == t.artifacts.c.id)
    return and_(t.artifacts.c.created_at < cutoff, ~used)


def _unused_artifact(connection: Connection, cutoff: datetime) -> Batch:
    """One at a time: its pieces are up to hundreds of megabytes."""
    ids = list(connection.execute(select(t.artifacts.c.id).where(_unused(cutoff)).limit(1)).scalars())
    return Batch(ids=ids, after=0 if ids else None)
