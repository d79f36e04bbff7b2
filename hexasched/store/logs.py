"""What runs and builds print, as rows that are appended while they run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal

from sqlalchemy import Connection, Select, Table, and_, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from hexasched.store import tables as t

Kind = Literal["run", "build"]


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A piece of one stream ("o", "e", or "s" for HexaSched itself); chunks are in order of (fence, seq)."""

    fence: int
    seq: int
    stream: str
    at: datetime
    data: bytes


def _table(kind: Kind) -> Table:
    return t.log_chunks if kind == "run" else t.build_log_chunks


def append(connection: Connection, kind: Kind, parent_id: int, chunks: Sequence[Chunk]) -> None:
    """Add chunks; those that are there already (same fence and seq) are left as they are."""
    if not chunks:
        return
    table = _table(kind)
    parent = table.c[f"{kind}_id"]
    rows = [
        {parent.name: parent_id, "fence": c.fence, "seq": c.seq, "stream": c.stream, "at": c.at, "data": c.data}
        for c in chunks
    ]
    connection.execute(_insert(kind, connection.dialect.name), rows)


@cache
def _insert(kind: Kind, dialect: str) -> Any:
    # Made once: to put a statement together takes longer than to execute it.
    table = _table(kind)
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing(index_elements=[f"{kind}_id", "fence", "seq"])


def end(connection: Connection, kind: Kind, parent_id: int, fence: int) -> int:
    """The highest seq that is stored under a fence, 0 if none."""
    table = _table(kind)
    highest = connection.execute(
        select(func.max(table.c.seq)).where(table.c[f"{kind}_id"] == parent_id, table.c.fence == fence)
    ).scalar()
    return int(highest or 0)


def tail(connection: Connection, kind: Kind, parent_id: int, size: int) -> bytes:
    """Up to about `size` bytes from the end of the log, streams together, in order."""
    return b"".join(chunk.data for chunk in newest(connection, kind, parent_id, size, count=200))


def newest(
    connection: Connection,
    kind: Kind,
    parent_id: int,
    size: int,
    *,
    count: int,
    until: tuple[int, int] | None = None,
) -> list[Chunk]:
    """The last chunks, in order, up to the position (fence, seq): about `size` bytes, and at most `count` chunks."""
    table = _table(kind)
    query = _chunks(table).where(table.c[f"{kind}_id"] == parent_id)
    if until is not None:
        fence, seq = until
        query = query.where(or_(table.c.fence < fence, and_(table.c.fence == fence, table.c.seq <= seq)))
    found: list[Chunk] = []
    for row in connection.execute(query.order_by(table.c.fence.desc(), table.c.seq.desc()).limit(count)).mappings():
        found.append(Chunk(**row))
        size -= len(found[-1].data)
        if size <= 0:
            break
    return found[::-1]


def _chunks(table: Table) -> Select[Any]:
    return select(table.c.fence, table.c.seq, table.c.stream, table.c.at, table.c.data)


def read(
    connection: Connection, kind: Kind, parent_id: int, after: tuple[int, int] = (-1, -1), limit: int = 500
) -> list[Chunk]:
    """Up to `limit` chunks after the position (fence, seq), in order. The caller has checked the workspace."""
    table = _table(kind)
    fence, seq = after
    rows = connection.execute(
        _chunks(table)
        .where(
            table.c[f"{kind}_id"] == parent_id,
            or_(table.c.fence > fence, and_(table.c.fence == fence, table.c.seq > seq)),
        )
        .order_by(table.c.fence, table.c.seq)
        .limit(limit)
    ).mappings()
    return [Chunk(**row) for row in rows]
