"""The log of a run: its lines out of pieces, live with resuming, and as a file."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from hexasched import doorbell
from hexasched.domain.outcomes import Outcome
from hexasched.store import finishing, logs, workspaces
from hexasched.store.claiming import Claim
from hexasched.store.functions import Function
from hexasched.store.logs import Chunk
from tests.waiting import wait_until
from tests.web import rows
from tests.web.browser import Browser
from tests.web.conftest import Place
from web.log_lines import LineMaker, plain
from web.run_stream import AT_ONCE, START, position_of, streams_of, written

LogIn = Callable[[str], Browser]
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def chunk(data: bytes, stream: str = "o", seq: int = 1, fence: int = 1) -> Chunk:
    return Chunk(fence=fence, seq=seq, stream=stream, at=NOW, data=data)


@pytest.mark.parametrize(
    ("written_text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil.example\x07click\x1b]8;;\x07", "click"),
        ("\x1b]0;title\x1b\\text", "text"),
        ("\x9b31mc1\x9d0;t\x9c", "c1"),
        ("\x1b", ""),
        ("a\x00b\x08c\x7f", "a␀b␈c␡"),
        ("10%\r20%\r\nnext", "10%␍20%\nnext"),
        ("\u202egnp.exe\u2066x\u200b", "<U+202E>gnp.exe<U+2066>x<U+200B>"),
        ("tab\tand ünïcode 👩\u200d🚀", "tab\tand ünïcode 👩\u200d🚀"),
        (None, ""),
    ],
)
def test_terminal_tricks_are_taken_out(written_text: str | None, shown: str) -> None:
    assert plain(written_text) == shown


def test_a_line_is_put_together_out_of_pieces_of_its_stream() -> None:
    maker = LineMaker()
    first = maker.feed([chunk("ü".encode()[:1]), chunk(b"error\n", "e")])
    assert [(line.stream, line.open) for line in first] == [("e", False), ("o", True)]
    second = maker.feed([chunk("ü".encode()[1:] + b" done\nmore")])
    assert [(line.text, line.open) for line in second] == [("ü done", False), ("more", True)]
    assert [(line.text, line.open) for line in maker.close()] == [("more", False)]


def test_a_new_claim_begins_new_lines() -> None:
    maker = LineMaker()
    maker.feed([chunk(b"half")])
    lines = maker.feed([chunk(b"anew\n", fence=2)])
    assert [line.text for line in lines if not line.open] == ["half", "anew"]


@given(st.lists(st.tuples(st.sampled_from("oe"), st.text("aé\n\r", max_size=6)), max_size=12), st.data())
@settings(max_examples=200, deadline=None)
def test_the_lines_do_not_depend_on_how_the_output_was_cut(pieces: list[tuple[str, str]], data: Any) -> None:
    whole = {stream: "".join(text for s, text in pieces if s == stream).encode() for stream in "oe"}
    maker = LineMaker()
    lines = []
    for stream, text in pieces:
        encoded = text.encode()
        cut = data.draw(st.integers(0, len(encoded)))
        for part in (encoded[:cut], encoded[cut:]):
            lines += [line for line in maker.feed([chunk(part, stream)] if part else []) if not line.open]
    lines += maker.close()
    for stream, output in whole.items():
        expected = [plain(line.removesuffix("\r")) for line in output.decode().split("\n")]
        expected = expected[:-1] if expected[-1] == "" and not output.endswith(b"\r") else expected
        assert [line.text for line in lines if line.stream == stream] == expected


def test_a_position_survives_being_written() -> None:
    assert position_of(written((3, 4711))) == (3, 4711)
    assert written(START) == ""
    for nonsense in ("", "x", "1", "-", "1-", "-1-2", "²-1", "1-" + "9" * 40):
        assert position_of(nonsense) == START


@pytest.fixture
def function(place: Place, people: dict[str, int]) -> Function:
    with place.database.writing() as connection:
        workspace = workspaces.first_workspace(connection)
        assert workspace
        return rows.live_function(connection, workspace.id, "daily-summary-email", place.clock())


@pytest.fixture
def claim(place: Place, function: Function) -> Claim:
    """A run that is running."""
    with place.database.writing() as connection:
        rows.queued_run(connection, function, place.clock())
        return rows.start(connection, place.clock())


def say(place: Place, claim: Claim, seq: int, text: str, stream: str = "o") -> None:
    with place.database.writing() as connection:
        rows.say(connection, claim, seq, text, NOW, stream)
    doorbell.ring(place.config.data_dir, doorbell.DONE)


def finish(place: Place, claim: Claim, outcome: Outcome = rows.OK) -> None:
    with place.database.writing() as connection:
        assert finishing.finish(connection, claim, outcome, NOW + timedelta(seconds=1))
    doorbell.ring(place.config.data_dir, doorbell.DONE)


def events(answer: Any) -> Iterator[tuple[str, str, Any]]:
    """(event, id, data) of a stream, as they come."""
    pending = ""
    for piece in answer.response:
        pending += piece.decode() if isinstance(piece, bytes) else piece
        *whole, pending = pending.split("\n\n")
        for event in whole:
            fields = dict(line.split(": ", 1) for line in event.splitlines() if not line.startswith(":"))
            if "event" in fields:
                yield fields["event"], fields.get("id", ""), json.loads(fields["data"])


def texts(data: list[dict[str, Any]]) -> list[tuple[str, str, bool]]:
    return [(line["stream"], line["text"], line["open"]) for line in data]


def test_an_ended_runs_log_comes_whole_and_is_done(place: Place, claim: Claim, logged_in: LogIn) -> None:
    say(place, claim, 10, "one\ntwo")
    say(place, claim, 20, "oops\n", "e")
    finish(place, claim)
    answer = logged_in("viewer").get(f"/runs/{claim.run_id}/log")
    assert answer.mimetype == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store, no-transform" and answer.headers["X-Accel-Buffering"] == "no"
    found = list(events(answer))
    assert [name for name, _, _ in found] == ["lines", "lines", "done"]
    assert texts(found[0][2]) == [("o", "one", False), ("e", "oops", False), ("o", "two", True)]
    assert texts(found[1][2]) == [("o", "two", False)]


def test_a_stream_goes_on_where_it_was(place: Place, claim: Claim, logged_in: LogIn) -> None:
    say(place, claim, 10, "one\ntw")
    say(place, claim, 20, "o\nthree\n")
    finish(place, claim)
    viewer = logged_in("viewer")
    for answer in (
        viewer.get(f"/runs/{claim.run_id}/log?after=1-10"),
        viewer.get(f"/runs/{claim.run_id}/log?after=", Last_Event_ID="1-10"),
    ):
        [lines, _, _] = events(answer)
        assert texts(lines[2]) == [("o", "two", False), ("o", "three", False)]
        assert lines[1] == "1-20"


def test_a_line_is_there_as_soon_as_the_bell_rings(place: Place, claim: Claim, logged_in: LogIn) -> None:
    answer = logged_in("viewer").client.get(f"/runs/{claim.run_id}/log", buffered=False)
    coming = events(answer)
    say(place, claim, 10, "hello\n")
    assert texts(next(coming)[2]) == [("o", "hello", False)]
    threading.Timer(0.1, finish, (place, claim)).start()
    assert [name for name, _, _ in coming][-1] == "done"
    answer.close()


def test_only_so_many_streams_stay_open_and_the_others_still_answer(
    app: Flask, place: Place, claim: Claim, logged_in: LogIn
) -> None:
    say(place, claim, 10, "hello\n")
    viewer = logged_in("viewer")
    address = f"/runs/{claim.run_id}/log"
    held = [viewer.client.get(address, buffered=False) for _ in range(AT_ONCE)]
    answer = viewer.get(address)
    assert answer.text.startswith("retry: 3000\n")
    assert answer.text.count("event: lines") == 1 and "event: done" not in answer.text
    for one in held:
        one.close()
    free = streams_of(app).free
    assert [free.acquire(blocking=False) for _ in range(AT_ONCE + 1)] == [True] * AT_ONCE + [False]
    assert list((place.config.data_dir / "bells").iterdir()) == []


def test_streams_end_when_the_process_is_to_stop(app: Flask, claim: Claim, logged_in: LogIn) -> None:
    answer = logged_in("viewer").client.get(f"/runs/{claim.run_id}/log", buffered=False)
    reader = threading.Thread(target=lambda: list(events(answer)))
    reader.start()
    streams_of(app).closing = True
    wait_until(lambda: not reader.is_alive(), deadline_s=5, what="the stream's end")
    answer.close()


def test_the_whole_log_can_be_downloaded_as_it_was_written(place: Place, claim: Claim, logged_in: LogIn) -> None:
    with place.database.writing() as connection:
        many = [chunk(f"{number}\n".encode(), "eo"[number % 2], number + 1) for number in range(1200)]
        logs.append(connection, "run", claim.run_id, many)
    answer = logged_in("viewer").get(f"/runs/{claim.run_id}/log.txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="run-{claim.run_id}.txt"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.data == b"".join(b"%d\n" % number for number in range(1200))


def test_a_page_shows_the_end_of_a_long_log(place: Place, claim: Claim, logged_in: LogIn) -> None:
    with place.database.writing() as connection:
        data = b" of a line\n" + (b"x" * 99 + b"\n") * 600 + b"half"
        logs.append(connection, "run", claim.run_id, [chunk(data, "o", number + 1) for number in range(10)])
    finish(place, claim)
    page = logged_in("viewer").get(f"/runs/{claim.run_id}").text
    assert "This is the end of a long log." in page
    assert page.count("half of a line") == page.count(" of a line") > 1, "it begins in the middle of a line"
    assert 2000 < page.count('<li class="log-out"') < 4000
    assert len(page) < 1_000_000
