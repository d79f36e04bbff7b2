"""A secret is nowhere but where it belongs: not in files, not in a dump, not in a process list, not in a log."""

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from hexasched.domain.functions import EnvVar
from hexasched.errors import HexaSchedError
from hexasched.secrets import load_key_ring
from hexasched.store import env_vars, functions
from hexasched.store import tables as t
from tests import postgres
from tests.processes.service import Service, running
from tests.waiting import wait_until

CANARY = "canary-5f1d9c7e2b"
# It holds the secret and waits: the search happens while the sandbox has it in its memory.
SOURCE = """export default async () => {
  if (!process.env.TOKEN.startsWith("canary-")) throw new Error("wrong token");
  console.log("has it");
  await new Promise((resolve) => setTimeout(resolve, 4000));
  return process.env.TOKEN.length;
};"""


def _plant(service: Service) -> None:
    """A function with two secrets, put in through the store: anybody on the machine can read a command line."""
    service.create_owner()
    keys, now = load_key_ring(service.data_dir), datetime.now(UTC)
    values = {"TOKEN": CANARY, "OTHER": "other"}
    with service.open_database() as database, database.writing() as connection:
        made = functions.create(connection, 1, "holder", "", now)
        assert made is not None
        variables = {name: EnvVar(name=name, value=value, secret=True) for name, value in values.items()}
        env_vars.save(connection, keys, made.id, variables, now)


def _search_everywhere(service: Service) -> list[str]:
    needle = CANARY.encode()
    places = [path for path in service.data_dir.rglob("*") if path.is_file()] + [service.log_path]
    found = [str(path) for path in places if needle in path.read_bytes()]
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        for name in ("environ", "cmdline"):
            try:
                if needle in (process / name).read_bytes():
                    found.append(f"{process}/{name}")
            except OSError:
                continue
    return found


def _run_and_search(service: Service) -> None:
    number = str(json.loads(service.cli("function", "run", "holder", "--json").stdout)["id"])
    wait_until(
        lambda: "has it" in service.cli("run", "show", number).stdout, deadline_s=60, what="the run that has the secret"
    )
    assert _search_everywhere(service) == []
    wait_until(
        lambda: "succeeded" in service.cli("run", "show", number).stdout, deadline_s=60, what="the end of the run"
    )
    assert _search_everywhere(service) == []


def test_it_hides_a_secret_on_sqlite(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        _plant(service)
        service.deploy("holder", SOURCE, tmp_path / "source")
        assert (service.data_dir / "hexasched.db-wal").exists()
        _run_and_search(service)


@pytest.mark.postgres
def test_it_hides_a_secret_on_postgresql(tmp_path: Path, postgres_server: str) -> None:
    with postgres.fresh_database(postgres_server) as url, running(tmp_path, DATABASE_URL=url) as service:
        _plant(service)
        service.deploy("holder", SOURCE, tmp_path / "source")
        _run_and_search(service)
        dump = subprocess.run(["pg_dump", url], capture_output=True, check=True, timeout=60).stdout
        assert b"CREATE TABLE public.env_vars" in dump
        assert CANARY.encode() not in dump


def test_it_does_not_decrypt_a_secret_in_another_place(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.cli("migrate")
    _plant(service)
    keys = load_key_ring(service.data_dir)
    with service.open_database() as database:
        with database.reading() as connection:
            assert env_vars.values(connection, keys, 1) == {"TOKEN": CANARY, "OTHER": "other"}
            sealed = dict(connection.execute(select(t.env_vars.c.name, t.env_vars.c.ciphertext)).all())
        with database.writing() as connection:
            for name, other in (("TOKEN", "OTHER"), ("OTHER", "TOKEN")):
                connection.execute(update(t.env_vars).where(t.env_vars.c.name == name).values(ciphertext=sealed[other]))
        with database.reading() as connection, pytest.raises(HexaSchedError, match="does not decrypt"):
            env_vars.values(connection, keys, 1)
