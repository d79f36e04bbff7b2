"""The dashboard behind gunicorn, as a process of its own."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.waiting import wait_until
from tests.web import rows
from tests.web.browser import Browser
from tests.web.conftest import Place

PROGRAM = """
import sys
from pathlib import Path
from hexasched.config import Config
from hexasched.secrets import load_key_ring
from hexasched.store.database import Database, url_for
from web.server import serve
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


def _get(port: int, path: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
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
