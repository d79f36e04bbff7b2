"""Whether every run that was measured really was one: its row, its end, its nonce and every byte of its log."""

import json
import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from bench.figures import InvalidError
from hexasched.domain.outcomes import Status
from hexasched.store import tables as t
from hexasched.store.database import Database

SOURCE = """\
let times = 0;
export default async (event) => {
  const at = Date.now();
  console.log(`hello ${event.payload.nonce}`);
  return { nonce: event.payload.nonce, at, times: ++times };
};
"""
"""The function of every measurement: it prints a line, gives its nonce back, and tells when its first line ran and how
often it has run in its process."""

MOSTLY = 0.9


def nonces(count: int) -> list[str]:
    """Words that no other run has."""
    return [secrets.token_hex(8) for _ in range(count)]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What the store has of a run; `printed` is its stored output, `log_bytes` how much it is said to be."""

    id: int
    status: str
    result: str | None
    log_bytes: int
    printed: bytes
    scheduled_for: datetime | None
    created_at: datetime
    claimed_at: datetime | None
    finished_at: datetime | None

    @property
    def returned(self) -> dict[str, object]:
        """What the handler gave back; {} if that was nothing."""
        found = json.loads(self.result or "{}")
        return found if isinstance(found, dict) else {}

    @property
    def first_line_at(self) -> float:
        """When the handler's first line ran: seconds since 1970, cut to milliseconds."""
        at = self.returned["at"]
        assert isinstance(at, int)
        return at / 1000


def newest(database: Database) -> int:
    """The highest id of a run, 0 if there is none: `prove` looks at what comes after it."""
    with database.reading() as connection:
        return int(connection.execute(select(func.coalesce(func.max(t.runs.c.id), 0))).scalar_one())


def prove(database: Database, after: int, expected: Sequence[str]) -> dict[str, Row]:
    """The runs after that id by their nonces. Raises InvalidError unless they are exactly the expected ones."""
    rows = _rows(database, after)
    check(rows, expected)
    return {str(row.returned["nonce"]): row for row in rows}


def check(rows: Sequence[Row], expected: Sequence[str]) -> None:
    """Raise InvalidError that says what is wrong with `rows`: each nonce has one, succeeded, with all of its log."""
    for row in rows:
        line = f"hello {row.returned.get('nonce')}\n".encode()
        if row.status != Status.SUCCEEDED:
            raise InvalidError(f"Run {row.id} is {row.status}: {row.result}")
        if row.printed != line or row.log_bytes != len(line):
            raise InvalidError(f"Run {row.id} has {row.log_bytes} bytes of log, and stored is {row.printed[:100]!r}")
    found = Counter(str(row.returned.get("nonce")) for row in rows)
    if found != Counter(expected):
        missing, foreign = Counter(expected) - found, found - Counter(expected)
        raise InvalidError(
            f"Of {len(expected)} runs {missing.total()} are missing, {foreign.total()} were not asked for."
        )


def prove_fresh(rows: Iterable[Row]) -> None:
    """Raise InvalidError unless each of these runs was the first of its process."""
    for row in rows:
        if row.returned.get("times") != 1:
            raise InvalidError(f"Run {row.id} was not the first of its process: {row.result}")


def prove_reused(rows: Collection[Row]) -> None:
    """Raise InvalidError unless nearly all of these runs were in a process that had done others."""
    later = sum(row.returned.get("times") != 1 for row in rows)
    if later < MOSTLY * len(rows):
        raise InvalidError(f"Only {later} of {len(rows)} runs were in a process that had done others.")


def _rows(database: Database, after: int) -> list[Row]:
    names = [name for name in Row.__dataclass_fields__ if name != "printed"]
    chunks = select(t.log_chunks.c.run_id, t.log_chunks.c.data).where(t.log_chunks.c.run_id > after)
    printed: dict[int, bytes] = {}
    with database.reading() as connection:
        found = connection.execute(select(*(t.runs.c[name] for name in names)).where(t.runs.c.id > after)).mappings()
        rows = [dict(row) for row in found]
        for run_id, data in connection.execute(chunks.order_by(t.log_chunks.c.run_id, t.log_chunks.c.seq)):
            printed[run_id] = printed.get(run_id, b"") + data
    return [Row(**row, printed=printed.get(row["id"], b"")) for row in rows]
