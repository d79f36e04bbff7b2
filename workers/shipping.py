"""Carries what the keeper wrote into the spool over to the database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hexasched.store.logs import Chunk
from sandbox.spool import read_records

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CHUNK_BYTES = 64 * 1024


def new_chunks(spool: Path, fence: int, offset: int, base: int = 0, most: int | None = None) -> tuple[list[Chunk], int]:
    """The chunks that `spool` holds behind `offset`, at most `most`, and the offset behind the last of them.

    A chunk's seq is `base` plus the offset in the spool at which it ends: whoever ships the rest after a
    crash goes on from the highest seq in the database, and shipping the same bytes twice changes nothing.
    """
    chunks: list[Chunk] = []
    if not spool.exists():  # a job that never started has none
        return chunks, offset
    for record in read_records(spool, offset):
        last = chunks[-1] if chunks else None
        seq, stream, data = base + record.end, record.stream, record.data
        if last is not None and last.stream == stream and len(last.data) + len(data) <= CHUNK_BYTES:
            chunks[-1] = Chunk(fence=fence, seq=seq, stream=stream, at=last.at, data=last.data + data)
        elif len(chunks) == most:
            break
        else:
            at = _EPOCH + timedelta(milliseconds=record.at_ms)
            chunks.append(Chunk(fence=fence, seq=seq, stream=stream, at=at, data=data))
        offset = record.end
    return chunks, offset


def unshipped(spool: Path, offset: int) -> int:
    """How many bytes `spool` holds behind `offset`."""
    try:
        return max(0, spool.stat().st_size - offset)
    except FileNotFoundError:  # a job that never started has none
        return 0
