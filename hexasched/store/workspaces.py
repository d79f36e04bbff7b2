"""Workspaces: found, made, changed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from hexasched.store import tables as t


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """What members share; every query carries its id."""

    id: int
    name: str
    timezone: str
    alert_email: str


def first_workspace(connection: Connection) -> Workspace | None:
    """The oldest workspace: what the command line works in."""
    row = connection.execute(select(t.workspaces).order_by(t.workspaces.c.id).limit(1)).mappings().first()
    return workspace_from(dict(row)) if row else None


def workspace_by_id(connection: Connection, workspace_id: int) -> Workspace | None:
    """One workspace."""
    row = connection.execute(select(t.workspaces).where(t.workspaces.c.id == workspace_id)).mappings().first()
    return workspace_from(dict(row)) if row else None


def workspace_from(row: dict[str, object]) -> Workspace:
    """The workspace of a row that has its columns."""
    return Workspace(**{key: row[key] for key in ("id", "name", "timezone", "alert_email")})  # type: ignore[arg-type]


def create_workspace(connection: Connection, *, name: str, timezone: str, alert_email: str, now: datetime) -> Workspace:
    """A further workspace, without members."""
    values = {"name": name, "timezone": timezone, "alert_email": alert_email}
    workspace_id = connection.execute(
        insert(t.workspaces).values(**values, created_at=now).returning(t.workspaces.c.id)
    ).scalar_one()
    return Workspace(id=workspace_id, **values)


def save_workspace(connection: Connection, workspace_id: int, *, name: str, timezone: str, alert_email: str) -> None:
    """Change the workspace's name, default zone and the address that alerts go to."""
    connection.execute(
        update(t.workspaces)
        .where(t.workspaces.c.id == workspace_id)
        .values(name=name, timezone=timezone, alert_email=alert_email)
    )
