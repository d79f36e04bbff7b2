"""What the service says of itself: silent parts, CronJobs that lost their next run, work that nobody takes."""

from datetime import datetime, timedelta

from sqlalchemy import update

from hexasched.domain.outcomes import Outcome, Reason, Status
from hexasched.store import (
    build_claims,
    builds,
    claiming,
    coming,
    cron_job_changes,
    cron_job_pauses,
    finishing,
    health,
    preloads,
    settings,
    workers,
)
from hexasched.store import tables as t
from hexasched.store.database import Connection, Database
from hexasched.store.workers import Worker
from tests.factories import NOW, make_cron_job, make_function, make_run, make_workspace

LATER = NOW + timedelta(minutes=10)
OK = Outcome(status=Status.SUCCEEDED, reason=Reason.OK)


def alive(connection: Connection, now: datetime, slots: int = 1) -> None:
    """A scheduler and a worker that live at `now`."""
    settings.save(connection, "scheduler_tick", now.isoformat())
    facts: dict[str, object] = {}
    row = Worker(id="w1", host="vm", pid=1, slots=slots, facts=facts, started_at=NOW, seen_at=now, draining=False)
    workers.register(connection, row)


def troubles(connection: Connection, now: datetime) -> list[str]:
    return list(health.look(connection, now).troubles)


def test_a_silent_scheduler_and_a_missing_worker_are_named(database: Database) -> None:
    with database.writing() as connection:
        assert troubles(connection, NOW) == ["scheduler", "worker"]
        alive(connection, NOW)
        assert troubles(connection, NOW + timedelta(seconds=30)) == []
        found = health.look(connection, NOW + timedelta(seconds=31)).troubles
        assert found["scheduler"] == "The scheduler has not ticked for 31 s: schedules are not firing."
        assert found["worker"] == "No worker is present: nothing can run."


def test_an_active_cron_job_that_lost_its_next_run_is_a_fault_and_one_that_has_ended_is_not(
    database: Database,
) -> None:
    with database.writing() as connection:
        alive(connection, NOW)
        function = make_function(connection, make_workspace(connection).id)
        make_cron_job(connection, function, name="once", expression="at 2026-11-23 07:00")
        make_cron_job(connection, function, name="ended", ends_at=NOW - timedelta(days=1))
        paused = make_cron_job(connection, function, name="paused")
        cron_job_pauses.suspend(connection, paused, "", NOW)
        gone = make_cron_job(connection, function, name="gone")
        cron_job_changes.remove(connection, gone, NOW)
        lost = make_cron_job(connection, function, name="lost")
        assert troubles(connection, NOW) == []
        connection.execute(update(t.cron_jobs).where(t.cron_jobs.c.id == lost.id).values(next_run_at=None))
        found = health.look(connection, NOW)
        assert found.stuck == ("lost",)
        assert found.troubles == {"cron_job": "1 active CronJob has no next run although the schedule goes on."}
        connection.execute(update(t.cron_jobs).where(t.cron_jobs.c.id == lost.id).values(timezone="Atlantis/Capital"))
        assert health.look(connection, NOW).stuck == ("lost",), "nobody can tell, so somebody looks"


def test_a_moment_that_nothing_came_of_is_overdue(database: Database) -> None:
    with database.writing() as connection:
        alive(connection, NOW)
        make_cron_job(connection, make_function(connection, make_workspace(connection).id))
        due = NOW + timedelta(minutes=1)
        connection.execute(update(t.workers).values(seen_at=LATER))
        settings.save(connection, "scheduler_tick", LATER.isoformat())
        assert troubles(connection, due + timedelta(seconds=60)) == []
        assert troubles(connection, due + timedelta(seconds=61)) == ["overdue"]


def test_a_run_that_waits_is_overdue_only_while_a_worker_has_room(database: Database) -> None:
    with database.writing() as connection:
        alive(connection, LATER, slots=2)
        function = make_function(connection, make_workspace(connection).id)
        make_run(connection, function)
        assert troubles(connection, NOW + timedelta(seconds=60)) == []
        assert troubles(connection, LATER) == ["overdue"]
        connection.execute(update(t.workers).values(draining=True))
        assert troubles(connection, LATER) == []
        connection.execute(update(t.workers).values(draining=False, started_at=LATER - timedelta(seconds=59)))
        assert troubles(connection, LATER) == [], "it has just begun to take what had piled up"
        connection.execute(update(t.workers).values(started_at=NOW))
        [first] = claiming.claim(connection, "w1", 1, NOW)
        make_run(connection, function)
        assert troubles(connection, LATER) == ["overdue"], "one slot is free"
        [second] = claiming.claim(connection, "w1", 1, LATER - timedelta(seconds=59))
        make_run(connection, function)
        assert troubles(connection, LATER) == [], "both are taken"
        finishing.finish(connection, first, OK, LATER)
        assert troubles(connection, LATER) == [], "it took one less than a minute ago: it goes on"
        finishing.finish(connection, second, OK, LATER)
        assert troubles(connection, LATER) == ["overdue"]


def test_builds_take_slots_beyond_their_own(database: Database) -> None:
    with database.writing() as connection:
        alive(connection, LATER)
        make_run(connection, make_function(connection, make_workspace(connection).id))
        for taken in (1, 2):
            builds.enqueue_analysis(connection, 1, {}, NOW)
            build_claims.claim(connection, "w1", 1, NOW)
            assert troubles(connection, LATER) == (["overdue"] if taken == 1 else [])


def test_what_waits_for_its_turn_or_its_time_is_not_overdue(database: Database) -> None:
    with database.writing() as connection:
        alive(connection, LATER, slots=4)
        function = make_function(connection, make_workspace(connection).id)
        for _ in range(2):
            make_run(connection, function, serial_key=7)
        claiming.claim(connection, "w1", 4, NOW)
        make_run(connection, function, now=LATER + timedelta(hours=1))
        assert troubles(connection, LATER) == []


def test_what_a_worker_can_not_load_ahead_may_be_gone_when_it_says_so(database: Database) -> None:
    with database.writing() as connection:
        assert coming.load_version(connection, 4711) is None
        preloads.note(connection, "gone", {4711: "no"})
        assert preloads.all_of(connection, NOW) == []
