"""Follows a run's log as Server-Sent Events: each stream ends by itself, and the browser goes on where it was."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from flask import Flask

from hexasched.domain.limits import POLL_S
from hexasched.domain.outcomes import FINAL
from hexasched.doorbell import DONE, Doorbell
from hexasched.store import history, logs
from hexasched.store.database import Database
from hexasched.store.logs import Chunk
from web.log_lines import Line, LineMaker
from web.show import iso

STREAM_S = 25.0
AT_ONCE = 8
READERS = 16
"""Of the server's threads: who asks for a log and does not read it holds one until the socket gives up."""

COMMENT_EVERY_S = 10.0  # a client that went away is only noticed when something is written
RETRY_MS = 1000
BUSY_RETRY_MS = 3000
BATCH = 500
LOOK_BACK_BYTES = 64 * 1024  # more than the longest line of each stream

Position = tuple[int, int]
"""(fence, seq) of the last chunk that was seen; written `FENCE-SEQ`."""

START: Position = (-1, -1)


@dataclass
class Streams:
    """The answers with logs of this process: each holds a thread, so only so many stay open, and so many are sent."""

    room: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(READERS))
    free: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(AT_ONCE))
    closing: bool = False  # the process is to stop: every stream ends within a second


def streams_of(app: Flask) -> Streams:
    """The streams of an application."""
    return cast(Streams, app.extensions.setdefault("hexasched.streams", Streams()))


@dataclass(frozen=True, kw_only=True)
class Followed:
    """Which run is followed, and from where on. The caller has checked the workspace."""

    database: Database
    data_dir: Path
    run_id: int
    after: Position


MOST_DIGITS = 18  # what every database takes as a number


def position_of(text: str) -> Position:
    """The position that `FENCE-SEQ` names; anything else is the start."""
    fence, _, seq = text.partition("-")
    if fence.isdecimal() and seq.isdecimal() and text.isascii() and max(len(fence), len(seq)) <= MOST_DIGITS:
        return int(fence), int(seq)
    return START


def written(position: Position) -> str:
    """`FENCE-SEQ`; an empty text for the start."""
    return "" if position == START else f"{position[0]}-{position[1]}"


def events(followed: Followed, streams: Streams, *, stay: bool) -> Iterator[str]:
    """The events `lines` (JSON: a list of {stream, at, text, open}) and at the end of the run `done`.

    Without `stay` it says what is there and ends; with it, it waits for more, up to STREAM_S seconds.
    """
    yield f"retry: {RETRY_MS if stay else BUSY_RETRY_MS}\n\n"
    end = time.monotonic() + STREAM_S
    maker, position = LineMaker(), followed.after
    maker.feed(_before(followed))
    with Doorbell(followed.data_dir, DONE) as bell:
        spoken = time.monotonic()
        while True:
            chunks, ended = _look(followed, position)
            if chunks:
                position = chunks[-1].fence, chunks[-1].seq
                spoken = time.monotonic()
                yield _event("lines", maker.feed(chunks), position)
            if len(chunks) == BATCH:
                continue
            if ended:
                yield _event("lines", maker.close(), position) + "event: done\ndata: {}\n\n"
                return
            if not stay or streams.closing or time.monotonic() > end:
                return
            if time.monotonic() - spoken > COMMENT_EVERY_S:
                spoken = time.monotonic()
                yield ": still here\n\n"
            bell.wait(POLL_S)


def _before(followed: Followed) -> list[Chunk]:
    """What the open lines at the position began with."""
    if followed.after == START:
        return []
    with followed.database.reading() as connection:
        return logs.newest(connection, "run", followed.run_id, LOOK_BACK_BYTES, count=BATCH, until=followed.after)


def _look(followed: Followed, position: Position) -> tuple[list[Chunk], bool]:
    with followed.database.reading() as connection:
        # In this order: whatever a run wrote before it ended is read after its end was seen.
        status = history.status_of(connection, followed.run_id)
        chunks = logs.read(connection, "run", followed.run_id, position, BATCH)
    return chunks, status is None or status in FINAL


def _event(name: str, lines: list[Line], position: Position) -> str:
    content = [{"stream": line.stream, "at": iso(line.at), "text": line.text, "open": line.open} for line in lines]
    return f"id: {written(position)}\nevent: {name}\ndata: {json.dumps(content)}\n\n"
