"""Runs as people read them: lists with filters, and one run with everything known of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, func, literal_column, or_, select, union_all

from hexasched.domain.outcomes import Status
from hexasched.store import tables as t
from hexasched.store.run_rows import DETAIL, ROW, RunDetail, RunRow, detailed, joined, typed


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which runs a list shows; None means all."""

    status: str | None = None
    statuses: tuple[str, ...] = ()  # one of these
    function_id: int | None = None
    cron_job_id: int | None = None
    before: int | None = None  # keyset paging: ids below this one


def history(connection: Connection, workspace_id: int, wanted: Filter, limit: int = 50) -> list[RunRow]:
    """The newest runs of a workspace that match, newest first; the version of a draft's test run has no number."""
    statuses = wanted.statuses or ((wanted.status,) if wanted.status is not None else ())
    newest = select(t.runs.c.id).where(*_conditions(workspace_id, wanted)).order_by(t.runs.c.id.desc()).limit(limit)
    if statuses:
        # One look into the index for each status: in search of a rare one the others' runs need not be passed by.
        each = [select(newest.where(t.runs.c.status == status).subquery().c.id) for status in statuses]
        ids = union_all(*each).order_by(literal_column("id").desc()).limit(limit).subquery()
    else:
        ids = newest.subquery()
    query = joined(ROW).where(t.runs.c.id.in_(select(ids.c.id)))
    rows = connection.execute(query.order_by(t.runs.c.id.desc())).mappings()
    return [RunRow(**typed(dict(row))) for row in rows]


def _conditions(workspace_id: int, wanted: Filter) -> list[ColumnElement[bool]]:
    before = [t.runs.c.id < wanted.before] if wanted.before is not None else []
    if wanted.function_id is None and wanted.cron_job_id is None:
        return [t.runs.c.workspace_id == workspace_id, *before]
    # Whose the owner is is asked once: asked of each run it would lead planners past all runs of the workspace.
    narrow = [
        part
        for table, owner_id, column in (
            (t.functions, wanted.function_id, t.runs.c.function_id),
            (t.cron_jobs, wanted.cron_job_id, t.runs.c.cron_job_id),
        )
        if owner_id is not None
        for part in (column == owner_id, _belongs(table, owner_id, workspace_id))
    ]
    return [*narrow, *before]


def _belongs(table: Table, owner_id: int, workspace_id: int) -> ColumnElement[bool]:
    return select(table.c.id).where(table.c.id == owner_id, table.c.workspace_id == workspace_id).exists()


def detail(connection: Connection, workspace_id: int, run_id: int) -> RunDetail | None:
    """One run of the workspace."""
    query = joined(DETAIL).where(t.runs.c.id == run_id, t.runs.c.workspace_id == workspace_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else detailed(dict(row))


def of_moment(
    connection: Connection, workspace_id: int, cron_job_id: int, begin: datetime, end: datetime
) -> list[RunDetail]:
    """All attempts of a CronJob at what was due at `begin` or later, but before `end`, in their order."""
    query = joined(DETAIL).where(
        t.runs.c.cron_job_id == cron_job_id,
        t.runs.c.workspace_id == workspace_id,
        t.runs.c.scheduled_for >= begin,
        t.runs.c.scheduled_for < end,
    )
    rows = connection.execute(query.order_by(t.runs.c.scheduled_for, t.runs.c.attempt)).mappings()
    return [detailed(dict(row)) for row in rows]


def latest_of_cron_jobs(connection: Connection, workspace_id: int, cron_job_ids: Collection[int]) -> dict[int, RunRow]:
    """The newest run of each of these CronJobs of the workspace that has one, by the CronJob's id."""
    newest = (
        select(func.max(t.runs.c.id))
        .where(t.runs.c.cron_job_id == t.cron_jobs.c.id)
        .correlate(t.cron_jobs)
        .scalar_subquery()
    )
    theirs = select(newest).where(t.cron_jobs.c.id.in_(cron_job_ids), t.cron_jobs.c.workspace_id == workspace_id)
    rows = connection.execute(joined(ROW).where(t.runs.c.id.in_(theirs))).mappings()
    return {row["cron_job_id"]: RunRow(**typed(dict(row))) for row in rows}


def attempts(connection: Connection, run: RunDetail) -> list[RunRow]:
    """All attempts at the same piece of work, `run` among them, in their order."""
    occurrence = connection.execute(select(t.runs.c.occurrence_id).where(t.runs.c.id == run.id)).scalar()
    first_id = int(occurrence.removeprefix("run-")) if occurrence else run.id
    query = joined(ROW).where(
        t.runs.c.workspace_id + 0 == run.workspace_id,  # "+ 0" keeps SQLite from going by the workspace
        or_(t.runs.c.id == first_id, t.runs.c.occurrence_id == f"run-{first_id}"),
    )
    rows = connection.execute(query.order_by(t.runs.c.id).limit(60)).mappings()
    return [RunRow(**typed(dict(row))) for row in rows]


def status_of(connection: Connection, run_id: int) -> Status | None:
    """Where a run is."""
    status = connection.execute(select(t.runs.c.status).where(t.runs.c.id == run_id)).scalar()
    return None if status is None else Status(status)


COUNTED = 10_000
"""So many of the newest runs that ended are counted; a page says "10,000+" instead of waiting for more."""


def counts(connection: Connection, workspace_id: int, since: datetime) -> dict[str, int]:
    """How many of the newest COUNTED runs that ended since then ended in each status."""
    ended = (t.runs.c.workspace_id == workspace_id, t.runs.c.finished_at >= since)
    newest = select(t.runs.c.status).where(*ended).order_by(t.runs.c.finished_at.desc()).limit(COUNTED).subquery()
    rows = connection.execute(select(newest.c.status, func.count()).group_by(newest.c.status))
    return {status: number for status, number in rows}  # noqa: C416 - a Row is not a pair for mypy
