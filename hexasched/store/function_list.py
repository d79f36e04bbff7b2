"""The list of a workspace's functions: what a person wants to see of all at once, in one query."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from hexasched.domain.outcomes import Reason, Status
from hexasched.store import tables as t


@dataclass(frozen=True, kw_only=True)
class Overview:
    """One function: its live and its newest version, how many CronJobs it has, and its last run that was no test.

    `runtime` is the live version's, else the newest one's.
    """

    id: int
    name: str
    description: str
    live_version: int | None
    newest_version: int | None
    newest_state: str | None
    runtime: str | None
    cron_jobs: int
    last_run_id: int | None
    last_status: Status | None
    last_reason: Reason | None
    last_created_at: datetime | None


_live = t.versions.alias("live")
_newest = t.versions.alias("newest")
_last = t.runs.alias("last")


def overviews(connection: Connection, workspace_id: int) -> list[Overview]:
    """All functions of the workspace by name."""
    return [_overview(dict(row)) for row in connection.execute(_query(workspace_id)).mappings()]


def _query(workspace_id: int) -> Select[Any]:
    return (
        select(
            *(t.functions.c[name] for name in ("id", "name", "description")),
            _live.c.number.label("live_version"),
            _newest.c.number.label("newest_version"),
            _newest.c.state.label("newest_state"),
            func.coalesce(_live.c.runtime, _newest.c.runtime).label("runtime"),
            _cron_jobs().label("cron_jobs"),
            _last.c.id.label("last_run_id"),
            _last.c.status.label("last_status"),
            _last.c.reason.label("last_reason"),
            _last.c.created_at.label("last_created_at"),
        )
        .outerjoin(_live, _live.c.id == t.functions.c.live_version_id)
        .outerjoin(_newest, and_(_newest.c.function_id == t.functions.c.id, _newest.c.number == _newest_number()))
        .outerjoin(_last, _last.c.id == _last_run())
        .where(t.functions.c.workspace_id == workspace_id, t.functions.c.deleted_at.is_(None))
        .order_by(t.functions.c.name)
    )


def _cron_jobs() -> Any:
    mine = (t.cron_jobs.c.function_id == t.functions.c.id, t.cron_jobs.c.deleted_at.is_(None))
    return select(func.count()).select_from(t.cron_jobs).where(*mine).correlate(t.functions).scalar_subquery()


def _newest_number() -> ColumnElement[int]:
    own = t.versions.c.function_id == t.functions.c.id
    return select(func.max(t.versions.c.number)).where(own).correlate(t.functions).scalar_subquery()


def _last_run() -> ColumnElement[int]:
    real = (t.runs.c.function_id == t.functions.c.id, t.runs.c.trigger != "test")
    query = select(t.runs.c.id).where(*real).order_by(t.runs.c.id.desc()).limit(1)
    return query.correlate(t.functions).scalar_subquery()


def _overview(row: dict[str, Any]) -> Overview:
    row["last_status"] = Status(row["last_status"]) if row["last_status"] else None
    row["last_reason"] = Reason(row["last_reason"]) if row["last_reason"] else None
    return Overview(**row)
