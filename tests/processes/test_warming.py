"""Which processes wait in a real service: of what ran lately, of what fires within seconds, of live versions only."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from hexasched.domain.functions import EnvVar
from hexasched.secrets import load_key_ring
from hexasched.store import env_vars
from hexasched.store import tables as t
from tests.processes.service import Service, running
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("warming"), WORKERS_WARM_MB="100") as started:
        started.create_owner()
        yield started


def waiting(service: Service) -> list[str]:
    """The code that each process has which waits for its job: it sleeps in a read of its control pipe."""
    return sorted(code for pid in service.tree() if (code := _code_that_waits(pid)) is not None)


def _code_that_waits(pid: int) -> str | None:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        waits = "pipe_read" in Path(f"/proc/{pid}/wchan").read_text()
        is_node = words[0].endswith(b"node") and b"/opt/hexasched/bootstrap.cjs" in words
        return Path(f"/proc/{pid}/root/code/index.mjs").read_text() if waits and is_node else None
    except OSError:
        return None


def code(word: str) -> str:
    return f"export default () => '{word}';"


def wait_for(service: Service, *words: str) -> None:
    wait_until(
        lambda: waiting(service) == sorted(map(code, words)), deadline_s=30, what=f"processes for {words}", every_s=0.1
    )


@pytest.mark.root
def test_who_ran_lately_waits_and_a_new_version_takes_the_place_of_the_old(service: Service, tmp_path: Path) -> None:
    service.deploy("lately", code("one"), tmp_path / "one")
    assert waiting(service) == []
    assert service.run("lately")["result"] == "one"
    wait_for(service, "one")
    assert service.run("lately")["result"] == "one"
    wait_for(service, "one")
    service.deploy("lately", code("two"), tmp_path / "two")
    wait_for(service, "two")
    assert service.run("lately")["result"] == "two"


@pytest.mark.root
def test_who_fires_within_seconds_goes_before_who_ran_lately(service: Service, tmp_path: Path) -> None:
    for word in ("ran", "fires"):
        service.deploy(word, code(word), tmp_path / word)
    service.run("ran")
    service.cli("cronjob", "create", "once-a-year", "--function", "fires", "--schedule", "0 0 1 1 *")
    with service.open_database() as database, database.writing() as connection:
        soon = datetime.now(UTC) + timedelta(seconds=15)
        connection.execute(update(t.cron_jobs).values(next_run_at=soon))
    # There is room for two.
    wait_until(lambda: code("fires") in waiting(service), deadline_s=12, what="it before its moment", every_s=0.1)
    assert len(waiting(service)) <= 2


@pytest.mark.root
def test_one_process_does_many_runs_until_a_variable_changes(service: Service, tmp_path: Path) -> None:
    source = "let count = 0; export default () => [++count, process.env.KEY]"
    service.deploy("often", source, tmp_path / "often", "--reuse", "--env", "KEY=first")
    assert service.run("often")["result"] == [1, "***"]
    wait_until(lambda: source in waiting(service), deadline_s=20, what="a process that waits", every_s=0.1)
    before = service.run("often")["result"][0]
    assert [service.run("often")["result"][0] for _ in range(2)] == [before + 1, before + 2]
    _set_variables(service, "often", KEY="second")
    assert service.run("often")["result"] == [1, "second"]
    wait_until(lambda: waiting(service).count(source) == 1, deadline_s=20, what="the end of the old", every_s=0.1)
    assert service.run("often")["result"][1] == "second"


@pytest.mark.root
def test_a_module_is_loaded_ahead_and_what_can_not_be_is_said(service: Service, tmp_path: Path) -> None:
    source = """if (process.env.FAIL) throw new Error('not today'); const began = Date.now();
    export default () => Date.now() - began"""
    service.deploy("ahead", source, tmp_path / "ahead", "--preload")
    service.run("ahead")
    wait_until(lambda: source in waiting(service), deadline_s=20, what="a process that waits", every_s=0.1)
    wait_until(lambda: service.run("ahead")["result"] > 300, deadline_s=30, what="a run with a module loaded ahead")
    _set_variables(service, "ahead", FAIL="yes")
    said = "ahead, version 1: preload failed: not today. Runs go on cold."
    wait_until(lambda: said in service.cli("doctor", check=False).stdout, deadline_s=30, what="doctor to say so")
    assert service.run("ahead", check=False)["error"]["message"] == "not today"
    _set_variables(service, "ahead")
    wait_until(lambda: source in waiting(service), deadline_s=20, what="another one", every_s=0.1)


@pytest.mark.root
def test_a_variable_that_does_not_decrypt_is_said_and_ends_no_worker(service: Service, tmp_path: Path) -> None:
    service.deploy("sealed", code("sealed"), tmp_path / "sealed", "--reuse", "--env", "KEY=value")
    assert service.run("sealed")["result"] == "sealed"
    [worker] = service.pids("worker")
    with service.open_database() as database, database.writing() as connection:
        mine = select(t.functions.c.id).where(t.functions.c.name == "sealed").scalar_subquery()
        connection.execute(
            update(t.env_vars).where(t.env_vars.c.function_id == mine).values(ciphertext=b"key of others")
        )
        newer = update(t.functions).where(t.functions.c.id == mine)
        connection.execute(newer.values(env_revision=t.functions.c.env_revision + 1))
    why = "A stored secret was encrypted with a key that is not in secret.key."
    said = f"sealed, version 1: no process can be made ready for its runs: {why}"
    wait_until(lambda: said in service.cli("doctor", check=False).stdout, deadline_s=30, what="doctor to say so")
    assert service.pids("worker") == [worker]
    _set_variables(service, "sealed", KEY="another")
    wait_until(lambda: code("sealed") in waiting(service), deadline_s=20, what="a process that waits", every_s=0.1)


def _set_variables(service: Service, name: str, **values: str) -> None:
    wanted = {key: EnvVar(name=key, value=value, secret=False) for key, value in values.items()}
    with service.open_database() as database, database.writing() as connection:
        function_id = connection.execute(select(t.functions.c.id).where(t.functions.c.name == name)).scalar_one()
        env_vars.save(connection, load_key_ring(service.data_dir), function_id, wanted, datetime.now(UTC))
