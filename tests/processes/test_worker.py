"""The worker's loop against a real keeper, when the database fails it at a bad moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from hexasched.store import runs
from hexasched.store import tables as t
from tests.processes.service import Service, running
from tests.waiting import wait_until

SOURCE = "export default async () => 'done';"
TALKS = """const secret = process.env.API_KEY
export default async (event) => {
    console.log(secret)
    console.error(encodeURIComponent(secret))
    if (event.payload.fail) throw new Error(`no way with ${secret}`)
    return { secret, [secret]: Buffer.from(secret).toString('base64') }
}
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("worker")
    with running(folder) as started:
        started.create_owner()
        started.deploy("quick", SOURCE, folder / "source")
        yield started


@contextmanager
def locked(service: Service) -> Iterator[None]:
    """Hold the database's write lock, as a slow disk or another program would."""
    with service.open_database() as database, database.writing() as connection:
        connection.execute(update(t.workspaces).values(name="Locked"))
        yield


def test_it_gives_back_a_run_whose_claim_got_lost_on_its_way(service: Service) -> None:
    """A connection may die after a claim was committed and before the worker hears of it."""
    with service.open_database() as database:
        with database.writing() as connection:
            worker_id = connection.execute(select(t.workers.c.id)).scalar_one()
            new = runs.NewRun(workspace_id=1, function_id=1, version_id=1, trigger="manual")
            run_id = runs.enqueue(connection, new, datetime.now(UTC))
            assert [claim.run_id for claim in runs.claim(connection, worker_id, 1, datetime.now(UTC))] == [run_id]

        def status() -> str:
            with database.reading() as connection:
                found: str = connection.execute(select(t.runs.c.status).where(t.runs.c.id == run_id)).scalar_one()
            return found

        wait_until(lambda: status() == "succeeded", deadline_s=30, what="the run that nobody knew of")


def test_it_outlives_a_database_that_is_locked_for_longer_than_it_waits(service: Service, tmp_path: Path) -> None:
    with locked(service):
        wait_until(lambda: "store.busy" in service.log(), deadline_s=40, what="a busy database in the log")
    assert service.run("quick")["result"] == "done"
    assert "Traceback" not in service.log()


def test_no_stored_row_has_a_secret(service: Service, tmp_path: Path) -> None:
    service.deploy("talks", TALKS + "console.log(secret)\n", tmp_path / "source", "--env", "API_KEY=ses/ame+street")
    assert service.run("talks")["status"] == "succeeded"
    assert service.run("talks", {"fail": True}, check=False)["status"] == "failed"
    with service.open_database() as database, database.reading() as connection:
        tables = (t.log_chunks, t.build_log_chunks)
        chunks = b"".join(data for table in tables for data in connection.execute(select(table.c.data)).scalars())
        ends = str(connection.execute(select(t.runs.c.result, t.runs.c.error)).all())
    assert chunks.count(b"***") == 7  # one of the build, three of each run
    assert '"secret":"***"' in ends
    assert "no way with ***" in ends
    assert not [word for word in ("ses/ame", "street", "c2VzL2FtZ") if word in ends or word.encode() in chunks]
