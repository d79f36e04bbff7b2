"""Runs as people read them: lists with filters, and one run with everything known of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, or_, select, union_all

from hexasched.domain.outcomes import ACTIVE, FINAL, ErrorDetail, Reason, Status
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
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None
    peak_memory_bytes: int | None
    error: ErrorDetail | None
    env_missing: tuple[str, ...]


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
    *(t.runs.c[name] for name in ("scheduled_for", "created_at", "started_at", "finished_at", "duration_ms")),
    *(t.runs.c[name] for name in ("peak_memory_bytes", "error", "env_missing")),
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

    @property
    def is_narrow(self) -> bool:
        """Whether only runs of one function or CronJob are wanted."""
        return self.function_id is not None or self.cron_job_id is not None


def history(connection: Connection, workspace_id: int, wanted: Filter, limit: int = 50) -> list[RunRow]:
    """The newest runs of a workspace that match, newest first; the version of a draft's test run has no number."""
    statuses = wanted.statuses or ((wanted.status,) if wanted.status is not None else ())
    newest = select(t.runs.c.id).where(*_conditions(workspace_id, wanted)).order_by(t.runs.c.id.desc()).limit(limit)
    if statuses and wanted.is_narrow:
        newest = newest.where(t.runs.c.status.in_(statuses))
    if statuses and not wanted.is_narrow:
        # One look into the index for each status: in search of a rare one the others' runs need not be passed by.
        each = [select(newest.where(t.runs.c.status == status).subquery().c.id) for status in statuses]
        ids = union_all(*each).order_by(literal_column("id").desc()).limit(limit).subquery()
    else:
        ids = newest.subquery()
    query = _joined(_ROW).where(t.runs.c.id.in_(select(ids.c.id)))
    rows = connection.execute(query.order_by(t.runs.c.id.desc())).mappings()
    return [RunRow(**_typed(dict(row))) for row in rows]


def _conditions(workspace_id: int, wanted: Filter) -> list[ColumnElement[bool]]:
    owned = {name: getattr(wanted, name) for name in ("function_id", "cron_job_id")}
    narrow = [t.runs.c[name] == value for name, value in owned.items() if value is not None]
    # "+ 0" keeps the planner from passing by all runs of the workspace in search of one function's.
    mine = (t.runs.c.workspace_id + 0 if wanted.is_narrow else t.runs.c.workspace_id) == workspace_id
    before = [t.runs.c.id < wanted.before] if wanted.before is not None else []
    return [mine, *narrow, *before]


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


def latest_of_cron_jobs(connection: Connection, workspace_id: int) -> dict[int, RunRow]:
    """The newest run of each CronJob of the workspace that has one, by the CronJob's id."""
    newest = (
        select(func.max(t.runs.c.id))
        .where(t.runs.c.cron_job_id == t.cron_jobs.c.id)
        .correlate(t.cron_jobs)
        .scalar_subquery()
    )
    query = _joined(_ROW).where(t.cron_jobs.c.workspace_id == workspace_id, t.cron_jobs.c.deleted_at.is_(None))
    rows = connection.execute(query.where(t.runs.c.id == newest)).mappings()
    return {row["cron_job_id"]: RunRow(**_typed(dict(row))) for row in rows}


def attempts(connection: Connection, run: RunDetail) -> list[RunRow]:
    """All attempts at the same piece of work, `run` among them, in their order."""
    occurrence = connection.execute(select(t.runs.c.occurrence_id).where(t.runs.c.id == run.id)).scalar()
    first_id = int(occurrence.removeprefix("run-")) if occurrence else run.id
    query = _joined(_ROW).where(
        t.runs.c.workspace_id == run.workspace_id,
        t.runs.c.function_id == run.function_id,
        t.runs.c.id >= first_id,  # lets the index of a function's runs find them
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


def counts(connection: Connection, workspace_id: int, since: datetime) -> dict[str, int]:
    """How many runs ended in each status since then, plus those queued and running now."""
    mine = t.runs.c.workspace_id == workspace_id
    ended = (mine, t.runs.c.status.in_(sorted(FINAL)), t.runs.c.finished_at >= since)
    open_ = (mine, t.runs.c.status.in_(sorted(ACTIVE)), t.runs.c.finished_at.is_(None))
    found: dict[str, int] = {}
    for which in (ended, open_):
        rows = connection.execute(select(t.runs.c.status, func.count()).where(*which).group_by(t.runs.c.status))
        found |= {status: number for status, number in rows}  # noqa: C416 - a Row is not a pair for mypy
    return found
