"""What functions keep between their runs, through a real service: values, and work that is done once."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from hexasched.store import tables as t
from tests.processes.service import Service, kill, running
from tests.waiting import wait_until

SOURCE = """export default async ({ payload }, context) => {
  if (payload.count) {
    const runs = (await context.kv.get('runs') ?? 0) + 1;
    await context.kv.set('runs', runs);
    return runs;
  }
  const sent = await context.once(payload.key, async () => {
    console.log('sending');
    await new Promise((done) => setTimeout(done, payload.ms ?? 0));
    return { by: context.requestId };
  });
  if (payload.fail) throw new Error('after the mail');
  return sent;
};"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("kept")
    with running(folder, WORKERS_SLOTS="2") as started:
        started.create_owner()
        started.deploy("keeps", SOURCE, folder / "source")
        yield started


def begun(service: Service, key: str) -> bool:
    """Whether a run is at this piece of work."""
    with service.open_database() as database, database.reading() as connection:
        return connection.execute(select(t.kept.c.id).where(t.kept.c.key == key)).first() is not None


def log_of(service: Service, run: dict[str, Any]) -> bytes:
    with service.open_database() as database, database.reading() as connection:
        query = select(t.log_chunks.c.data).where(t.log_chunks.c.run_id == run["id"]).order_by(t.log_chunks.c.seq)
        return b"".join(connection.execute(query).scalars())


def test_it_remembers_from_run_to_run(service: Service) -> None:
    assert [service.run("keeps", {"count": True})["result"] for _ in range(3)] == [1, 2, 3]


def test_a_run_after_a_failure_does_not_repeat_what_was_done(service: Service) -> None:
    first = service.run("keeps", {"key": "mail", "fail": True}, check=False)
    second = service.run("keeps", {"key": "mail"})
    assert (first["status"], second["result"]) == ("failed", {"by": str(first["id"])})
    assert (log_of(service, first), log_of(service, second)) == (b"sending\n", b"")


def test_two_runs_at_the_same_time_do_it_once(service: Service) -> None:
    found: list[dict[str, Any]] = []
    wanted = {"key": "both", "ms": 1500}
    threads = [threading.Thread(target=lambda: found.append(service.run("keeps", wanted))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found[0]["result"] == found[1]["result"]
    assert sorted(log_of(service, run) for run in found) == [b"", b"sending\n"]


def test_work_whose_run_died_is_done_by_the_next(service: Service) -> None:
    died: list[dict[str, Any]] = []
    wanted = {"key": "dies", "ms": 60_000}
    thread = threading.Thread(target=lambda: died.append(service.run("keeps", wanted, check=False)))
    thread.start()
    wait_until(lambda: begun(service, "dies"), deadline_s=30, what="the work that will be cut off")
    kill(service.pids("worker")[0])
    thread.join(60)
    assert died[0]["status"] == "lost"
    done = service.run("keeps", {"key": "dies"})
    assert done["result"] == {"by": str(done["id"])}
