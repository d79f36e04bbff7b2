"""Rings between hosts: two data folders on one PostgreSQL, whose processes poll too seldom to notice by themselves."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hexasched.store import schema
from hexasched.store.database import Database
from tests import postgres
from tests.factories import make_function, make_workspace
from tests.processes.patient import POLL_S
from tests.processes.service import ROOT
from tests.waiting import wait_until

SOON_S = POLL_S / 4


def host(folder: Path, address: str, *words: str) -> dict[str, Any]:
    """What starts a command on a host of its own, but for the database."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HEXASCHED_")}
    settings = {"HEXASCHED_DATA_DIR": str(folder), "HEXASCHED_DATABASE_URL": address}
    argv = [sys.executable, "-m", "tests.processes.patient", *words]
    return {"args": argv, "cwd": ROOT, "env": kept | settings, "stdin": subprocess.DEVNULL}


@contextmanager
def working(folder: Path, address: str) -> Iterator[None]:
    log = folder.parent / "worker.log"
    with (
        log.open("wb") as file,
        subprocess.Popen(**host(folder, address, "worker"), stdout=file, stderr=file) as worker,
    ):
        try:
            wait_until(lambda: b"worker.started" in log.read_bytes(), deadline_s=60, what=f"a worker: {log}")
            yield
        finally:
            worker.terminate()
    assert worker.returncode == 0, log.read_text()


def listeners(address: str) -> int:
    """How many processes listen to the database now."""
    with psycopg.connect(address) as connection:
        counted = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'").fetchone()
    assert counted
    return int(counted[0])


@pytest.mark.postgres
def test_a_ring_on_one_host_is_heard_on_another_at_once_and_after_a_restart_of_the_database(tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    with postgres.server() as server, postgres.fresh_database(server) as address:
        with Database(address) as database:
            schema.migrate(database)
            with database.writing() as connection:
                source = "export default () => 'done';"
                make_function(connection, make_workspace(connection).id, source=source, handler_file="index.mjs")
        with working(elsewhere, address):
            wait_until(lambda: listeners(address) == 1, deadline_s=30, what="a worker that listens")
            run_and_wait(here, address)
            postgres.restart(server)
            wait_until(lambda: listeners(address) == 1, deadline_s=30, what="a worker that listens again")
            run_and_wait(here, address)


def run_and_wait(folder: Path, address: str) -> None:
    """The worker is told of the run, and we are told of its end: each poll alone would take longer than this may."""
    began = time.monotonic()
    command = host(folder, address, "function", "run", "hello", "--wait", "--json")
    done = subprocess.run(**command, capture_output=True, check=True, timeout=120)
    assert json.loads(done.stdout)["result"] == "done"
    assert time.monotonic() - began < SOON_S
