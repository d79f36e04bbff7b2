"""A run as lists, its own page and the command line show it, and how its row is read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

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


ROW = (
    *(t.runs.c[name] for name in ("id", "status", "reason", "trigger", "attempt", "max_attempts", "function_id")),
    t.functions.c.name.label("function_name"),
    t.versions.c.number.label("version_number"),
    t.runs.c.cron_job_id,
    t.cron_jobs.c.name.label("cron_job_name"),
    func.coalesce(t.cron_jobs.c.spread_s, 0).label("spread_s"),
    *(t.runs.c[name] for name in ("scheduled_for", "created_at", "claimed_at", "started_at", "finished_at")),
    *(t.runs.c[name] for name in ("duration_ms", "peak_memory_bytes", "error", "env_missing")),
)
DETAIL = (
    *ROW,
    *(t.runs.c[name] for name in ("workspace_id", "version_id", "env_revision", "retry_of", "event", "result")),
    t.versions.c.source,
    t.versions.c.handler_file,
    t.versions.c.limits,
    *(t.runs.c[name] for name in ("warnings", "env_read", "exit_code", "signal", "cpu_ms", "log_bytes")),
    *(t.runs.c[name] for name in ("log_dropped_bytes", "cancel_requested_at")),
)


def joined(columns: tuple[Any, ...]) -> Select[Any]:
    """The columns ROW or DETAIL of all runs, with what they belong to."""
    return (
        select(*columns)
        .join(t.functions, t.functions.c.id == t.runs.c.function_id)
        .join(t.versions, t.versions.c.id == t.runs.c.version_id)
        .outerjoin(t.cron_jobs, t.cron_jobs.c.id == t.runs.c.cron_job_id)
    )


def detailed(row: dict[str, Any]) -> RunDetail:
    """A row of DETAIL as a run."""
    values = typed(row)
    limits = values.pop("limits")
    for name in ("warnings", "env_read"):
        values[name] = tuple(values[name] or ())
    return RunDetail(**values, memory_mb=limits["memory_mb"], timeout_s=limits["timeout_s"])


def typed(row: dict[str, Any]) -> dict[str, Any]:
    """The fields of a run out of a row, which is changed."""
    row["status"] = Status(row["status"])
    row["reason"] = Reason(row["reason"]) if row["reason"] else None
    row["error"] = ErrorDetail(**row["error"]) if row["error"] else None
    row["env_missing"] = tuple(row["env_missing"] or ())
    return row
