"""The worker's loop against a real keeper, when the database fails it at a bad moment."""

import hashlib
import io
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import select, update

from hexasched.config import Config
from hexasched.domain.outcomes import Outcome, Reason, Status
from hexasched.secrets import KeyRing, load_key_ring
from hexasched.store import artifacts, build_claims, claiming, deploys, functions, leases, runs, schema
from hexasched.store import tables as t
from hexasched.store.database import Connection, Database
from sandbox.client import Keeper
from sandbox.spool import Spool, now_ms
from tests.busy import held
from tests.factories import NOW, make_function, make_program, make_run, make_workspace
from tests.processes.service import Service, kill, running
from tests.waiting import wait_until
from workers import telling
from workers.building import next_job, open_build
from workers.ending import end_all
from workers.facts import runtimes
from workers.hand import InHand
from workers.helper import Helper
from workers.reaper import Reaper
from workers.shop import Shop
from workers.stopping import stop_all
from workers.telling import anything_new, tell

if sys.version_info >= (3, 12):
    import tarfile
else:
    from backports import tarfile

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
    with running(folder, WORKERS_SLOTS="2") as started:
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
            assert [claim.run_id for claim in claiming.claim(connection, worker_id, 1, datetime.now(UTC))] == [run_id]

        def status() -> str:
            with database.reading() as connection:
                found: str = connection.execute(select(t.runs.c.status).where(t.runs.c.id == run_id)).scalar_one()
            return found

        wait_until(lambda: status() == "succeeded", deadline_s=30, what="the run that nobody knew of")


@pytest.fixture
def refusing(tmp_path: Path) -> Iterator[tuple[Database, list[claiming.Claim]]]:
    """A database with three runs that "elsewhere" has, and which refuses the end of the second."""
    with Database(f"sqlite:///{tmp_path / 'own.db'}") as database:
        schema.migrate(database)
        with database.writing() as connection:
            function = make_function(connection, make_workspace(connection).id)
            for _ in range(3):
                make_run(connection, function)
            connection.exec_driver_sql(
                "CREATE TRIGGER refusing BEFORE UPDATE OF finished_at ON runs WHEN NEW.id = 2 "
                "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
            )
            claims = claiming.claim(connection, "elsewhere", 3, NOW)
        yield database, claims


def _accept(database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER refusing")


def test_a_run_whose_end_is_refused_keeps_no_other_from_ending_and_is_tried_again(
    refusing: tuple[Database, list[claiming.Claim]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Runs that are over at the same time are written in one transaction."""
    database, claims = refusing
    ended = Outcome(status=Status.SUCCEEDED, reason=Reason.OK)
    hands = {
        str(claim.run_id): InHand(claim=claim, key=str(claim.run_id), spool=tmp_path / "none", ended=ended)
        for claim in claims
    }
    with closing(Helper()) as helper:
        shop = _elsewhere(tmp_path, database, load_key_ring(tmp_path), helper)
        assert end_all(shop, hands)
        assert list(hands) == ["2"]
        assert _statuses(database, [1, 2, 3]) == ["succeeded", "running", "succeeded"]
        assert "not this one" in caplog.text
        assert not end_all(shop, hands), "it rests"
        _accept(database)
        wait_until(lambda: end_all(shop, hands), deadline_s=10, what="another try")
    assert _statuses(database, [2]) == ["succeeded"]


def test_a_run_whose_log_is_refused_keeps_no_other_from_being_told_and_is_told_later(
    refusing: tuple[Database, list[claiming.Claim]],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    database, claims = refusing
    with database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER refusing")
        connection.exec_driver_sql(
            "CREATE TRIGGER refusing BEFORE INSERT ON log_chunks WHEN NEW.run_id = 2 "
            "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )
    hands: dict[str, InHand] = {}
    for claim in claims:
        spool = tmp_path / str(claim.run_id)
        written = Spool(spool)
        written.add("o", b"hello", now_ms())
        written.close(now_ms())
        hand = InHand(claim=claim, key=spool.name, spool=spool, grown=True, started_at=datetime.now(UTC))
        hands[hand.key] = hand
    with closing(Helper()) as helper:
        shop = _elsewhere(tmp_path, database, load_key_ring(tmp_path), helper)
        tell(shop, hands)
        assert "not this one" in caplog.text
        assert _told(database) == [1, 3] and not anything_new(hands.values()), "it rests"
        _accept(database)
        hands["2"].untold_until = 0.0
        tell(shop, hands)
    assert _told(database) == [1, 2, 3] and not anything_new(hands.values())


def _told(database: Database) -> list[int]:
    """The runs of which a start and a log are stored."""
    started = t.runs.c.id == t.log_chunks.c.run_id
    query = select(t.runs.c.id).join(t.log_chunks, started).where(t.runs.c.started_at.is_not(None))
    with database.reading() as connection:
        return sorted(connection.execute(query).scalars())


def test_a_lease_whose_end_is_refused_keeps_no_other_from_ending(
    refusing: tuple[Database, list[claiming.Claim]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "REAP_S", 0.0)
    database, watch = refusing[0], leases.LeaseWatch()
    assert watch.sweep(database) == 2
    assert _statuses(database, [1, 2, 3]) == ["lost", "running", "lost"]
    _accept(database)
    assert watch.sweep(database) == 1


def test_a_dead_worker_is_settled_also_where_the_end_of_a_run_is_refused(
    refusing: tuple[Database, list[claiming.Claim]], tmp_path: Path
) -> None:
    dead = tmp_path / "workers" / "e15e"
    dead.mkdir(parents=True)
    (dead / "lock").touch()
    database = refusing[0]
    with database.writing() as connection:
        connection.execute(update(t.runs).values(worker_id=dead.name))
    assert Reaper(database, dead.parent).sweep() == 2
    assert _statuses(database, [1, 2, 3]) == ["lost", "running", "lost"]
    assert not dead.exists()


def _elsewhere(folder: Path, database: Database, keys: KeyRing, helper: Helper) -> Shop:
    return Shop(
        worker_id="elsewhere",
        config=Config(data_dir=folder),
        database=database,
        keys=keys,
        keeper=cast(Keeper, None),  # no job is given to it here
        helper=helper,
        runtimes={runtime.name: runtime for runtime in runtimes()},
        state_dir=folder,
    )


def test_one_transaction_takes_no_more_of_the_logs_than_fits(
    refusing: tuple[Database, list[claiming.Claim]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "GROUP_BYTES", 100)
    database, claims = refusing
    _accept(database)
    hands = {}
    for claim, size in zip(claims, (30, 30, 300), strict=True):
        key = str(claim.run_id)
        hands[key] = InHand(claim=claim, key=key, spool=tmp_path / f"{key}.log", grown=True)
        spool = Spool(hands[key].spool)
        spool.add("o", b"x" * size, 0)
        spool.close(0)
    with closing(Helper()) as helper:
        shop = _elsewhere(tmp_path, database, load_key_ring(tmp_path), helper)
        telling.tell(shop, hands)
        assert [hand.grown for hand in hands.values()] == [False, False, True]
        assert telling.anything_new(hands.values())
        telling.tell(shop, hands)
        assert not telling.anything_new(hands.values())
        for hand in hands.values():
            hand.shipped, hand.unsure = 0, True
            hand.ended = Outcome(status=Status.SUCCEEDED, reason=Reason.OK)
        assert end_all(shop, hands)
        assert list(hands) == ["3"]
        assert end_all(shop, hands)
    assert _statuses(database, [1, 2, 3]) == ["succeeded"] * 3


def test_what_was_not_begun_is_given_back_when_the_database_takes_it(
    refusing: tuple[Database, list[claiming.Claim]], tmp_path: Path
) -> None:
    database, claims = refusing
    hands = {str(claim.run_id): InHand(claim=claim, key=str(claim.run_id), spool=tmp_path / "none") for claim in claims}
    with closing(Helper()) as helper:
        shop = _elsewhere(tmp_path, database, load_key_ring(tmp_path), helper)
        with held(database):
            stop_all(shop, hands)
        assert len(hands) == 3
        stop_all(shop, hands)
    assert hands == {}
    assert _statuses(database, [1, 2, 3]) == ["queued"] * 3


def test_no_more_runs_go_on_at_once_than_there_are_slots(service: Service, tmp_path: Path) -> None:
    source = "export default async () => [Date.now(), await new Promise((done) => setTimeout(done, 30)), Date.now()];"
    service.deploy("brief", source, tmp_path / "brief")
    with service.open_database() as database:
        ids = _enqueue(database, "brief", 24)
        wait_until(lambda: set(_statuses(database, ids)) == {"succeeded"}, deadline_s=60, what="the end of all")
        with database.reading() as connection:
            results = connection.execute(select(t.runs.c.result).where(t.runs.c.id.in_(ids))).scalars().all()
    spans = [(begin, end) for begin, _, end in map(json.loads, results)]
    assert max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans) <= 2


def test_it_outlives_a_database_that_is_locked_for_longer_than_it_waits(
    service: Service, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with service.open_database() as database, closing(Helper()) as helper:
        shop = _elsewhere(tmp_path, database, load_key_ring(service.data_dir), helper)
        with database.writing() as connection:
            function = functions.by_id(connection, 1, 1)
            assert function
            build_id = deploys.deploy(connection, function, make_program(), None, datetime.now(UTC)).build_id
            [claim] = build_claims.claim(connection, "elsewhere", 9, datetime.now(UTC))
        assert claim.build_id == build_id
        state, _ = open_build(shop, claim)
        with locked(service):
            analysed = Outcome(status=Status.SUCCEEDED, reason=Reason.OK, result='{"module": "esm"}')
            going_on = helper.submit(next_job, shop, state, analysed)
            wait_until(lambda: "store.busy" in service.log(), deadline_s=40, what="a busy database in the log")
            wait_until(lambda: "store.busy" in caplog.messages, deadline_s=40, what="a busy database for the build")
        job = going_on.result(30)
        assert job and job.mode == "load"
    assert service.run("quick")["result"] == "done"
    assert "Traceback" not in service.log()


def test_it_builds_while_runs_take_every_slot(service: Service, tmp_path: Path) -> None:
    source = "export default () => new Promise((done) => setTimeout(done, 50_000));"
    service.deploy("long", source, tmp_path / "long")
    with service.open_database() as database:
        long = _enqueue(database, "long", 4)
        service.deploy("behind", SOURCE, tmp_path / "behind")  # fails after 60 s if no slot takes it
        assert _statuses(database, long) == ["running", "running", "queued", "queued"]
        with database.writing() as connection:
            for run_id in long:
                runs.request_cancel(connection, 1, run_id, datetime.now(UTC))
        wait_until(
            lambda: set(_statuses(database, long)) == {"cancelled"}, deadline_s=30, what="the end of the long runs"
        )


def test_it_goes_on_with_other_work_while_it_unpacks_packages(service: Service, tmp_path: Path) -> None:
    service.deploy("packed", SOURCE, tmp_path / "packed")
    with service.open_database() as database:
        with database.writing() as connection:
            artifact_id = _many_small_files(connection)
            packed = functions.by_name(connection, 1, "packed")
            assert packed
            connection.execute(
                update(t.versions).where(t.versions.c.id == packed.live_version_id).values(artifact_id=artifact_id)
            )
        [slow] = _enqueue(database, "packed", 1)
        folder = service.data_dir / "artifacts"
        wait_until(lambda: folder.is_dir() and any(folder.glob(".new-*")), deadline_s=30, what="the unpacking")
        [quick] = _enqueue(database, "quick", 1)
        wait_until(
            lambda: _statuses(database, [slow, quick]) == ["succeeded"] * 2, deadline_s=60, what="the end of both runs"
        )
        with database.reading() as connection:
            times = {row.id: row for row in connection.execute(select(t.runs).where(t.runs.c.id.in_([slow, quick])))}
        assert times[quick].finished_at < times[slow].started_at


def _enqueue(database: Database, name: str, count: int) -> list[int]:
    with database.writing() as connection:
        function = functions.by_name(connection, 1, name)
        assert function and function.live_version_id
        new = runs.NewRun(
            workspace_id=1, function_id=function.id, version_id=function.live_version_id, trigger="manual"
        )
        return [runs.enqueue(connection, new, datetime.now(UTC)) for _ in range(count)]


def _statuses(database: Database, run_ids: list[int]) -> list[str]:
    with database.reading() as connection:
        query = select(t.runs.c.status).where(t.runs.c.id.in_(run_ids)).order_by(t.runs.c.id)
        return list(connection.execute(query).scalars())


def _many_small_files(connection: Connection) -> str:
    """An artifact that takes seconds to unpack."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for number in range(15_000):
            archive.addfile(tarfile.TarInfo(f"node_modules/package{number % 100}/file{number}.js"))
    data = buffer.getvalue()
    artifact_id = hashlib.sha256(data).hexdigest()
    artifacts.begin(connection, artifact_id, len(data), datetime.now(UTC))
    artifacts.add_piece(connection, artifact_id, 0, data)
    artifacts.complete(connection, artifact_id)
    return artifact_id


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


def test_a_function_that_is_kept_away_from_the_network_reaches_nothing(service: Service, tmp_path: Path) -> None:
    source = "export default () => fetch('http://192.0.2.1/').catch((error) => error.cause.code);"
    service.deploy("apart", source, tmp_path / "source", "--offline")
    assert service.run("apart")["result"] == "ENETUNREACH"


def test_a_service_whose_keeper_is_killed_while_it_starts_gets_another_one(tmp_path: Path) -> None:
    """Nothing that has happened once to a process that starts may end the whole service."""
    service = Service(tmp_path)
    killed: list[int] = []

    def kill_first_keeper() -> None:
        def seen() -> bool:
            killed.extend(service.pids("sandbox.keeper") if service.process else [])
            return bool(killed)

        wait_until(seen, deadline_s=60, what="a keeper", every_s=0.001)
        kill(killed[0])

    with ThreadPoolExecutor(1) as beside:
        killing = beside.submit(kill_first_keeper)
        try:
            service.start()
            killing.result()
            wait_until(lambda: "worker.keeper_gone" in service.log(), deadline_s=60, what="a keeper that was missed")
            service.create_owner()
            service.deploy("quick", SOURCE, tmp_path)
            assert service.run("quick")["status"] == "succeeded"
            assert service.stop() == 0
        finally:
            if service.process is not None and service.process.poll() is None:
                service.kill_all()
