"""Installed packages, packed, in pieces: they survive the worker's host.

An id is the SHA-256 of all the bytes, so the same piece of the same artifact is always the same: workers that keep
one artifact at once, or after an interruption, complete each other.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hexasched.store import tables as t

PIECE_BYTES = 1024 * 1024  # never another: half an artifact may be in the database


def has(connection: Connection, artifact_id: str) -> bool:
    """Whether the artifact is there, whole."""
    complete = connection.execute(select(t.artifacts.c.complete).where(t.artifacts.c.id == artifact_id)).scalar()
    return bool(complete)


def begin(connection: Connection, artifact_id: str, size: int, now: datetime) -> None:
    """Note an artifact of `size` bytes; one that is known counts as made now, so that it is not cleaned away unused."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    new = make(t.artifacts).values(id=artifact_id, size=size, complete=False, created_at=now)
    connection.execute(new.on_conflict_do_update(index_elements=["id"], set_={"created_at": now}))


def add_piece(connection: Connection, artifact_id: str, seq: int, data: bytes) -> None:
    """Piece number `seq`, counted from 0; the first one to come stays."""
    _insert(connection, t.artifact_chunks, artifact_id=artifact_id, seq=seq, data=data)


def _insert(connection: Connection, table: Table, **values: object) -> None:
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(make(table).values(values).on_conflict_do_nothing())


def complete(connection: Connection, artifact_id: str) -> None:
    """All pieces are in."""
    connection.execute(update(t.artifacts).where(t.artifacts.c.id == artifact_id).values(complete=True))


def pieces(connection: Connection, artifact_id: str) -> Iterator[bytes]:
    """The pieces in order."""
    seqs = connection.execute(
        select(t.artifact_chunks.c.seq)
        .where(t.artifact_chunks.c.artifact_id == artifact_id)
        .order_by(t.artifact_chunks.c.seq)
    ).scalars()
    for seq in list(seqs):
        yield connection.execute(
            select(t.artifact_chunks.c.data).where(
                t.artifact_chunks.c.artifact_id == artifact_id, t.artifact_chunks.c.seq == seq
            )
        ).scalar_one()
