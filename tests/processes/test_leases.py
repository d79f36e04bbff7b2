"""Worker and keeper watch each other: whichever freezes, its runs are dead before anybody begins them again."""

import os
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select, update

from hexasched.domain.limits import LEASE_S
from hexasched.store import runs, schema
from hexasched.store import tables as t
from hexasched.store.database import Database
from hexasched.store.runs import NewRun
from tests import postgres
from tests.factories import make_function, make_workspace
from tests.processes import quick_worker
from tests.processes.service import ROOT
from tests.waiting import wait_until
from workers.watch import KeeperWatch

# Says every 20 ms that it lives; without its ledger it ends.
TALKS = """import { connect } from 'node:net'
export default (event) => new Promise((resolve, reject) => {
  const ledger = connect(PORT, '127.0.0.1').on('error', reject)
  setInterval(() => ledger.write(`${event.attempt}\\n`), 20)
})"""


class Ledger(socketserver.ThreadingTCPServer):
    """A file with a line for each sign of life: when it came (monotonic), of which attempt."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(("127.0.0.1", 0), Entry)
        self.path = path
        path.touch()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def times(self, attempt: int) -> list[float]:
        """When the attempt has given its signs."""
        lines = [line.split() for line in self.path.read_text().splitlines()]
        return [float(at) for at, of in lines if int(of) == attempt]


class Entry(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Ledger)
        with self.server.path.open("a", buffering=1) as file:
            for line in self.rfile:
                file.write(f"{time.monotonic()} {line.decode().strip()}\n")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def shared(postgres_server: str, ledger: Ledger) -> Iterator[Database]:
    """A database with one queued run that talks, and may be tried twice."""
    with postgres.fresh_database(postgres_server) as url, Database(url) as database:
        schema.migrate(database)
        with database.writing() as connection:
            source = TALKS.replace("PORT", str(ledger.port))
            function = make_function(connection, make_workspace(connection).id, source=source, handler_file="index.mjs")
            assert function.live_version_id
            new = NewRun(workspace_id=1, function_id=function.id, version_id=function.live_version_id, trigger="manual")
            runs.enqueue(connection, new, datetime.now(UTC))
            connection.execute(update(t.runs).values(max_attempts=2))
        yield database


@contextmanager
def quick(folder: Path, database: Database, ledger: Ledger) -> Iterator[psutil.Popen]:
    """A worker with short leases and a data folder of its own: as if on another machine."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HEXASCHED_")}
    environ = kept | {
        "HEXASCHED_DATA_DIR": str(folder),
        "HEXASCHED_DATABASE_URL": database.url.render_as_string(hide_password=False),
        "HEXASCHED_SANDBOX_LOOPBACK_PORTS": str(ledger.port),
        "HEXASCHED_WORKERS_SLOTS": "1",
    }
    argv = [sys.executable, "-m", "tests.processes.quick_worker", "worker"]
    with (folder.parent / f"{folder.name}.log").open("ab") as log:
        process = psutil.Popen(argv, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield process
    finally:
        left = process.children(recursive=True) if process.is_running() else []
        with suppress(psutil.NoSuchProcess):
            process.kill()  # its runs never end
        process.wait(30)
        wait_until(lambda: not any(map(lives, left)), deadline_s=30, what=f"the end of {left}")


def below(process: psutil.Popen, word: str) -> list[psutil.Process]:
    found = []
    for one in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            found += [one] if word in " ".join(one.cmdline()) else []
    return found


def ends(database: Database) -> list[tuple[str, str | None]]:
    with database.reading() as connection:
        return [
            tuple(row) for row in connection.execute(select(t.runs.c.status, t.runs.c.reason).order_by(t.runs.c.id))
        ]


def let_the_second_attempt_begin(database: Database) -> bool:
    """Whether there is one; it need not wait."""
    with database.writing() as connection:
        due = update(t.runs).where(t.runs.c.attempt == 2, t.runs.c.status == "queued")
        return connection.execute(due.values(available_at=datetime.now(UTC))).rowcount == 1


@pytest.mark.postgres
def test_a_frozen_workers_run_is_dead_before_it_is_begun_elsewhere(
    shared: Database, ledger: Ledger, tmp_path: Path
) -> None:
    with quick(tmp_path / "first", shared, ledger) as first:
        wait_until(lambda: ledger.times(1), deadline_s=60, what="the first attempt")
        with quick(tmp_path / "second", shared, ledger):
            wait_until(lambda: has_started(tmp_path / "second.log"), deadline_s=60, what="the second worker")
            frozen_at = time.monotonic()
            first.send_signal(signal.SIGSTOP)
            wait_until(lambda: let_the_second_attempt_begin(shared), deadline_s=30, what="the verdict on the first")
            reaped_at = time.monotonic()
            wait_until(lambda: ledger.times(2), deadline_s=30, what="the second attempt")
            wait_until(lambda: time.monotonic() - frozen_at > 3 * quick_worker.LEASE_S, deadline_s=30, what="3 leases")
            if first.is_running():
                first.send_signal(signal.SIGCONT)
            count = len(ledger.times(2))
            wait_until(lambda: len(ledger.times(2)) > count + 20, deadline_s=10, what="more of the second attempt")
            assert ends(shared) == [("lost", "worker_gone"), ("running", None)]
    last_of_first, first_of_second = max(ledger.times(1)), min(ledger.times(2))
    assert last_of_first < reaped_at < first_of_second
    assert last_of_first < frozen_at + quick_worker.LEASE_S + 1
    assert reaped_at >= frozen_at + quick_worker.REAP_S - 1


@pytest.mark.postgres
def test_a_frozen_keeper_is_killed_and_its_worker_makes_way(shared: Database, ledger: Ledger, tmp_path: Path) -> None:
    with quick(tmp_path / "data", shared, ledger) as worker:
        wait_until(lambda: ledger.times(1), deadline_s=60, what="the first attempt")
        [keeper] = below(worker, "sandbox.keeper")
        everybody = [keeper, *keeper.children(recursive=True)]
        frozen_at = time.monotonic()
        keeper.suspend()
        assert worker.wait(30) != 0, "the supervisor is to start another"
        assert time.monotonic() - frozen_at > 1
        wait_until(lambda: not any(map(lives, everybody)), deadline_s=10, what="the end of keeper and sandbox")
    assert "does not answer" in (tmp_path / "data.log").read_text()
    assert ends(shared) == [("running", None)]
    with quick(tmp_path / "data", shared, ledger):
        wait_until(lambda: let_the_second_attempt_begin(shared), deadline_s=60, what="the verdict on the first")
        assert ends(shared)[0] == ("lost", "worker_gone")
        wait_until(lambda: ledger.times(2), deadline_s=30, what="the second attempt")


def has_started(log: Path) -> bool:
    return "worker.started" in log.read_text()


def lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_only_time_in_which_the_worker_looked_counts_against_its_keeper() -> None:
    watch = KeeperWatch()
    assert not watch.is_mute(100.0, 0.0), "nothing was asked"
    watch.asked(100.0)
    watch.asked(100.5)
    assert not watch.is_mute(101.0, 99.0)
    assert not watch.is_mute(101.9, 99.0)
    assert watch.is_mute(102.0, 99.0)
    assert not watch.is_mute(102.1, 102.05), "it has said something"
    watch.asked(110.0)
    assert not watch.is_mute(200.0, 102.05), "the worker was frozen itself"
    assert not watch.is_mute(200.5, 102.05)
    assert watch.is_mute(201.0, 102.05)


def test_no_statement_waits_for_a_third_of_a_lease(database: Database) -> None:
    with database.reading() as connection:
        if database.is_sqlite:
            waits = [connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() / 1000]
        else:
            names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
            settings = "SELECT setting FROM pg_settings WHERE name = ANY(%(names)s)"
            waits = [int(row[0]) / 1000 for row in connection.exec_driver_sql(settings, {"names": list(names)})]
    assert waits
    assert all(0 < wait < LEASE_S / 3 for wait in waits)
