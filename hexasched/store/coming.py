"""What is likely to run soon: versions whose CronJobs are about to fire, and what a process for them needs."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from hexasched.domain.limits import Limits
from hexasched.store import tables as t
from hexasched.store.function_versions import Program


@dataclass(frozen=True, kw_only=True)
class VersionWork:
    """A version as a worker needs it, without anything that belongs to one run."""

    workspace_id: int
    function_id: int
    version_id: int
    program: Program
    analysis: dict[str, Any]
    artifact_id: str | None


def about_to_fire(connection: Connection, until: datetime, limit: int) -> list[tuple[int, int]]:
    """The live versions with CronJobs that are due by `until`, the earliest first, each with how many those are."""
    query = (
        select(t.functions.c.live_version_id, func.count())
        .join(t.functions, t.functions.c.id == t.cron_jobs.c.function_id)
        .where(t.cron_jobs.c.next_run_at <= until, t.functions.c.live_version_id.is_not(None))
        .group_by(t.functions.c.live_version_id)
        .order_by(func.min(t.cron_jobs.c.next_run_at), t.functions.c.live_version_id)
        .limit(limit)
    )
    return [(version_id, count) for version_id, count in connection.execute(query)]


def live_versions(connection: Connection, function_ids: Collection[int]) -> dict[int, int]:
    """The live version of each of these functions that has one."""
    rows = connection.execute(
        select(t.functions.c.id, t.functions.c.live_version_id).where(
            t.functions.c.id.in_(function_ids), t.functions.c.live_version_id.is_not(None)
        )
    )
    return {row.id: row.live_version_id for row in rows}


def env_revisions(connection: Connection, version_ids: Collection[int]) -> dict[int, int]:
    """How often the variables of these versions' functions have changed."""
    rows = connection.execute(
        select(t.versions.c.id, t.functions.c.env_revision)
        .join(t.functions, t.functions.c.id == t.versions.c.function_id)
        .where(t.versions.c.id.in_(version_ids))
    )
    return {row.id: row.env_revision for row in rows}


def load_version(connection: Connection, version_id: int) -> VersionWork | None:
    """A version that has been built; None if it is gone."""
    names = ("runtime", "handler_file", "source", "dependencies")
    row = (
        connection.execute(
            select(t.versions, t.functions.c.workspace_id)
            .join(t.functions, t.functions.c.id == t.versions.c.function_id)
            .where(t.versions.c.id == version_id)
        )
        .mappings()
        .first()
    )
    if row is None:
        return None
    return VersionWork(
        workspace_id=row["workspace_id"],
        function_id=row["function_id"],
        version_id=version_id,
        program=Program(limits=Limits.from_json(row["limits"]), **{name: row[name] for name in names}),
        analysis=row["analysis"] or {},
        artifact_id=row["artifact_id"],
    )
