"""What the oracle judges: rows read by plain drivers, the ledger, what the driver did; nothing of the product."""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]
_READ = {
    "runs": "SELECT id, cron_job_id, scheduled_for, attempt, max_attempts, status, reason, created_at, retry_of,"
    " cancel_requested_at, log_dropped_bytes FROM runs WHERE cron_job_id IS NOT NULL ORDER BY id",
    "windows": "SELECT cron_job_id, from_at, to_at, count, reason FROM windows ORDER BY cron_job_id, from_at",
    "cron_jobs": "SELECT id, concurrency_policy FROM cron_jobs",
    "logs": "SELECT run_id, fence, seq, data FROM log_chunks WHERE stream = 'o' ORDER BY run_id, fence, seq",
    "outbox": "SELECT dedupe_key, message_id, sent_at, dead_at, kind FROM outbox",
}


@dataclass(frozen=True, kw_only=True)
class Change:
    """What somebody did to a CronJob at `at`, on the service's clock; `expression` is None when it was deleted."""

    cron_job: int
    at: datetime
    expression: str | None
    zone: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the ledger; `at` is monotonic nanoseconds, `what` is start, line or stop."""

    run: int
    attempt: int
    job: int | None
    what: str
    line: int
    at: int


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All of it. `tables` are the rows of `_READ`, `refusals` what the database let happen that it must refuse.

    `mails` counts the Message-IDs that arrived. `calm` says that nothing kept the database from answering, `roomy`
    that the disk was never full.
    """

    tables: dict[str, list[Row]]
    refusals: list[str]
    changes: list[Change]
    ledger: list[Line]
    log: str
    mails: Counter[str]
    rate: float = 1.0
    calm: bool = True
    roomy: bool = True
    integrity: str = "ok"
    leftovers: list[str] = field(default_factory=list)


def read_tables(address: str) -> tuple[dict[str, list[Row]], list[str], str]:
    """The tables, what the database did not refuse, and its own verdict on itself. The service must have ended.

    `address` is the path of an SQLite file, or postgresql://…
    """
    if address.startswith("postgresql://"):
        return _read_postgres(address)
    with closing(sqlite3.connect(f"file:{address}?mode=rw", uri=True)) as connection:  # which makes no file
        tables = {name: _rows(connection.execute(query)) for name, query in _READ.items()}
        refusals = _not_refused(connection)
        return tables, refusals, str(connection.execute("PRAGMA integrity_check").fetchone()[0])


def _read_postgres(address: str) -> tuple[dict[str, list[Row]], list[str], str]:
    import psycopg

    with psycopg.connect(address) as connection:
        tables = {name: _rows(connection.execute(query)) for name, query in _READ.items()}
        refusals = _not_refused(connection)
    return tables, refusals, "ok"


def _rows(cursor: Any) -> list[Row]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _not_refused(connection: Any) -> list[str]:
    """Tries, and takes back, what no error of the program may be able to write."""
    copied = "workspace_id, function_id, version_id, cron_job_id, scheduled_for, attempt, trigger, status, reason, "
    copied += "available_at, created_at, finished_at"
    final = "WHERE finished_at IS NOT NULL AND cron_job_id IS NOT NULL AND scheduled_for IS NOT NULL"
    one = f"(SELECT max(id) FROM runs {final})"
    attempts = {
        "a second row for one moment": f"INSERT INTO runs ({copied}) SELECT {copied} FROM runs WHERE id = {one}",
        "a change of a finished run": f"UPDATE runs SET status = 'cancelled', reason = 'user' WHERE id = {one}",
    }
    return [what for what, statement in attempts.items() if _accepts(connection, statement)]


def _accepts(connection: Any, statement: str) -> bool:
    connection.rollback()
    try:
        return bool(connection.execute(statement).rowcount > 0)
    except Exception as error:  # noqa: BLE001 - the drivers have no common class
        return "IntegrityError" not in [kind.__name__ for kind in type(error).__mro__]
    finally:
        connection.rollback()


def read_ledger(path: Path) -> list[Line]:
    """The ledger's lines."""
    return [Line(**json.loads(line)) for line in path.read_text().splitlines()]


def read_changes(path: Path) -> list[Change]:
    """The driver's record."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [Change(**{**one, "at": datetime.fromisoformat(one["at"])}) for one in found]


def in_order(texts: Sequence[str], most: int = 5) -> str:
    """The first few, for a message."""
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")


def moment(stored_ms: int) -> datetime:
    """A stored moment."""
    return datetime.fromtimestamp(stored_ms / 1000, UTC)
