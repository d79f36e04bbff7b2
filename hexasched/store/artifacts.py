"""Installed packages, packed, in pieces: they survive the worker's host."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from hexasched.store import tables as t

PIECE_BYTES = 1024 * 1024


def has(connection: Connection, artifact_id: str) -> bool:
    """Whether the artifact is there, whole."""
    complete = connection.execute(select(t.artifacts.c.complete).where(t.artifacts.c.id == artifact_id)).scalar()
    return bool(complete)


def begin(connection: Connection, artifact_id: str, size: int, now: datetime) -> None:
    """Make room for an artifact; what an interrupted upload left is thrown away."""
    connection.execute(delete(t.artifact_chunks).where(t.artifact_chunks.c.artifact_id == artifact_id))
    connection.execute(delete(t.artifacts).where(t.artifacts.c.id == artifact_id, t.artifacts.c.complete.is_(False)))
    connection.execute(insert(t.artifacts).values(id=artifact_id, size=size, complete=False, created_at=now))


def add_piece(connection: Connection, artifact_id: str, seq: int, data: bytes) -> None:
    """Piece number `seq`, counted from 0."""
    connection.execute(insert(t.artifact_chunks).values(artifact_id=artifact_id, seq=seq, data=data))


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
