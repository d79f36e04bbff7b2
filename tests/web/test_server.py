"""The dashboard behind gunicorn, as a process of its own."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.waiting import wait_until
from tests.web import rows
from tests.web.browser import Browser
from tests.web.conftest import Place
from web.patient_socket import UNREAD_S
from web.server import THREADS

PROGRAM = """
import sys
from pathlib import Path
from hexasched.config import Config
from hexasched.secrets import load_key_ring
from hexasched.store.database import Database, url_for
from web import patient_worker
from web.server import serve
patient_worker.SILENT_S = 3.0
config = Config(data_dir=Path(sys.argv[1]), port=int(sys.argv[2]))
database = Database(url_for(config.database_url, config.data_dir))
with database.reading():
    serve(config, database, load_key_ring(config.data_dir), lambda: print("ready", flush=True))
"""


@pytest.fixture
def server(place: Place, people: dict[str, int], tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A running server and its port; its home folder is `tmp_path`/home."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    (tmp_path / "home").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(place.config.data_dir), str(port)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "HOME": str(tmp_path / "home"), "GUNICORN_CMD_ARGS": "--workers 7"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process, port
        process.kill()


def test_it_says_ready_answers_and_ends_cleanly(server: tuple[subprocess.Popen[str], int], tmp_path: Path) -> None:
    process, port = server
    assert process.stdout and process.stdout.readline() == "ready\n"
    answer = _get(port, "/login", {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"})
    assert answer.status == 200
    assert answer.headers["Strict-Transport-Security"] is None
    assert list((tmp_path / "home").iterdir()) == []
    process.send_signal(signal.SIGTERM)
    wait_until(lambda: process.poll() is not None, deadline_s=15, what="the server's end")
    assert process.returncode == 0


def _get(port: int, path: str, headers: dict[str, str], timeout: float = 10) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def test_a_page_that_follows_a_log_does_not_hold_up_the_end(
    place: Place, server: tuple[subprocess.Popen[str], int]
) -> None:
    process, port = server
    with place.database.writing() as connection:
        function = rows.live_function(connection, 1, "daily-summary-email", datetime.now(UTC))
        run_id = rows.queued_run(connection, function, datetime.now(UTC))
    assert process.stdout and process.stdout.readline() == "ready\n"
    viewer = Browser(place.app())
    viewer.log_in("viewer@example.org")
    session = viewer.client.get_cookie("hexasched")
    assert session
    following = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    following.request("GET", f"/runs/{run_id}/log", headers={"Cookie": f"hexasched={session.value}"})
    stream = following.getresponse()
    assert stream.readline() == b"retry: 1000\n"
    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    wait_until(lambda: process.poll() is not None, deadline_s=15, what="the server's end")
    assert time.monotonic() - asked < 5
    assert stream.read() == b"\n"
    following.close()


HALVES = (
    b"",
    b"GET / HT",
    b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\nemail=",
    b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nemail\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /heal",
)


def test_half_requests_hold_up_nobody_and_are_closed(server: tuple[subprocess.Popen[str], int]) -> None:
    process, port = server
    assert process.stdout and process.stdout.readline() == "ready\n"
    with ExitStack() as open_sockets:
        halves = []
        for number in range(60):
            half = open_sockets.enter_context(socket.create_connection(("127.0.0.1", port), timeout=15))
            half.sendall(HALVES[number % len(HALVES)])
            halves.append(half)
        asked = time.monotonic()
        assert _get(port, "/healthz", {}).status == 200
        assert time.monotonic() - asked < 2
        said = [half.makefile("rb").read() for half in halves[: len(HALVES)]]
        assert time.monotonic() - asked < 12
    assert said[0] == b""
    assert b"200 OK" in said[4]
    assert all(b"408 Request Timeout" in answer and b"did not arrive in time" in answer for answer in said[1:])


def test_whoever_does_not_hang_up_holds_up_nobody(server: tuple[subprocess.Popen[str], int]) -> None:
    process, port = server
    assert process.stdout and process.stdout.readline() == "ready\n"
    with ExitStack() as open_sockets:
        for _ in range(20):
            client = open_sockets.enter_context(socket.create_connection(("127.0.0.1", port), timeout=15))
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert client.recv(15) == b"HTTP/1.1 200 OK"
        asked = time.monotonic()
        assert _get(port, "/healthz", {}).status == 200
        assert time.monotonic() - asked < 2
        assert b"ok" in open_sockets.enter_context(client.makefile("rb")).read()


def test_a_request_that_comes_in_pieces_is_answered_like_a_whole_one(
    server: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = server
    assert process.stdout and process.stdout.readline() == "ready\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client, client.makefile("rb") as answers:
        head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        client.sendall(head[:30])
        client.sendall(head[30:])
        assert answers.readline() == b"HTTP/1.1 100 Continue\r\n"
        client.sendall(b"a=b&c" + b"\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        said = answers.read()
    assert b"HTTP/1.1 400 BAD REQUEST" in said  # without a CSRF token
    assert said.count(b"HTTP/1.1 200 OK") == 1


def test_what_is_no_http_is_told_so(server: tuple[subprocess.Popen[str], int]) -> None:
    process, port = server
    assert process.stdout and process.stdout.readline() == "ready\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client, client.makefile("rb") as answers:
        client.sendall(b"\x16\x03\x01\x02\x00\x01")  # how TLS begins
        assert b"This port speaks HTTP" in answers.read()


def test_an_address_that_is_too_long_gets_our_own_page(server: tuple[subprocess.Popen[str], int]) -> None:
    process, port = server
    assert process.stdout and process.stdout.readline() == "ready\n"
    for length in (5_000, 20_000):
        answer = _get(port, "/login?next=" + "a" * length, {"Accept": "text/html"})
        assert answer.status == 414
        assert answer.headers["Content-Security-Policy"]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client, client.makefile("rb") as answers:
        client.sendall(b"GET /" + b"a" * 70_000)
        assert b"The address or the headers are too long." in answers.read()


def test_who_asks_for_logs_and_does_not_read_them_holds_up_nobody(
    place: Place, server: tuple[subprocess.Popen[str], int]
) -> None:
    process, port = server
    with place.database.writing() as connection:
        function = rows.live_function(connection, 1, "daily-summary-email", datetime.now(UTC))
        run_id = rows.queued_run(connection, function, datetime.now(UTC))
        claim = rows.start(connection, datetime.now(UTC))
        for seq in range(1, 6):
            rows.say(connection, claim, seq, f"{'x' * 1023}\n" * 1024, datetime.now(UTC))
    viewer = Browser(place.app())
    viewer.log_in("viewer@example.org")
    session = viewer.client.get_cookie("hexasched")
    assert session and process.stdout and process.stdout.readline() == "ready\n"
    with ExitStack() as open_sockets:
        asked = [
            _ask_and_not_read(open_sockets, port, f"/runs/{run_id}/{what}", f"hexasched={session.value}")
            for what in ("log", "log.txt") * THREADS
        ]
        # Long before their sockets give up; the lines that they were sent had to be made first.
        assert _get(port, "/healthz", {}, timeout=UNREAD_S / 2).status == 200
        refused = asked[-1].makefile("rb").read()
        assert b" 503 " in refused and b"Retry-After: 5" in refused and b"Too many logs are being read" in refused


def _ask_and_not_read(open_sockets: ExitStack, port: int, path: str, cookie: str) -> socket.socket:
    client = open_sockets.enter_context(socket.socket())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(10)
    client.connect(("127.0.0.1", port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n".encode())
    return client
