"""The life of a run in the database: claims, fences, finishes, retries, alerts. On both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from hexasched.domain.outcomes import FINAL, REASONS, Outcome, Reason, Status
from hexasched.store import claiming, finishing, history, holding, outbox, runs, workers
from hexasched.store import tables as t
from hexasched.store.database import Database
from tests.factories import NOW, make_cron_job, make_function, make_run, make_workspace
from tests.waiting import wait_until

OK = Outcome(status=Status.SUCCEEDED, reason=Reason.OK, result='"hello"', duration_ms=12)
ERROR = Outcome(status=Status.FAILED, reason=Reason.ERROR)
LATER = NOW + timedelta(seconds=1)


def one_claim(database: Database, worker: str = "w1", **overrides: object) -> claiming.Claim:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        make_run(connection, function)
        if overrides:
            connection.execute(update(t.runs).values(**overrides))
        (claim,) = claiming.claim(connection, worker, 5, NOW)
    return claim


def test_it_gives_each_run_to_one_worker_only(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        wanted = [make_run(connection, function) for _ in range(60)]
    taken: list[claiming.Claim] = []
    start = threading.Barrier(6)

    def work(name: str) -> None:
        start.wait()
        while True:
            with database.writing() as connection:
                claims = claiming.claim(connection, name, 3, NOW)
            if not claims:
                return
            taken.extend(claims)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(claim.run_id for claim in taken) == sorted(wanted)


def test_it_takes_the_oldest_first_and_only_what_is_due(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        make_run(connection, function, now=NOW + timedelta(minutes=1))
        second = make_run(connection, function, now=NOW - timedelta(seconds=1))
        first = make_run(connection, function, now=NOW - timedelta(seconds=9))
        assert [claim.run_id for claim in claiming.claim(connection, "w1", 1, NOW)] == [first]
        assert [claim.run_id for claim in claiming.claim(connection, "w1", 9, NOW)] == [second]


def test_runs_that_wait_for_one_of_their_own_do_not_keep_back_what_else_is_due(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        first, *_ = [make_run(connection, function, serial_key=7) for _ in range(4)]
        others = [make_run(connection, function, serial_key=key) for key in (None, 8, 8, None)]
        claims = claiming.claim(connection, "w1", 4, NOW)
        assert [claim.run_id for claim in claims] == [first, others[0], others[1], others[3]]
        assert claiming.claim(connection, "w1", 4, NOW) == []


def test_a_run_that_another_worker_takes_first_does_not_keep_back_the_others(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        first, _, other = [make_run(connection, function, serial_key=key) for key in (7, 7, None)]

    def claim_all() -> list[claiming.Claim]:
        with database.writing() as connection:
            return claiming.claim(connection, "w2", 5, NOW)

    with ThreadPoolExecutor(1) as second:
        with database.writing() as connection:
            assert [claim.run_id for claim in claiming.claim(connection, "w1", 1, NOW)] == [first]
            late = second.submit(claim_all)
            if not database.is_sqlite:
                wait_until(lambda: _waits_for_a_lock(database), deadline_s=5, what="the second worker to come too late")
        assert [claim.run_id for claim in late.result(10)] == [other]


def _waits_for_a_lock(database: Database) -> bool:
    with database.reading() as connection:
        found = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool(connection.exec_driver_sql(found).scalar_one())


def test_it_finishes_once_and_the_same_finish_again_is_no_error(database: Database) -> None:
    claim = one_claim(database)
    with database.writing() as connection:
        assert holding.mark_started(connection, claim, NOW)
        assert finishing.finish(connection, claim, OK, LATER)
    with database.writing() as connection:
        assert finishing.finish(connection, claim, OK, LATER), "the connection may have died during the commit"
        assert not finishing.finish(connection, claim, ERROR, LATER), "another end is refused"
        found = history.history(connection, 1, history.Filter())[0]
    assert (found.status, found.reason, found.duration_ms) == (Status.SUCCEEDED, Reason.OK, 12)


def test_it_refuses_every_write_under_an_old_fence(database: Database) -> None:
    old = one_claim(database)
    with database.writing() as connection:
        assert claiming.release(connection, old)
        (new,) = claiming.claim(connection, "w2", 1, NOW)
        assert new.fence > old.fence
        assert not holding.mark_started(connection, old, NOW)
        assert not finishing.finish(connection, old, OK, NOW)
        assert not finishing.reap(connection, old, 0, NOW)
        assert not claiming.release(connection, old)
        assert holding.beat(connection, "w1", NOW) == set()
        assert holding.beat(connection, "w2", NOW) == {new}


def test_it_gives_back_only_what_has_not_started(database: Database) -> None:
    claim = one_claim(database)
    with database.writing() as connection:
        holding.mark_started(connection, claim, NOW)
        assert not claiming.release(connection, claim)


def test_it_reaps_a_lease_that_stands_still_and_no_other(database: Database) -> None:
    claim = one_claim(database)
    with database.writing() as connection:
        ((found, count),) = holding.running_leases(connection)
        assert found == claim
        holding.beat(connection, "w1", NOW)
        assert not finishing.reap(connection, claim, count, NOW), "it has beaten since"
        assert finishing.reap(connection, claim, count + 1, LATER)
        row = history.history(connection, 1, history.Filter())[0]
    assert (row.status, row.reason) == (Status.LOST, Reason.WORKER_GONE)


def test_it_queues_the_next_attempt_in_the_transaction_that_ends_one(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        job = make_cron_job(connection, function, max_attempts=3)
        make_run(connection, function, cron_job_id=job.id)
        connection.execute(update(t.runs).values(max_attempts=3, scheduled_for=NOW, trigger="cron"))
    waits = []
    moment = NOW
    for _ in range(3):
        with database.writing() as connection:
            (claim,) = claiming.claim(connection, "w1", 1, moment)
            finishing.finish(connection, claim, ERROR, moment)
            due = connection.execute(select(t.runs.c.available_at).where(t.runs.c.status == "queued")).scalar()
        waits.append(None if due is None else (due - moment).total_seconds())
        moment = due or moment
    first, second, third = waits
    assert first is not None and second is not None and third is None
    assert 5 <= first <= 10 <= second <= 20, "a part of it by chance, doubled each time"
    with database.reading() as connection:
        rows = connection.execute(select(t.runs).order_by(t.runs.c.id)).mappings().all()
        alerts = outbox.deliveries(connection, 1)
    assert [(row["attempt"], row["retry_of"], row["trigger"]) for row in rows] == [
        (1, None, "cron"),
        (2, rows[0]["id"], "retry"),
        (3, rows[1]["id"], "retry"),
    ]
    assert {row["scheduled_for"] for row in rows} == {NOW}
    assert {row["occurrence_id"] for row in rows[1:]} == {f"run-{rows[0]['id']}"}
    assert [alert.payload["run_id"] for alert in alerts] == [rows[2]["id"]], "one alert, at the end"


@pytest.mark.parametrize("status", sorted(FINAL - {Status.SKIPPED}))
def test_it_alerts_for_every_end_that_a_person_must_know_of(database: Database, status: Status) -> None:
    claim = one_claim(database)
    reason = next(r for r in REASONS[status] if r is not Reason.DRAIN)
    with database.writing() as connection:
        finishing.finish(connection, claim, Outcome(status=status, reason=reason), LATER)
        alerts = outbox.deliveries(connection, 1)
    wanted = status in {Status.FAILED, Status.TIMED_OUT, Status.LOST, Status.MISSED}
    assert [alert.recipient for alert in alerts] == (["owner@example.org"] if wanted else [])


def test_it_does_not_alert_for_a_test_run(database: Database) -> None:
    claim = one_claim(database, trigger="test")
    with database.writing() as connection:
        finishing.finish(connection, claim, ERROR, LATER)
        assert outbox.deliveries(connection, 1) == []


def test_it_replaces_a_drained_run_three_times_whatever_its_attempts_are(database: Database) -> None:
    one_claim(database)
    drained = Outcome(status=Status.LOST, reason=Reason.DRAIN)
    with database.writing() as connection:
        connection.execute(update(t.runs).values(status="queued", worker_id=None, claimed_at=None))
    ends = 0
    while True:
        with database.writing() as connection:
            claims = claiming.claim(connection, "w1", 1, NOW)
            if not claims:
                break
            finishing.finish(connection, claims[0], drained, NOW)
            ends += 1
    assert ends == 4, "the run and three replacements"
    with database.reading() as connection:
        assert len(outbox.deliveries(connection, 1)) == 1


def test_it_cancels_a_queued_run_at_once_and_asks_the_worker_of_a_running_one(database: Database) -> None:
    claim = one_claim(database)
    with database.writing() as connection:
        function = history.history(connection, 1, history.Filter())[0]
        queued = connection.execute(
            t.runs.insert()
            .values(
                workspace_id=1,
                function_id=function.function_id,
                version_id=1,
                trigger="manual",
                status="queued",
                available_at=NOW,
                created_at=NOW,
            )
            .returning(t.runs.c.id)
        ).scalar_one()
        assert runs.request_cancel(connection, 1, queued, LATER) is Status.CANCELLED
        assert holding.to_cancel(connection, "w1") == []
        assert runs.request_cancel(connection, 1, claim.run_id, LATER) is Status.RUNNING
        assert holding.to_cancel(connection, "w1") == [(claim, Reason.USER)]
        assert runs.request_cancel(connection, 2, claim.run_id, LATER) is None, "another workspace's run"


def test_it_makes_one_run_for_one_idempotency_key(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        first = make_run(connection, function, idempotency_key="k")
        assert make_run(connection, function, idempotency_key="k") == first
        assert make_run(connection, function, idempotency_key="l") != first


def test_it_never_changes_a_finished_run_whoever_asks(database: Database) -> None:
    claim = one_claim(database)
    with database.writing() as connection:
        finishing.finish(connection, claim, OK, LATER)
    for change in ({"status": "queued", "finished_at": None, "reason": None}, {"result": "2"}, {"attempt": 2}):
        with pytest.raises(DBAPIError, match="a finished run never changes"), database.writing() as connection:
            connection.execute(update(t.runs).values(**change))


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "running"},
        {"status": "succeeded", "reason": "ok"},
        {"status": "succeeded", "reason": "error", "finished_at": NOW},
        {"status": "succeeded", "finished_at": NOW},
        {"status": "failed", "reason": "time", "finished_at": NOW},
        {"status": "gone"},
        {"reason": "ok"},
        {"attempt": 0},
        {"trigger": "magic"},
        {"scheduled_for": NOW},
        {"function_id": 4711},
    ],
    ids=str,
)
def test_it_has_a_constraint_against_what_must_never_be(database: Database, wrong: dict[str, object]) -> None:
    with database.writing() as connection:
        make_run(connection, make_function(connection, make_workspace(connection).id))
    with pytest.raises(DBAPIError), database.writing() as connection:
        connection.execute(update(t.runs).values(**wrong))


def test_it_refuses_a_second_run_for_the_same_tick(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        job = make_cron_job(connection, function)
        make_run(connection, function, cron_job_id=job.id)
        make_run(connection, function, cron_job_id=job.id)
    with pytest.raises(DBAPIError), database.writing() as connection:
        connection.execute(update(t.runs).values(scheduled_for=NOW))


def test_it_keeps_every_concurrent_write(database: Database) -> None:
    """SQLAlchemy's default transactions on SQLite lose most of these without an error."""
    with database.writing() as connection:
        workers.register(
            connection,
            workers.Worker(id="w", host="h", pid=1, slots=0, facts={}, started_at=NOW, seen_at=NOW, draining=False),
        )

    def add() -> None:
        for _ in range(15):
            with database.writing() as connection:
                count = connection.execute(select(t.workers.c.slots).with_for_update()).scalar_one()
                connection.execute(update(t.workers).values(slots=count + 1))

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with database.reading() as connection:
        assert connection.execute(select(t.workers.c.slots)).scalar_one() == 90


def test_it_lets_a_test_run_wait_for_the_build_of_its_draft(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        assert function.live_version_id is not None
        new = runs.NewRun(workspace_id=1, function_id=function.id, version_id=function.live_version_id, trigger="test")
        good, bad = runs.enqueue_test(connection, new, NOW), runs.enqueue_test(connection, replace(new), NOW)
        assert claiming.claim(connection, "w1", 9, NOW) == []
        runs.let_go(connection, good, NOW)
        runs.give_up(connection, bad, {"type": "SyntaxError", "message": "no"}, NOW)
        assert [claim.run_id for claim in claiming.claim(connection, "w1", 9, NOW)] == [good]
        ended = history.detail(connection, 1, bad)
    assert ended is not None
    assert (ended.status, ended.reason, ended.error and ended.error.type) == ("failed", "load", "SyntaxError")


def test_it_does_not_bring_back_what_somebody_cancelled(database: Database) -> None:
    claim = one_claim(database, max_attempts=3)
    with database.writing() as connection:
        runs.request_cancel(connection, 1, claim.run_id, NOW)
        ((_, count),) = holding.running_leases(connection)
        assert finishing.reap(connection, claim, count, LATER)
        (row,) = history.history(connection, 1, history.Filter())
        assert (row.status, row.reason) == (Status.CANCELLED, Reason.USER)
        assert outbox.deliveries(connection, 1) == []


def test_it_does_not_retry_a_run_that_failed_while_it_was_being_cancelled(database: Database) -> None:
    claim = one_claim(database, max_attempts=3)
    with database.writing() as connection:
        runs.request_cancel(connection, 1, claim.run_id, NOW)
        finishing.finish(connection, claim, ERROR, LATER)
        assert len(history.history(connection, 1, history.Filter())) == 1


def test_it_shows_no_values_in_the_text_of_an_error(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
    with pytest.raises(DBAPIError) as caught, database.writing() as connection:
        make_run(connection, function, event='"s3cret-value"', trigger="magic")
    assert "s3cret-value" not in str(caught.value)


def test_an_error_that_forbids_another_attempt_alerts_at_once(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        job = make_cron_job(connection, function, max_attempts=3)
        make_run(connection, function, cron_job_id=job.id)
        connection.execute(update(t.runs).values(max_attempts=3, scheduled_for=NOW, trigger="cron"))
        (claim,) = claiming.claim(connection, "w1", 1, NOW)
        assert finishing.finish(connection, claim, replace(ERROR, retryable=False), LATER)
        found = connection.execute(select(t.runs.c.status)).scalars().all()
        alerts = outbox.deliveries(connection, 1)
    assert found == ["failed"]
    assert [alert.payload["run_id"] for alert in alerts] == [claim.run_id]
