"""A run's log: the end of it on the page, all of it as a file, and live."""

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Blueprint, Response, abort, current_app, request

from hexasched.store import history, logs
from hexasched.store.database import Connection, Database
from hexasched.store.run_rows import RunDetail
from web.access import current_workspace, found, require
from web.addresses import ID
from web.instance import config, database
from web.log_lines import Line, LineMaker
from web.run_stream import BATCH, START, Followed, Position, Streams, events, position_of, streams_of, written

run_log = Blueprint("run_log", __name__)

SHOWN_BYTES = 256 * 1024
SHOWN_CHUNKS = 3000
FULL = "Too many logs are being read at this moment. Try again in a few seconds.\n"


@dataclass(frozen=True, kw_only=True)
class ShownLog:
    """What a page shows of a log; `after` is where a live stream goes on, `cut` tells that it began earlier."""

    lines: list[Line]
    after: str
    cut: bool


def shown_log(connection: Connection, run: RunDetail, *, ended: bool) -> ShownLog:
    """The end of the run's log."""
    chunks = logs.newest(connection, "run", run.id, SHOWN_BYTES, count=SHOWN_CHUNKS)
    cut = bool(chunks) and logs.read(connection, "run", run.id, START, 1)[0] != chunks[0]
    maker = LineMaker()
    lines = maker.feed(chunks)
    if cut and len(lines) > 1:
        del lines[0]  # what comes first may be the rest of a line
    if ended:
        lines = [line for line in lines if not line.open] + maker.close()
    position: Position = (chunks[-1].fence, chunks[-1].seq) if chunks else START
    return ShownLog(lines=lines, after=written(position), cut=cut)


@run_log.get(f"/runs/<{ID}:run_id>/log")
@require("viewer")
def follow(run_id: int) -> Response:
    """The log from ?after=FENCE-SEQ (or Last-Event-ID) on, as Server-Sent Events; a page that is refused asks again."""
    _seen(run_id)
    after = position_of(request.headers.get("Last-Event-ID") or request.args.get("after", ""))
    streams = _take_place()
    stay = streams.free.acquire(blocking=False)
    followed = Followed(database=database(), data_dir=config().data_dir, run_id=run_id, after=after)
    response = Response(events(followed, streams, stay=stay), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(streams.room.release)
    if stay:
        response.call_on_close(streams.free.release)
    return response


@run_log.get(f"/runs/<{ID}:run_id>/log.txt")
@require("viewer")
def download(run_id: int) -> Response:
    """The log as it was written, both streams together, as a file."""
    _seen(run_id)
    streams = _take_place()
    response = Response(_raw(database(), run_id), mimetype="text/plain", content_type="text/plain; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="run-{run_id}.txt"'
    response.call_on_close(streams.room.release)
    return response


def _raw(source: Database, run_id: int) -> Iterator[bytes]:
    position = START
    while True:
        with source.reading() as connection:
            chunks = logs.read(connection, "run", run_id, position, BATCH)
        yield b"".join(chunk.data for chunk in chunks)
        if len(chunks) < BATCH:
            return
        position = chunks[-1].fence, chunks[-1].seq


def _take_place() -> Streams:
    """The streams, with a place in their room taken; answers 503 if there is none: other pages need threads too."""
    streams = streams_of(current_app)
    if not streams.room.acquire(blocking=False):
        abort(Response(FULL, 503, {"Retry-After": "5"}, mimetype="text/plain"))
    return streams


def _seen(run_id: int) -> None:
    """Answer 404 unless the run is in the workspace of who is asking."""
    with database().reading() as connection:
        found(history.detail(connection, current_workspace().id, run_id))
