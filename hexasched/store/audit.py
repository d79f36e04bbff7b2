"""Who changed what: a row in the transaction of the change. Rows never hold a secret: of variables only the names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, literal_column, select, union_all

from hexasched.store import tables as t

ACTIONS = {
    "login": "logged in",
    "login.failed": "failed to log in",
    "logout": "logged out",
    "password.change": "changed a password",
    "cron_job.create": "created the CronJob",
    "cron_job.edit": "changed the CronJob",
    "cron_job.pause": "paused the CronJob",
    "cron_job.resume": "resumed the CronJob",
    "cron_job.delete": "deleted the CronJob",
    "cron_job.backfill": "backfilled the CronJob",
    "function.create": "created the function",
    "function.deploy": "deployed the function",
    "function.rollback": "chose the live version of",
    "function.delete": "deleted the function",
    "data.delete": "deleted a kept key of",
    "env.change": "changed variables of",
    "member.add": "added the member",
    "member.role": "changed the role of",
    "member.remove": "removed the member",
    "settings.change": "changed the settings of",
    "blackout.add": "added the blackout",
    "blackout.remove": "removed the blackout",
    "downtime.seen": "has seen the downtime",
}
"""The words of the column `action`, and how a page says each, with the object behind it."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that was done; `email` is who did it, None for the service itself and the command line."""

    id: int
    at: datetime
    action: str
    object: str
    detail: dict[str, Any]
    email: str | None


def note(
    connection: Connection,
    action: str,
    thing: str,
    now: datetime,
    *,
    workspace_id: int | None,
    by: int | None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write that the user `by` (None: the service, or the command line) did `action` to `thing`.

    `detail` is plain JSON. Without a workspace it is the instance's.
    """
    assert action in ACTIONS
    values = {"at": now, "action": action, "object": thing[:200], "detail": dict(detail or {})}
    connection.execute(insert(t.audit).values(values | {"workspace_id": workspace_id, "user_id": by}))


def entries(
    connection: Connection, workspace_id: int, action: str | None = None, before: int | None = None, limit: int = 50
) -> list[Entry]:
    """The newest entries of the workspace and of the instance; `before` is an id, for paging."""
    found = [t.audit.c.action == action] if action is not None else []
    found += [t.audit.c.id < before] if before is not None else []
    # One look into an index for each of the two: what other workspaces did need not be passed by.
    newest = select(t.audit.c.id).where(*found).order_by(t.audit.c.id.desc()).limit(limit)
    each = [newest.where(t.audit.c.workspace_id == workspace_id), newest.where(t.audit.c.workspace_id.is_(None))]
    ids = union_all(*(select(one.subquery().c.id) for one in each)).order_by(literal_column("id").desc()).limit(limit)
    columns = [t.audit.c[name] for name in ("id", "at", "action", "object", "detail")]
    query = select(*columns, t.users.c.email).outerjoin(t.users, t.users.c.id == t.audit.c.user_id)
    rows = connection.execute(
        query.where(t.audit.c.id.in_(select(ids.subquery().c.id))).order_by(t.audit.c.id.desc())
    ).mappings()
    return [Entry(**(dict(row) | {"detail": row["detail"] or {}})) for row in rows]
