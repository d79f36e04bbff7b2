"""Runs that a worker claimed before it has a slot for them: they begin once, here or elsewhere, or not at all."""

import os
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.exc import OperationalError

from hexasched.config import Config, Workers
from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import Outcome, Reason, Status
from hexasched.doorbell import WORK, Doorbell
from hexasched.errors import StoreBusyError, StoreFullError
from hexasched.secrets import load_key_ring
from hexasched.store import claiming, finishing, functions, holding, runs, schema, ticks
from hexasched.store import tables as t
from hexasched.store.build_claims import BuildClaim
from hexasched.store.claiming import Claim
from hexasched.store.database import Database
from sandbox.client import Keeper
from sandbox.jobs import Job
from tests import postgres
from tests.busy import held
from tests.factories import NOW, make_cron_job, make_function, make_run, make_workspace
from tests.waiting import wait_until
from workers.beating import leave
from workers.builds import BuildState
from workers.claiming import claim_work, start_waiting
from workers.ending import end_all
from workers.facts import runtimes
from workers.hand import Hands, InHand
from workers.helper import Helper
from workers.never_begun import note_boot
from workers.reaper import Reaper
from workers.returning import give_back, give_back_due
from workers.room import free_slots, room_beside
from workers.shop import Shop
from workers.worker import Worker

SLOTS = 4


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A worker called "here" with four slots; nobody reads what its keeper is told. Ten runs wait."""
    ours, theirs = socket.socketpair()
    with theirs, closing(Helper()) as helper, Database(f"sqlite:///{tmp_path / 'own.db'}") as database:
        schema.migrate(database)
        with database.writing() as connection:
            function = make_function(connection, make_workspace(connection).id)
            for _ in range(10):
                make_run(connection, function)
        keeper = Keeper(cast("subprocess.Popen[bytes]", None), ours)
        yield Shop(
            worker_id="here",
            config=Config(data_dir=tmp_path, workers=Workers(slots=SLOTS)),
            database=database,
            keys=load_key_ring(tmp_path),
            keeper=keeper,
            helper=helper,
            runtimes={runtime.name: runtime for runtime in runtimes()},
            state_dir=tmp_path,
        )
        keeper._reader.close()
        ours.close()


def claimed(shop: Shop, count: int, *, ended: Outcome | None = None) -> Hands:
    """So many runs in hand, prepared, or ended."""
    with shop.database.writing() as connection:
        claims = claiming.claim(connection, "here", count, NOW)
    assert len(claims) == count
    return {str(claim.run_id): in_hand(shop, claim, ended=ended) for claim in claims}


def in_hand(shop: Shop, claim: Claim, ended: Outcome | None = None) -> InHand:
    key, runtime = str(claim.run_id), next(iter(shop.runtimes.values()))
    job = Job(key=key, mode="run", runtime=runtime, code_dir="/", handler="index.js", limits=Limits(), workspace="1")
    hand = InHand(claim=claim, key=key, spool=shop.state_dir / "none", ended=ended)
    hand.job = None if ended else job
    return hand


def building(shop: Shop, number: int, **facts: Any) -> InHand:
    claim = BuildClaim(build_id=number, fence=1)
    return InHand(claim=claim, key=f"build-{number}", spool=shop.state_dir / "none", **facts)


def status(shop: Shop, run_id: int) -> str:
    with shop.database.reading() as connection:
        found: str = connection.execute(select(t.runs.c.status).where(t.runs.c.id == run_id)).scalar_one()
    return found


def statuses(shop: Shop) -> list[str]:
    return [status(shop, run_id) for run_id in range(1, 11)]


def refuse_run(shop: Shop, run_id: int) -> None:
    """From now on the database refuses every change of this run."""
    with shop.database.writing() as connection:
        connection.exec_driver_sql(
            f"CREATE TRIGGER refusing BEFORE UPDATE ON runs WHEN NEW.id = {run_id} "
            "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )


@pytest.mark.parametrize(("took_ms", "claimed_then"), [(150, 8), (250, 4)])
def test_behind_short_runs_others_are_claimed_ahead_and_given_back_if_that_was_wrong(
    shop: Shop, took_ms: int, claimed_then: int
) -> None:
    hands = claimed(shop, 2, ended=Outcome(status=Status.SUCCEEDED, reason=Reason.OK, duration_ms=took_ms))
    assert end_all(shop, hands, refill=True)
    assert statuses(shop).count("running") == len(hands) == claimed_then
    assert room_beside(shop, hands.values()).builds() == 1, "that slot is for builds alone"
    claims = [hand.claim for hand in hands.values() if isinstance(hand.claim, Claim)]
    prepared = {str(claim.run_id): in_hand(shop, claim) for claim in claims}
    for hand in list(prepared.values())[:4]:
        hand.submitted_at = time.monotonic()
    give_back_due(shop, prepared, everything=False)
    assert len(prepared) == claimed_then, "it is not long ago"
    for hand in prepared.values():
        hand.claimed_at -= 2
    give_back_due(shop, prepared, everything=False)
    assert statuses(shop).count("running") == len(prepared) == 4


def test_what_must_begin_within_seconds_is_not_claimed_ahead(shop: Shop) -> None:
    with shop.database.writing() as connection:
        soon = update(t.runs).where(t.runs.c.id == 7)
        connection.execute(soon.values(starts_by=datetime.now(UTC) + timedelta(seconds=2)))
    hands = claimed(shop, 1, ended=Outcome(status=Status.SUCCEEDED, reason=Reason.OK, duration_ms=10))
    assert end_all(shop, hands, refill=True)
    assert statuses(shop) == ["succeeded", *["running"] * 5, "queued", *["running"] * 3]


def test_nothing_is_claimed_ahead_while_packages_are_unpacked(shop: Shop) -> None:
    hands = claimed(shop, 1, ended=Outcome(status=Status.SUCCEEDED, reason=Reason.OK, duration_ms=10))
    unpacking = claimed(shop, 1)
    for hand in unpacking.values():
        hand.job, hand.preparing = None, Future()
    hands |= unpacking
    assert end_all(shop, hands, refill=True)
    assert len(hands) == SLOTS
    hands |= claimed(shop, 3)
    assert free_slots(shop, hands) == SLOTS, "what is unpacked does not run yet"


def test_a_build_keeps_its_place_between_two_stages(shop: Shop) -> None:
    hands, done = claimed(shop, 6), Outcome(status=Status.SUCCEEDED, reason=Reason.OK)
    for hand in list(hands.values())[:2]:
        hand.submitted_at = time.monotonic()
    assert free_slots(shop, hands) == 2
    state = cast(BuildState, object())
    hands |= {f"b{number}": building(shop, number, build=state, submitted_at=1.0, ended=done) for number in (1, 2)}
    assert free_slots(shop, hands) == 1
    start_waiting(shop, hands)
    assert [hand.submitted for hand in hands.values()] == [True] * 3 + [False] * 3 + [True] * 2


def test_a_ring_takes_no_lock_where_there_is_no_room(shop: Shop) -> None:
    hands = claimed(shop, 4) | {f"b{number}": building(shop, number) for number in (1,)}
    with held(shop.database):
        assert claim_work(shop, hands, rung=True)


def test_what_is_given_back_never_begins_here_although_the_answer_was_lost(shop: Shop) -> None:
    def lost(connection: Any) -> None:
        connection.connection.dbapi_connection.commit()
        raise OperationalError("COMMIT", {}, sqlite3.OperationalError("server closed the connection"))

    hands = claimed(shop, 1)
    event.listen(shop.database.engine, "commit", lost)
    with pytest.raises(StoreBusyError):
        give_back(shop, hands, list(hands.values()))
    event.remove(shop.database.engine, "commit", lost)
    assert status(shop, 1) == "queued"
    with shop.database.writing() as connection:
        assert claiming.claim(connection, "elsewhere", 1, NOW)[0].run_id == 1
    start_waiting(shop, hands)
    assert not hands["1"].submitted
    give_back_due(shop, hands, everything=False)
    assert not hands
    assert status(shop, 1) == "running", "the other worker has it"


def test_all_are_given_back_in_one_transaction(shop: Shop) -> None:
    begun: list[str] = []
    event.listen(shop.database.engine, "before_cursor_execute", lambda *given: begun.append(given[2]))
    give_back(shop, hands := claimed(shop, 8), list(hands.values()))
    assert len([text for text in begun if text.startswith("BEGIN")]) == 2  # the other one claimed
    assert statuses(shop) == ["queued"] * 10


def test_one_whose_return_is_refused_keeps_no_other(shop: Shop) -> None:
    hands = claimed(shop, 3)
    refuse_run(shop, 2)
    give_back(shop, hands, list(hands.values()))
    assert statuses(shop)[:3] == ["queued", "running", "queued"]
    start_waiting(shop, hands)
    assert not hands["2"].submitted, "it may be another's by now"


def test_what_somebody_wants_to_stop_ends_instead_of_going_back(shop: Shop) -> None:
    hands = claimed(shop, 2)
    with shop.database.writing() as connection:
        runs.request_cancel(connection, 1, 1, NOW)
    give_back(shop, hands, list(hands.values()))
    assert list(hands) == ["1"]
    assert end_all(shop, hands)
    assert statuses(shop)[:2] == ["cancelled", "queued"]


def test_a_cancel_that_comes_together_with_a_free_slot_is_heeded(shop: Shop, tmp_path: Path) -> None:
    hands = claimed(shop, 1)
    with Doorbell(tmp_path, WORK) as bell:
        worker = Worker(shop, bell, Reaper(shop.database, tmp_path / "workers"))
        worker._hands, worker._is_rung = hands, True
        with shop.database.writing() as connection:
            runs.request_cancel(connection, 1, 1, NOW)
        worker._work()
    assert status(shop, 1) == "cancelled"


def test_a_worker_that_drains_begins_with_nothing_however_busy_the_database_is(shop: Shop, tmp_path: Path) -> None:
    hands = claimed(shop, 3)
    hands["3"].job, hands["3"].preparing = None, Future()
    with Doorbell(tmp_path, WORK) as bell:
        worker = Worker(shop, bell, Reaper(shop.database, tmp_path / "workers"))
        worker._hands = hands
        with held(shop.database):
            worker.drain()
            with pytest.raises(StoreBusyError):
                worker._work()
        assert [hand.submitted for hand in hands.values()] == [False] * 3
        worker._work()
    assert worker.idle
    assert statuses(shop)[:3] == ["queued"] * 3


def delete_function(shop: Shop) -> None:
    with shop.database.writing() as connection:
        functions.remove(connection, 1, 1, NOW)


def claimable(shop: Shop) -> list[Claim]:
    with shop.database.writing() as connection:
        return claiming.claim(connection, "elsewhere", 10, NOW)


def test_what_is_given_back_after_its_function_was_deleted_begins_nowhere(shop: Shop) -> None:
    hands = claimed(shop, 2)
    delete_function(shop)
    give_back(shop, hands, list(hands.values()))
    assert claimable(shop) == []


def test_what_a_dead_worker_had_of_a_deleted_function_begins_nowhere(shop: Shop) -> None:
    folder = dead_worker(shop, claimed(shop, 2), begun=False)
    delete_function(shop)
    Reaper(shop.database, folder.parent).sweep()
    assert claimable(shop) == []
    assert statuses(shop) == ["cancelled"] * 10


@pytest.mark.parametrize("reason", [Reason.ERROR, Reason.DRAIN])
def test_a_run_that_ends_badly_after_its_function_was_deleted_is_not_tried_again(shop: Shop, reason: Reason) -> None:
    with shop.database.writing() as connection:
        connection.execute(update(t.runs).values(max_attempts=3))
        [claim] = claiming.claim(connection, "here", 1, NOW)
        holding.mark_started(connection, claim, NOW)
    delete_function(shop)
    status = Status.LOST if reason is Reason.DRAIN else Status.FAILED
    with shop.database.writing() as connection:
        assert finishing.finish(connection, claim, Outcome(status=status, reason=reason), NOW)
    assert claimable(shop) == []


def test_a_worker_that_ends_gives_back_what_it_has_without_knowing_it(shop: Shop) -> None:
    """A connection may die after a claim was committed and before the worker hears of it."""
    with shop.database.writing() as connection:
        claims = claiming.claim(connection, "here", 3, NOW)
        runs.request_cancel(connection, 1, claims[0].run_id, NOW)
    leave(shop)
    assert statuses(shop) == ["cancelled", *["queued"] * 9]


def test_an_unpacking_that_failed_for_the_database_keeps_no_other_run(shop: Shop, tmp_path: Path) -> None:
    hands = claimed(shop, 2)
    failed: Future[Path] = Future()
    failed.set_exception(StoreFullError("full"))
    hands["1"].job, hands["1"].preparing = None, failed
    with Doorbell(tmp_path, WORK) as bell:
        worker = Worker(shop, bell, Reaper(shop.database, tmp_path / "workers"))
        worker._hands = hands
        worker._work()
    assert hands["1"].ended
    assert hands["1"].ended.reason is Reason.INTERNAL
    assert hands["2"].submitted


@pytest.mark.postgres
@pytest.mark.parametrize("how", ["cancel", "replace", "delete"])
def test_a_wish_to_stop_a_run_that_is_being_given_back_is_not_lost(
    postgres_server: str, empty_on_postgres: str, how: str
) -> None:
    with postgres.fresh_database(postgres_server, empty_on_postgres) as url, Database(url) as database:
        with database.writing() as connection:
            workspace = make_workspace(connection)
            function = make_function(connection, workspace.id)
            run_id = make_run(connection, function)
            job = make_cron_job(connection, function)
            connection.execute(update(t.runs).values(cron_job_id=job.id))
        with database.writing() as connection:
            [claim] = claiming.claim(connection, "here", 1, NOW)

        def wish() -> None:
            with database.writing() as connection:
                if how == "cancel":
                    runs.request_cancel(connection, workspace.id, run_id, NOW)
                elif how == "replace":
                    ticks._make_room(connection, [job.id], NOW)
                else:
                    functions.remove(connection, workspace.id, function.id, NOW)

        with ThreadPoolExecutor(1) as beside:
            with database.writing() as connection:
                assert claiming.release(connection, claim)
                wished = beside.submit(wish)
                with database.reading() as looking:
                    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
                    wait_until(lambda: looking.exec_driver_sql(waiting).scalar(), deadline_s=10, what="the lock")
            wished.result()
        with database.reading() as connection:
            assert connection.execute(select(t.runs.c.status)).scalar_one() == "cancelled"


def dead_worker(shop: Shop, hands: Hands, *, begun: bool) -> Path:
    """The folder of a worker that died with these in hand."""
    folder = shop.state_dir / "workers" / "e15e"
    (folder / "spool").mkdir(parents=True)
    (folder / "lock").touch()
    note_boot(folder)
    for hand in hands.values() if begun else ():
        (folder / "spool" / f"run-{hand.parent_id}-{hand.claim.fence}.log").touch()
    with shop.database.writing() as connection:
        connection.execute(update(t.runs).where(t.runs.c.worker_id == "here").values(worker_id=folder.name))
    return folder


def test_of_a_dead_worker_one_whose_return_is_refused_keeps_no_other(shop: Shop) -> None:
    folder = dead_worker(shop, claimed(shop, 3), begun=False)
    refuse_run(shop, 2)
    assert Reaper(shop.database, folder.parent).sweep() == 2
    assert statuses(shop)[:3] == ["queued", "running", "queued"]


def test_half_of_a_dead_workers_folder_tells_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run 2 had begun, its end is refused, and whoever removes the folder is killed in the middle of that."""
    folder = dead_worker(shop, claimed(shop, 3), begun=True)
    refuse_run(shop, 2)
    shop.database.close()
    if (pid := os.fork()) == 0:
        remove = shutil.rmtree

        def be_killed(path: Path, **_: object) -> None:
            remove(path / "spool")
            os._exit(9)

        monkeypatch.setattr(shutil, "rmtree", be_killed)
        Reaper(shop.database, folder.parent).sweep()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    assert statuses(shop)[:3] == ["lost", "running", "lost"]
    Reaper(shop.database, folder.parent).sweep()
    assert statuses(shop)[:3] == ["lost", "running", "lost"]
