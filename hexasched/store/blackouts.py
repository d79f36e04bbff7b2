"""Named periods in which CronJobs do not start: of a whole workspace, or of one CronJob."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, or_, select

from hexasched.domain.ticks import Blackout
from hexasched.store import audit
from hexasched.store import tables as t


def add(
    connection: Connection,
    workspace_id: int,
    blackout: Blackout,
    cron_job_id: int | None,
    now: datetime,
    *,
    by: int | None = None,
) -> int:
    """Keep a blackout and return its id; without `cron_job_id` it holds for the whole workspace."""
    values = {
        "workspace_id": workspace_id,
        "cron_job_id": cron_job_id,
        "name": blackout.name,
        "from_at": blackout.from_at,
        "to_at": blackout.to_at,
        "created_at": now,
    }
    made = connection.execute(insert(t.blackouts).values(values).returning(t.blackouts.c.id))
    blackout_id = int(made.scalar_one())
    _note(connection, "blackout.add", values | {"id": blackout_id}, now, by)
    return blackout_id


def remove(
    connection: Connection, workspace_id: int, blackout_id: int, now: datetime, *, by: int | None = None
) -> bool:
    """End a blackout; what fell into it stays as it is. False if the workspace has no such one."""
    mine = (t.blackouts.c.id == blackout_id, t.blackouts.c.workspace_id == workspace_id)
    gone = connection.execute(delete(t.blackouts).where(*mine).returning(*t.blackouts.c)).mappings().first()
    if gone is not None:
        _note(connection, "blackout.remove", {**gone}, now, by)
    return gone is not None


def _note(connection: Connection, action: str, row: Mapping[str, Any], now: datetime, by: int | None) -> None:
    detail = {"blackout_id": row["id"], "cron_job_id": row["cron_job_id"]}
    detail |= {name: row[name].isoformat() for name in ("from_at", "to_at")}
    audit.note(connection, action, row["name"], now, workspace_id=row["workspace_id"], by=by, detail=detail)


def of_workspace(
    connection: Connection, workspace_id: int, after: datetime, cron_job_id: int | None = None
) -> list[tuple[int, int | None, Blackout]]:
    """The blackouts that end later than `after`, the earliest first, with their id and CronJob; or those that
    hold for one CronJob, which are its own and the workspace's."""
    query = select(t.blackouts).where(t.blackouts.c.workspace_id == workspace_id, t.blackouts.c.to_at > after)
    if cron_job_id is not None:
        query = query.where(or_(t.blackouts.c.cron_job_id.is_(None), t.blackouts.c.cron_job_id == cron_job_id))
    rows = connection.execute(query.order_by(t.blackouts.c.from_at, t.blackouts.c.id))
    return [(row.id, row.cron_job_id, Blackout(name=row.name, from_at=row.from_at, to_at=row.to_at)) for row in rows]


def between(
    connection: Connection, workspaces: Collection[int], start: datetime, end: datetime
) -> dict[int, list[tuple[int | None, Blackout]]]:
    """The blackouts that touch the span from `start` to `end`, by workspace, each with its CronJob (None: all)."""
    rows = connection.execute(_BETWEEN, {"workspaces": list(workspaces), "start": start, "end": end})
    found: dict[int, list[tuple[int | None, Blackout]]] = {}
    for row in rows:
        one = Blackout(name=row.name, from_at=row.from_at, to_at=row.to_at)
        found.setdefault(row.workspace_id, []).append((row.cron_job_id, one))
    return found


# Made once: to put a statement together takes longer than to execute it.
_BETWEEN = (
    select(t.blackouts)
    .where(
        t.blackouts.c.workspace_id.in_(bindparam("workspaces", expanding=True)),
        t.blackouts.c.to_at > bindparam("start"),
        t.blackouts.c.from_at <= bindparam("end"),
    )
    .order_by(t.blackouts.c.from_at, t.blackouts.c.id)
)
