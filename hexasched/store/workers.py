"""Worker processes as rows: who is there, for people to see. No lease depends on these."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from hexasched.domain.limits import LEASE_S
from hexasched.store import tables as t


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One process of the pool; `facts` are its runtimes, sandbox tier and the like."""

    id: str
    host: str
    pid: int
    slots: int
    facts: dict[str, Any]
    started_at: datetime
    seen_at: datetime
    draining: bool


def register(connection: Connection, worker: Worker) -> None:
    """A worker process has started."""
    connection.execute(insert(t.workers).values({name: getattr(worker, name) for name in Worker.__dataclass_fields__}))


def set_draining(connection: Connection, worker_id: str) -> None:
    """The worker takes no more work."""
    connection.execute(update(t.workers).where(t.workers.c.id == worker_id).values(draining=True))


def leave(connection: Connection, worker_id: str) -> None:
    """The worker has ended."""
    connection.execute(delete(t.workers).where(t.workers.c.id == worker_id))


def present(connection: Connection, since: datetime) -> list[Worker]:
    """The workers seen since then, oldest first; rows of those long gone are left to `forget`."""
    rows = connection.execute(
        select(t.workers).where(t.workers.c.seen_at >= since).order_by(t.workers.c.started_at, t.workers.c.id)
    ).mappings()
    return [Worker(**row) for row in rows]


def runtimes(connection: Connection, now: datetime) -> dict[str, str]:
    """The runtimes that workers report, name to label; empty when no worker is there."""
    found: dict[str, str] = {}
    alive = t.workers.c.seen_at >= now - timedelta(seconds=LEASE_S)
    for facts in connection.execute(select(t.workers.c.facts).where(alive)).scalars():
        found |= facts.get("runtimes", {})
    return found


def forget(connection: Connection, before: datetime) -> None:
    """Delete the rows of workers not seen since `before`."""
    connection.execute(delete(t.workers).where(t.workers.c.seen_at < before))
