"""A job's output as a file that outlives its worker: the first MiB at once, the last four at the end.

The file is a row of records. A record is one byte for the stream (o: standard output, e: standard error, s: a remark
of the system), 8 bytes of big-endian milliseconds since 1970, 4 bytes of big-endian length, and as many bytes of
output. A record is a piece of its stream, not a line: the pieces of one stream, joined, are what was written.
"""

import os
import struct
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from hexasched.domain.limits import LOG_HEAD_BYTES, LOG_TAIL_BYTES
from hexasched.errors import is_full_disk

Stream = Literal["o", "e", "s"]
HEADER = struct.Struct(">cQI")
MAX_RECORD_BYTES = 64 * 1024
READ_BYTES = 1024 * 1024
CHANGE_BYTES = 256
"""What a change of the stream counts for in the limits: behind it a row of its own begins in the database.

Single bytes to the two streams in turn would be 370,000 rows else, whose writing holds up everybody for seconds.
"""


@dataclass(frozen=True, kw_only=True)
class Record:
    """A piece of output. `end` is the offset in the file at which the next record starts."""

    stream: Stream
    at_ms: int
    data: bytes
    end: int


def read_records(path: Path, offset: int = 0) -> Iterator[Record]:
    """The whole records from `offset` on; half a record at the end is left for the next time.

    Begin again at `end` of the last one. Raises FileNotFoundError if the job wrote no file.
    """
    with path.open("rb") as file:
        file.seek(offset)
        pending = b""
        while piece := file.read(READ_BYTES):
            pending += piece
            start = 0
            while len(pending) >= start + HEADER.size:
                stream, at_ms, length = HEADER.unpack_from(pending, start)
                begin, end = start + HEADER.size, start + HEADER.size + length
                if len(pending) < end:
                    break
                offset += end - start
                name = cast(Stream, stream.decode("ascii"))
                yield Record(stream=name, at_ms=at_ms, data=pending[begin:end], end=offset)
                start = end
            pending = pending[start:]


class Spool:
    """Writes one job's file. Sizes count whole records; a full disk costs output, never the run."""

    def __init__(self, path: Path, *, head: int = LOG_HEAD_BYTES, tail: int = LOG_TAIL_BYTES) -> None:
        """Make the file at `path`, 0600; raises FileExistsError if there is one."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o600)
        self._head, self._tail_limit = head, tail
        self._tail: deque[tuple[bytes, int]] = deque()  # with what each counts for
        self._tail_size = self._spent = 0
        self._stream: Stream | None = None
        self._gap = 0
        self._whole = True  # the head is not full and the disk takes what is written
        self.disk_full = False
        self.size = 0
        self.kept = 0
        self.dropped = 0

    def add(self, stream: Stream, data: bytes, at_ms: int) -> None:
        """Keep a piece of output."""
        for start in range(0, len(data), MAX_RECORD_BYTES):
            piece = data[start : start + MAX_RECORD_BYTES]
            record = HEADER.pack(stream.encode("ascii"), at_ms, len(piece)) + piece
            counts = len(record) + (CHANGE_BYTES if self._stream not in (None, stream) else 0)
            self._stream = stream
            self._whole = self._whole and self._spent + counts <= self._head
            if self._whole and self._write(record):
                self._spent += counts
            else:
                self._hold(record, counts)
            self.kept += len(piece)

    def close(self, at_ms: int) -> None:
        """Complete the file: how much is left out, then the end of the output."""
        if self._gap:
            self._write(_remark(f"… {self._gap:,} bytes of output are left out here …\n", at_ms))
        while self._tail:
            record, _ = self._tail.popleft()
            if not self._write(record):
                self._count_lost(record)
        os.close(self._fd)

    def _hold(self, record: bytes, counts: int) -> None:
        self._tail.append((record, counts))
        self._tail_size += counts
        while self._tail_size > self._tail_limit:
            oldest, counted = self._tail.popleft()
            self._tail_size -= counted
            self._gap += len(oldest) - HEADER.size
            self._count_lost(oldest)

    def _count_lost(self, record: bytes) -> None:
        self.kept -= len(record) - HEADER.size
        self.dropped += len(record) - HEADER.size

    def _write(self, record: bytes) -> bool:
        try:
            written = os.write(self._fd, record)
        except OSError as error:
            self.disk_full = self.disk_full or is_full_disk(error)
            written = 0
        if written < len(record):
            self._whole = False
            os.ftruncate(self._fd, self.size)  # a reader must never find half a record
            return False
        self.size += len(record)
        return True


def now_ms() -> int:
    """The time of a record that is written now."""
    return time.time_ns() // 1_000_000


def _remark(text: str, at_ms: int) -> bytes:
    data = text.encode()
    return HEADER.pack(b"s", at_ms, len(data)) + data
