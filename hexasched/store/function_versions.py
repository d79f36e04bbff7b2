"""Versions and drafts of functions, and which version serves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from hexasched.domain.limits import Limits
from hexasched.store import tables as t
from hexasched.store.functions import lock


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a person writes: the content of a version to be."""

    runtime: str
    handler_file: str
    source: str
    dependencies: dict[str, str]
    limits: Limits


@dataclass(frozen=True, kw_only=True)
class Version:
    """A numbered version (a draft has no number); never changes once it is built."""

    id: int
    function_id: int
    number: int | None
    state: str
    program: Program
    lockfile: str | None
    analysis: dict[str, Any] | None
    artifact_id: str | None
    created_at: datetime
    created_by: str | None  # the author's address


def add_version(
    connection: Connection, function_id: int, program: Program, *, draft: bool, user_id: int | None, now: datetime
) -> int:
    """A new version in state "building", numbered unless it is a draft; returns its id."""
    lock(connection, function_id)  # under which numbers are given
    newest = connection.execute(
        select(func.max(t.versions.c.number)).where(t.versions.c.function_id == function_id)
    ).scalar()
    return int(
        connection.execute(
            insert(t.versions)
            .values(
                function_id=function_id,
                number=None if draft else (newest or 0) + 1,
                state="building",
                runtime=program.runtime,
                handler_file=program.handler_file,
                source=program.source,
                dependencies=program.dependencies,
                limits=program.limits.to_json(),
                created_by=user_id,
                created_at=now,
            )
            .returning(t.versions.c.id)
        ).scalar_one()
    )


def _versions(function_id: int) -> Any:
    return (
        select(t.versions, t.users.c.email)
        .outerjoin(t.users, t.users.c.id == t.versions.c.created_by)
        .where(t.versions.c.function_id == function_id)
    )


def versions(connection: Connection, function_id: int, limit: int = 50) -> list[Version]:
    """The newest numbered versions. The caller got the function through its workspace."""
    query = _versions(function_id).where(t.versions.c.number.is_not(None)).order_by(t.versions.c.number.desc())
    return [_version(dict(row)) for row in connection.execute(query.limit(limit)).mappings()]


def version(connection: Connection, function_id: int, version_id: int) -> Version | None:
    """One version or draft of the function."""
    row = connection.execute(_versions(function_id).where(t.versions.c.id == version_id)).mappings().first()
    return _version(dict(row)) if row else None


def version_numbered(connection: Connection, function_id: int, number: int) -> Version | None:
    """The version with this number."""
    row = connection.execute(_versions(function_id).where(t.versions.c.number == number)).mappings().first()
    return _version(dict(row)) if row else None


def newest_draft(connection: Connection, function_id: int, user_id: int) -> Version | None:
    """What this person tested last without deploying it."""
    mine = (t.versions.c.number.is_(None), t.versions.c.created_by == user_id)
    query = _versions(function_id).where(*mine).order_by(t.versions.c.id.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return _version(dict(row)) if row else None


def activate_built(connection: Connection, function_id: int, version_id: int) -> bool:
    """Let a version serve that was just built, unless a newer one is built already: the slower deploy must not win."""
    connection.execute(select(t.functions.c.id).where(t.functions.c.id == function_id).with_for_update())
    number = select(t.versions.c.number).where(t.versions.c.id == version_id).scalar_subquery()
    newer = connection.execute(
        select(t.versions.c.id)
        .where(t.versions.c.function_id == function_id, t.versions.c.state == "ready", t.versions.c.number > number)
        .limit(1)
    ).first()
    return newer is None and activate(connection, function_id, version_id)


def activate(connection: Connection, function_id: int, version_id: int) -> bool:
    """Let a built, numbered version serve; False if it is not built, a draft, or another function's."""
    fit = (
        select(t.versions.c.id)
        .where(
            t.versions.c.id == version_id,
            t.versions.c.function_id == function_id,
            t.versions.c.state == "ready",
            t.versions.c.number.is_not(None),
        )
        .exists()
    )
    changed = connection.execute(
        update(t.functions).where(t.functions.c.id == function_id, fit).values(live_version_id=version_id)
    )
    return changed.rowcount == 1


def _version(row: dict[str, Any]) -> Version:
    program = Program(
        runtime=row["runtime"],
        handler_file=row["handler_file"],
        source=row["source"],
        dependencies=row["dependencies"],
        limits=Limits.from_json(row["limits"]),
    )
    kept = ("id", "function_id", "number", "state", "lockfile", "analysis", "artifact_id", "created_at")
    return Version(program=program, created_by=row["email"], **{name: row[name] for name in kept})
