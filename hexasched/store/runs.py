"""Runs as people and programs want them: queued, held until a draft is ready, asked to stop."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, and_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hexasched.domain.outcomes import Reason, Status
from hexasched.store import holding
from hexasched.store import tables as t


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """A run to be queued by a person or a program; `event` is JSON text."""

    workspace_id: int
    function_id: int
    version_id: int
    trigger: str
    event: str = "{}"
    cron_job_id: int | None = None
    created_by: int | None = None
    idempotency_key: str | None = None
    serial_key: int | None = None


def enqueue(connection: Connection, new: NewRun, now: datetime) -> int:
    """Queue a run and return its id; the same idempotency key gives the same run."""
    values = asdict(new) | {"status": Status.QUEUED, "created_at": now, "available_at": now}
    # Two forms of one double click may arrive at the same moment: the unique key decides, not a look before.
    run_id = connection.execute(_insert(connection.dialect.name), values).scalar()
    if run_id is None:
        same = (t.runs.c.workspace_id == new.workspace_id, t.runs.c.idempotency_key == new.idempotency_key)
        run_id = connection.execute(select(t.runs.c.id).where(*same)).scalar_one()
    return int(run_id)


@cache
def _insert(dialect: str) -> Any:
    # Made once: to put a statement together takes longer than to execute it.
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    queued = insert(t.runs).on_conflict_do_nothing(index_elements=["workspace_id", "idempotency_key"])
    return queued.returning(t.runs.c.id)


def occurrence_id(first_run_id: int) -> str:
    """The id that all attempts at one piece of work share."""
    return f"run-{first_run_id}"


AFTER_ITS_BUILD = datetime(9999, 1, 1, tzinfo=UTC)
"""When a test run is due whose draft is still being prepared."""


def enqueue_test(connection: Connection, new: NewRun, now: datetime) -> int:
    """Queue the test run of a draft; it waits until `let_go` or `give_up`."""
    run_id = enqueue(connection, new, now)
    connection.execute(update(t.runs).where(t.runs.c.id == run_id).values(available_at=AFTER_ITS_BUILD))
    return run_id


def let_go(connection: Connection, run_id: int, now: datetime) -> None:
    """The draft is ready: its test run is due."""
    connection.execute(
        update(t.runs).where(t.runs.c.id == run_id, t.runs.c.status == Status.QUEUED).values(available_at=now)
    )


def give_up(connection: Connection, run_id: int, error: dict[str, Any], now: datetime) -> None:
    """The draft can't be run: its test run ends with the build's error."""
    connection.execute(
        update(t.runs)
        .where(t.runs.c.id == run_id, t.runs.c.status == Status.QUEUED)
        .values(status=Status.FAILED, reason=Reason.LOAD, error=error, finished_at=now)
    )


def request_cancel(connection: Connection, workspace_id: int, run_id: int, now: datetime) -> Status | None:
    """Stop a run: at once if it is queued, else its worker is asked. The status after, None if there is no such run."""
    mine = and_(t.runs.c.id == run_id, t.runs.c.workspace_id == workspace_id)
    holding.lock_open(connection, mine)
    connection.execute(
        update(t.runs)
        .where(mine, t.runs.c.status == Status.QUEUED)
        .values(status=Status.CANCELLED, reason=Reason.USER, finished_at=now)
    )
    connection.execute(
        update(t.runs)
        .where(mine, t.runs.c.status == Status.RUNNING, t.runs.c.cancel_requested_at.is_(None))
        .values(cancel_requested_at=now)
    )
    status = connection.execute(select(t.runs.c.status).where(mine)).scalar()
    return None if status is None else Status(status)
