"""Functions: made, found, described, deleted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hexasched.domain.outcomes import Reason, Status
from hexasched.store import audit, cron_job_changes, holding
from hexasched.store import tables as t


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function; `live_version` is the number of the version that serves, None before the first deploy."""

    id: int
    workspace_id: int
    name: str
    description: str
    live_version_id: int | None
    live_version: int | None
    env_revision: int
    created_at: datetime


_FUNCTION = (
    *(t.functions.c[name] for name in ("id", "workspace_id", "name", "description", "live_version_id")),
    t.versions.c.number.label("live_version"),
    t.functions.c.env_revision,
    t.functions.c.created_at,
)


def _functions(workspace_id: int) -> Any:
    return (
        select(*_FUNCTION)
        .outerjoin(t.versions, t.versions.c.id == t.functions.c.live_version_id)
        .where(t.functions.c.workspace_id == workspace_id, t.functions.c.deleted_at.is_(None))
    )


def all_of(connection: Connection, workspace_id: int) -> list[Function]:
    """The workspace's functions by name."""
    rows = connection.execute(_functions(workspace_id).order_by(t.functions.c.name)).mappings()
    return [Function(**row) for row in rows]


def by_name(connection: Connection, workspace_id: int, name: str) -> Function | None:
    """One function of the workspace."""
    row = connection.execute(_functions(workspace_id).where(t.functions.c.name == name)).mappings().first()
    return Function(**row) if row else None


def by_id(connection: Connection, workspace_id: int, function_id: int) -> Function | None:
    """One function of the workspace."""
    row = connection.execute(_functions(workspace_id).where(t.functions.c.id == function_id)).mappings().first()
    return Function(**row) if row else None


def create(
    connection: Connection, workspace_id: int, name: str, description: str, now: datetime, *, by: int | None = None
) -> Function | None:
    """A new function without a version; None if the name is taken. `by` is the user, None for the command line."""
    values = {"workspace_id": workspace_id, "name": name, "description": description, "created_at": now}
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    made = connection.execute(make(t.functions).values(values).on_conflict_do_nothing().returning(t.functions.c.id))
    function_id = made.scalar()
    if function_id is None:
        return None
    audit.note(connection, "function.create", name, now, workspace_id=workspace_id, by=by)
    return by_id(connection, workspace_id, function_id)


def lock(connection: Connection, function_id: int) -> None:
    """Until this transaction ends, nobody else makes a version of the function or changes its environment."""
    connection.execute(select(t.functions.c.id).where(t.functions.c.id == function_id).with_for_update())


def describe(connection: Connection, workspace_id: int, function_id: int, description: str) -> None:
    """Change the description."""
    connection.execute(
        update(t.functions)
        .where(t.functions.c.id == function_id, t.functions.c.workspace_id == workspace_id)
        .values(description=description)
    )


def remove(
    connection: Connection, workspace_id: int, function_id: int, now: datetime, *, by: int | None = None
) -> None:
    """Delete a function and its CronJobs; what has not begun is cancelled, what has run stays in the history."""
    function = by_id(connection, workspace_id, function_id)
    if function is None:
        return
    cron_job_changes.remove_all_of(connection, workspace_id, function_id, now, by=by)
    audit.note(connection, "function.delete", function.name, now, workspace_id=workspace_id, by=by)
    theirs = t.runs.c.function_id == function_id
    holding.lock_open(connection, theirs)
    connection.execute(
        update(t.runs)
        .where(theirs, t.runs.c.status == Status.QUEUED)
        .values(status=Status.CANCELLED, reason=Reason.USER, finished_at=now)
    )
    unbegun = (t.runs.c.started_at.is_(None), t.runs.c.cancel_requested_at.is_(None))
    connection.execute(
        update(t.runs).where(theirs, t.runs.c.status == Status.RUNNING, *unbegun).values(cancel_requested_at=now)
    )
    connection.execute(delete(t.kept).where(t.kept.c.function_id == function_id))
    connection.execute(update(t.functions).where(t.functions.c.id == function_id).values(deleted_at=now))
