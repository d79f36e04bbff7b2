"""After the handler: pending work gets its time, and what was still open is named."""

import socket
from pathlib import Path
from typing import Any

from tests.sandbox.bare_node import Ended, control_frame, on_both, run_function, start
from tests.sandbox.test_bootstrap import copy
from tests.waiting import wait_until


def warnings(ended: Ended) -> list[str]:
    assert ended.frame is not None
    found: list[str] = ended.frame["warnings"]
    return found


@on_both
def test_it_lets_pending_work_end(node: Path, tmp_path: Path) -> None:
    ended = run_function("work_after_return.mjs", tmp_path, node=node)
    assert (ended.result, ended.stdout, warnings(ended)) == ("done", "the last line\n", [])


@on_both
def test_it_cuts_off_what_does_not_end(node: Path, tmp_path: Path) -> None:
    ended = run_function("interval_after_return.mjs", tmp_path, node=node, settle_ms=200)
    assert ended.result == "done"
    assert warnings(ended) == [
        "0.2 s after the handler had ended this was still open and was cut off: a timer. "
        "Await what the run depends on, and close or clear the rest."
    ]


def test_it_does_not_wait_past_the_time_limit(tmp_path: Path) -> None:
    ended = run_function("interval_after_return.mjs", tmp_path, timeout_ms=600, settle_ms=60_000)
    assert ended.result == "done"
    assert "this was still open" in warnings(ended)[0]


@on_both
def test_it_names_the_mail_that_nobody_awaited(node: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.11.12.13", 2525)):
        event = {"host": "127.11.12.13", "port": 2525, "settled": True}
        ended = run_function("connects_without_await.mjs", tmp_path, node=node, event=event, settle_ms=200)
    assert "connection to 127.11.12.13:2525 (mail)" in warnings(ended)[0]
    assert "await transporter.sendMail(…)" in warnings(ended)[0]


@on_both
def test_it_names_a_connection_that_is_being_made(node: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        fillers = fill_backlog(address)
        event = {"host": address[0], "port": address[1]}
        ended = run_function("connects_without_await.mjs", tmp_path, node=node, event=event, settle_ms=200)
        for filler in fillers:
            filler.close()
    assert f"127.0.0.1:{address[1]}" in warnings(ended)[0]


def fill_backlog(address: Any) -> list[socket.socket]:
    """Connect until the server's queue is full, so that the next connection hangs."""
    fillers: list[socket.socket] = []
    for _ in range(8):
        filler = socket.socket()
        filler.settimeout(0.1)
        fillers.append(filler)
        try:
            filler.connect(address)
        except TimeoutError:
            return fillers
    raise AssertionError("the queue is never full")


@on_both
def test_it_names_timers_servers_watchers_and_children(node: Path, tmp_path: Path) -> None:
    ended = run_function("leaves_things_open.mjs", tmp_path, node=node, settle_ms=200)
    warning = warnings(ended)[0]
    assert f"child process /bin/sleep (pid {ended.result})" in warning
    assert "server on port " in warning
    assert "2 × timer" in warning
    assert "a file watcher" in warning


@on_both
def test_it_waits_after_a_failure_too(node: Path, tmp_path: Path) -> None:
    ended = run_function("fails_with_work_open.mjs", tmp_path, node=node, settle_ms=200)
    assert (ended.reason, ended.error["message"]) == ("error", "first")
    assert "still open" in warnings(ended)[0]


@on_both
def test_it_fails_a_run_whose_forgotten_work_fails(node: Path, tmp_path: Path) -> None:
    ended = run_function("throws_late.mjs", tmp_path, node=node)
    assert (ended.reason, ended.error["message"], ended.error["line"]) == ("error", "mail refused", 2)
    assert "after the handler had returned" in warnings(ended)[0]


@on_both
def test_it_stops_waiting_at_term(node: Path, tmp_path: Path) -> None:
    handler = copy("interval_after_return.mjs", tmp_path)
    source = tmp_path / handler
    source.write_text(source.read_text().replace("return", "console.log('returning');\n  return"))
    running = start(tmp_path, node=node)
    running.send(control_frame(handler, settle_ms=60_000))
    wait_until(lambda: "returning" in running.text("stdout"), deadline_s=10, what="the handler to return")
    running.terminate()
    ended = running.end()
    assert ended.result == "done"
    assert "a timer" in warnings(ended)[0]
