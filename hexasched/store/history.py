"""Runs as people read them: lists with filters, and one run with everything known of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, literal_column, or_, select, union_all

from hexasched.domain.outcomes import ErrorDetail, Reason, Status
from hexasched.store import tables as t


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """A run as lists show it."""

    id: int
    status: Status
    reason: Reason | None
    trigger: str
    attempt: int
    max_attempts: int
    function_id: int
    function_name: str
    version_number: int | None
    cron_job_id: int | None
    cron_job_name: str | None
    spread_s: int
    scheduled_for: datetime | None
    created_at: datetime
    claimed_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None
    peak_memory_bytes: int | None
    error: ErrorDetail | None
    env_missing: tuple[str, ...]

    @property
    def may_have_run(self) -> bool:
        """Whether nobody knows if its code began: the worker that had taken it died and left word of nothing."""
        is_told = self.started_at is not None or self.duration_ms is not None
        return self.finished_at is not None and self.claimed_at is not None and not is_told


@dataclass(frozen=True, kw_only=True)
class RunDetail(RunRow):
    """A run as its own page and the command line show it."""

    workspace_id: int
    version_id: int
    source: str
    handler_file: str
    memory_mb: int
    timeout_s: int
    env_revision: int | None
    retry_of: int | None
    event: str
    result: str | None
    warnings: tuple[str, ...]
    env_read: tuple[str, ...]
    exit_code: int | None
    signal: int | None
    cpu_ms: int | None
    log_bytes: int
    log_dropped_bytes: int
    cancel_requested_at: datetime | None


_ROW = (
    *(t.runs.c[name] for name in ("id", "status", "reason", "trigger", "attempt", "max_attempts", "function_id")),
    t.functions.c.name.label("function_name"),
    t.versions.c.number.label("version_number"),
    t.runs.c.cron_job_id,
    t.cron_jobs.c.name.label("cron_job_name"),
    func.coalesce(t.cron_jobs.c.spread_s, 0).label("spread_s"),
    *(t.runs.c[name] for name in ("scheduled_for", "created_at", "claimed_at", "started_at", "finished_at")),
    *(t.runs.c[name] for name in ("duration_ms", "peak_memory_bytes", "error", "env_missing")),
)
_DETAIL = (
    *_ROW,
    *(t.runs.c[name] for name in ("workspace_id", "version_id", "env_revision", "retry_of", "event", "result")),
    t.versions.c.source,
    t.versions.c.handler_file,
    t.versions.c.limits,
    *(t.runs.c[name] for name in ("warnings", "env_read", "exit_code", "signal", "cpu_ms", "log_bytes")),
    *(t.runs.c[name] for name in ("log_dropped_bytes", "cancel_requested_at")),
)


def _joined(columns: tuple[Any, ...]) -> Select[Any]:
    return (
        select(*columns)
        .join(t.functions, t.functions.c.id == t.runs.c.function_id)
        .join(t.versions, t.versions.c.id == t.runs.c.version_id)
        .outerjoin(t.cron_jobs, t.cron_jobs.c.id == t.runs.c.cron_job_id)
    )


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
    query = _joined(_ROW).where(t.runs.c.id.in_(select(ids.c.id)))
    rows = connection.execute(query.order_by(t.runs.c.id.desc())).mappings()
    return [RunRow(**_typed(dict(row))) for row in rows]


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
    query = _joined(_DETAIL).where(t.runs.c.id == run_id, t.runs.c.workspace_id == workspace_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else _detailed(dict(row))


def of_moment(
    connection: Connection, workspace_id: int, cron_job_id: int, begin: datetime, end: datetime
) -> list[RunDetail]:
    """All attempts of a CronJob at what was due at `begin` or later, but before `end`, in their order."""
    query = _joined(_DETAIL).where(
        t.runs.c.cron_job_id == cron_job_id,
        t.runs.c.workspace_id == workspace_id,
        t.runs.c.scheduled_for >= begin,
        t.runs.c.scheduled_for < end,
    )
    rows = connection.execute(query.order_by(t.runs.c.scheduled_for, t.runs.c.attempt)).mappings()
    return [_detailed(dict(row)) for row in rows]


def _detailed(row: dict[str, Any]) -> RunDetail:
    values = _typed(row)
    limits = values.pop("limits")
    for name in ("warnings", "env_read"):
        values[name] = tuple(values[name] or ())
    return RunDetail(**values, memory_mb=limits["memory_mb"], timeout_s=limits["timeout_s"])


def latest_of_cron_jobs(connection: Connection, workspace_id: int, cron_job_ids: Collection[int]) -> dict[int, RunRow]:
    """The newest run of each of these CronJobs of the workspace that has one, by the CronJob's id."""
    newest = (
        select(func.max(t.runs.c.id))
        .where(t.runs.c.cron_job_id == t.cron_jobs.c.id)
        .correlate(t.cron_jobs)
        .scalar_subquery()
    )
    theirs = select(newest).where(t.cron_jobs.c.id.in_(cron_job_ids), t.cron_jobs.c.workspace_id == workspace_id)
    rows = connection.execute(_joined(_ROW).where(t.runs.c.id.in_(theirs))).mappings()
    return {row["cron_job_id"]: RunRow(**_typed(dict(row))) for row in rows}


def attempts(connection: Connection, run: RunDetail) -> list[RunRow]:
    """All attempts at the same piece of work, `run` among them, in their order."""
    occurrence = connection.execute(select(t.runs.c.occurrence_id).where(t.runs.c.id == run.id)).scalar()
    first_id = int(occurrence.removeprefix("run-")) if occurrence else run.id
    query = _joined(_ROW).where(
        t.runs.c.workspace_id + 0 == run.workspace_id,  # "+ 0" keeps SQLite from going by the workspace
        or_(t.runs.c.id == first_id, t.runs.c.occurrence_id == f"run-{first_id}"),
    )
    rows = connection.execute(query.order_by(t.runs.c.id).limit(60)).mappings()
    return [RunRow(**_typed(dict(row))) for row in rows]


def status_of(connection: Connection, run_id: int) -> Status | None:
    """Where a run is."""
    status = connection.execute(select(t.runs.c.status).where(t.runs.c.id == run_id)).scalar()
    return None if status is None else Status(status)


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    row["status"] = Status(row["status"])
    row["reason"] = Reason(row["reason"]) if row["reason"] else None
    row["error"] = ErrorDetail(**row["error"]) if row["error"] else None
    row["env_missing"] = tuple(row["env_missing"] or ())
    return row


COUNTED = 10_000
"""So many of the newest runs that ended are counted; a page says "10,000+" instead of waiting for more."""


def counts(connection: Connection, workspace_id: int, since: datetime) -> dict[str, int]:
    """How many of the newest COUNTED runs that ended since then ended in each status."""
    ended = (t.runs.c.workspace_id == workspace_id, t.runs.c.finished_at >= since)
    newest = select(t.runs.c.status).where(*ended).order_by(t.runs.c.finished_at.desc()).limit(COUNTED).subquery()
    rows = connection.execute(select(newest.c.status, func.count()).group_by(newest.c.status))
    return {status: number for status, number in rows}  # noqa: C416 - a Row is not a pair for mypy
