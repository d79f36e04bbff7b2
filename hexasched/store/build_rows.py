"""Builds as pages and the terminal show them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from hexasched.store import tables as t


@dataclass(frozen=True, kw_only=True)
class Build:
    """A build as pages show it.

    `stages` are the finished stages: {"name", "state": "ok"|"failed", "duration_ms", "error": ErrorDetail-shaped|None}.
    """

    id: int
    workspace_id: int
    version_id: int | None
    kind: str
    status: str
    reason: str | None
    stage: str
    stages: list[dict[str, Any]]
    result: dict[str, Any] | None
    run_after_id: int | None
    created_at: datetime
    finished_at: datetime | None


_BUILD = tuple(t.builds.c[name] for name in Build.__dataclass_fields__)


def by_id(connection: Connection, workspace_id: int, build_id: int) -> Build | None:
    """One build of the workspace."""
    row = (
        connection.execute(select(*_BUILD).where(t.builds.c.id == build_id, t.builds.c.workspace_id == workspace_id))
        .mappings()
        .first()
    )
    return _build(dict(row)) if row else None


def latest_of_versions(connection: Connection, version_ids: list[int]) -> dict[int, Build]:
    """The newest build of each version. The caller got the versions through their workspace."""
    rows = connection.execute(
        select(*_BUILD).where(t.builds.c.version_id.in_(version_ids)).order_by(t.builds.c.id)
    ).mappings()
    return {row["version_id"]: _build(dict(row)) for row in rows}


def unfinished(connection: Connection, workspace_id: int, version_ids: list[int]) -> bool:
    """Whether one of the versions is still being built."""
    query = select(t.builds.c.id).where(
        t.builds.c.workspace_id == workspace_id,
        t.builds.c.version_id.in_(version_ids),
        or_(t.builds.c.status == "queued", t.builds.c.status == "running"),
    )
    return connection.execute(query.limit(1)).first() is not None


def _build(row: dict[str, Any]) -> Build:
    return Build(**(row | {"stages": row["stages"] or []}))
