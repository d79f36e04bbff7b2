"""The dead-man switch against a real web server: it is asked while all works, and only then."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hexasched.config import Config
from hexasched.config import Ping as PingConfig
from hexasched.notifier.ping import ping, pinging
from hexasched.store import settings, workers
from hexasched.store.database import Database
from hexasched.store.workers import Worker
from tests.waiting import wait_until

Asked = list[tuple[str, str]]


class Receiver(BaseHTTPRequestHandler):
    """Counts what it is asked, and refuses /refused."""

    asked: Asked

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["User-Agent"]))
        self.send_response(500 if self.path == "/refused" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"OK")

    def log_message(self, *_: object) -> None:
        """Nothing: the test looks at `asked`."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, Asked]]:
    """The address of a web server, and what it was asked."""
    asked: Asked = []
    kind = type("Counting", (Receiver,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def alive(database: Database, now: datetime) -> None:
    with database.writing() as connection:
        settings.save(connection, "scheduler_tick", now.isoformat())
        row = Worker(id="w1", host="vm", pid=1, slots=1, facts={}, started_at=now, seen_at=now, draining=False)
        workers.register(connection, row)


def config(folder: Path, url: str) -> Config:
    return Config(data_dir=folder, ping=PingConfig(url=url, every_s=1))


def test_it_asks_while_all_works_and_stops_when_a_part_breaks(
    database: Database, tmp_path: Path, receiver: tuple[str, Asked]
) -> None:
    (url, asked), now = receiver, datetime.now(UTC)
    assert ping(config(tmp_path, f"{url}/ok"), database, now) == "not sent: scheduler, worker"
    assert asked == []
    alive(database, now)
    assert ping(config(tmp_path, f"{url}/ok"), database, now) == ""
    assert [path for path, _ in asked] == ["/ok"] and asked[0][1].startswith("HexaSched/")
    assert ping(config(tmp_path, f"{url}/ok"), database, now + timedelta(seconds=31)) == "not sent: scheduler, worker"
    assert len(asked) == 1


def test_what_the_address_does_wrong_is_said_without_the_address(
    database: Database, tmp_path: Path, receiver: tuple[str, Asked]
) -> None:
    now = datetime.now(UTC)
    alive(database, now)
    assert ping(config(tmp_path, f"{receiver[0]}/refused"), database, now) == "the address answered 500"
    said = ping(config(tmp_path, "http://127.0.0.1:1/token"), database, now)
    assert said.startswith("the address can't be reached") and "token" not in said


def test_it_pings_again_and_again_and_logs_a_change_once(
    tmp_path: Path, database: Database, receiver: tuple[str, Asked], caplog: pytest.LogCaptureFixture
) -> None:
    url, asked = receiver
    alive(database, datetime.now(UTC))
    with pinging(config(tmp_path, f"{url}/refused"), database):
        wait_until(lambda: len(asked) >= 3, deadline_s=20, what="three pings")
    assert caplog.text.count("ping.changed") == 1
    before = threading.active_count()
    with pinging(config(tmp_path, ""), database):
        assert threading.active_count() == before, "without an address nothing is done"
