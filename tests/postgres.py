"""A throw-away PostgreSQL server for one test run, and a fresh database in it for whoever asks."""

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

_numbers = itertools.count(1)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "/initdb")]
    assert found[-1].exists(), "PostgreSQL's server programs are not installed: apt-get install postgresql"
    return found[-1].parent


def _run_as() -> dict[str, object]:
    """initdb refuses root: then the user that the package made (or nobody) runs the server."""
    if os.geteuid() != 0:
        return {}
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError:
        entry = pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@contextmanager
def server() -> Iterator[str]:
    """The address of a running server, without a database's name: postgresql://postgres@127.0.0.1:PORT."""
    folder = Path(tempfile.mkdtemp(prefix="hexasched-pg-", dir="/tmp"))
    who = _run_as()
    if who:
        os.chown(folder, int(str(who["user"])), int(str(who["group"])))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    programs, data = _programs(), folder / "data"

    def call(*argv: str) -> None:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/", **who)  # type: ignore[call-overload]
        assert done.returncode == 0, done.stderr

    call(str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "-N", "--locale=C", "-E", "UTF8")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200"
    control = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
    call(*control, "-o", options, "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}"
    finally:
        call(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def restart(address: str) -> None:
    """End the server at `address` as a crash would, and start it again."""
    with psycopg.connect(f"{address}/postgres") as connection:
        found = connection.execute("SHOW data_directory").fetchone()
    assert found is not None
    data = Path(found[0])
    control = [str(_programs() / "pg_ctl"), "-D", str(data), "-w", "-l", str(data.parent / "log"), "-m", "immediate"]
    done = subprocess.run(
        [*control, "restart"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, cwd="/", **_run_as()
    )  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr


def dump(url: str, file: Path) -> None:
    """Keep a database for people to look into."""
    subprocess.run([str(_programs() / "pg_dump"), "--file", str(file), url], check=True)


@contextmanager
def fresh_database(address: str, template: str = "template1") -> Iterator[str]:
    """The URL of a new database on the server at `address`: empty, or a copy of `template`, which nobody may use."""
    name = f"hexasched_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield f"{address}/{name}"
    finally:
        with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
