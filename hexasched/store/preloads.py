"""What workers could not make ready ahead: notes in their rows, which go with the worker or a changed variable."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from hexasched.store import tables as t

NOTE = "not_ready"


@dataclass(frozen=True, kw_only=True)
class NotReady:
    """A version for which a worker could not have a process wait, and what was wrong."""

    function_name: str
    number: int
    why: str

    @property
    def sentence(self) -> str:
        """What to tell of it."""
        return f"{self.function_name}, version {self.number}: {self.why}"


def note(connection: Connection, worker_id: str, failed: Mapping[int, str]) -> None:
    """For these versions (by id) the worker could not have a process wait; what it has noted before is forgotten.

    Nothing is noted where the worker's row is gone.
    """
    mine = t.workers.c.id == worker_id
    facts: dict[str, Any] | None = connection.execute(select(t.workers.c.facts).where(mine)).scalar_one_or_none()
    if facts is None:
        return
    noted = {str(version_id): why for version_id, why in failed.items()}
    connection.execute(update(t.workers).where(mine).values(facts={**facts, NOTE: noted}))


def of_version(connection: Connection, version_id: int | None, since: datetime) -> str:
    """What was wrong with a version for a worker that was seen since then; empty if nothing was."""
    return dict(_noted(connection, since)).get(version_id or 0, "")


def all_of(connection: Connection, since: datetime, workspace_id: int | None = None) -> list[NotReady]:
    """All that workers seen since then have noted of live versions (of one workspace), by the function's name."""
    noted = dict(_noted(connection, since))
    query = (
        select(t.functions.c.name, t.versions.c.number, t.versions.c.id)
        .join(t.versions, t.versions.c.id == t.functions.c.live_version_id)
        .where(t.versions.c.id.in_(noted))
        .order_by(t.functions.c.name)
    )
    rows = connection.execute(
        query if workspace_id is None else query.where(t.functions.c.workspace_id == workspace_id)
    )
    return [NotReady(function_name=row.name, number=row.number, why=noted[row.id]) for row in rows]


def _noted(connection: Connection, since: datetime) -> Iterator[tuple[int, str]]:
    for facts in connection.execute(select(t.workers.c.facts).where(t.workers.c.seen_at >= since)).scalars():
        yield from ((int(version_id), why) for version_id, why in facts.get(NOTE, {}).items())
