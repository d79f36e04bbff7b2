"""Who is a member of a workspace, and as what; there is always an owner."""

from dataclasses import dataclass
from typing import Literal, cast

from sqlalchemy import Connection, delete, select, update

from hexasched.store import tables as t
from hexasched.store.workspaces import Workspace, workspace_from

Role = Literal["owner", "developer", "viewer"]


@dataclass(frozen=True, kw_only=True)
class Member:
    """A user in a workspace."""

    workspace_id: int
    user_id: int
    email: str
    role: Role


def workspace_of(connection: Connection, user_id: int) -> tuple[Workspace, Role] | None:
    """The workspace that the user works in, and their role there."""
    row = (
        connection.execute(
            select(t.workspaces, t.members.c.role)
            .join(t.members, t.members.c.workspace_id == t.workspaces.c.id)
            .where(t.members.c.user_id == user_id)
            .order_by(t.workspaces.c.id)
            .limit(1)
        )
        .mappings()
        .first()
    )
    return None if row is None else (workspace_from(dict(row)), cast(Role, row["role"]))


def members(connection: Connection, workspace_id: int) -> list[Member]:
    """All members of a workspace, by address."""
    rows = connection.execute(
        select(t.members.c.workspace_id, t.members.c.user_id, t.users.c.email, t.members.c.role)
        .join(t.users, t.users.c.id == t.members.c.user_id)
        .where(t.members.c.workspace_id == workspace_id)
        .order_by(t.users.c.email)
    ).mappings()
    return [Member(**row) for row in rows]


def set_role(connection: Connection, workspace_id: int, user_id: int, role: Role) -> bool:
    """Give a member another role; False, and nothing changed, if that would leave no owner."""
    if role != "owner" and _is_last_owner(connection, workspace_id, user_id):
        return False
    changed = connection.execute(
        update(t.members)
        .where(t.members.c.workspace_id == workspace_id, t.members.c.user_id == user_id)
        .values(role=role)
    )
    return changed.rowcount == 1


def remove_member(connection: Connection, workspace_id: int, user_id: int) -> bool:
    """Take a member out; False, and nothing changed, if that would leave no owner."""
    if _is_last_owner(connection, workspace_id, user_id):
        return False
    removed = connection.execute(
        delete(t.members).where(t.members.c.workspace_id == workspace_id, t.members.c.user_id == user_id)
    )
    return removed.rowcount == 1


def _is_last_owner(connection: Connection, workspace_id: int, user_id: int) -> bool:
    owners = connection.execute(
        select(t.members.c.user_id)
        .where(t.members.c.workspace_id == workspace_id, t.members.c.role == "owner")
        .with_for_update()
    ).scalars()
    return list(owners) == [user_id]
