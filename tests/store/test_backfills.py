"""Backfills: what is known of past moments, one run for each that did not happen, however often it is asked."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from hexasched.domain.backfills import MAX_MOMENTS, moments_between
from hexasched.domain.outcomes import Outcome, Reason, Status
from hexasched.domain.ticks import Blackout, plan
from hexasched.store import (
    audit,
    backfills,
    blackouts,
    claiming,
    cron_job_changes,
    cron_job_pauses,
    cron_jobs,
    due_jobs,
    finishing,
    history,
    ticks,
)
from hexasched.store import tables as t
from hexasched.store.cron_jobs import CronJob
from hexasched.store.database import Connection, Database
from tests.factories import NOW, make_cron_job, make_function, make_workspace

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def plant(connection: Connection, **fields: Any) -> CronJob:
    function = make_function(connection, make_workspace(connection).id)
    return make_cron_job(connection, function, expression="0 * * * *", **fields)


def tick(connection: Connection, now: datetime) -> None:
    ticks.settle(connection, [plan(job, now) for job in due_jobs.due(connection, now, 100)], now)


def current(connection: Connection, job: CronJob) -> CronJob:
    found = cron_jobs.by_id(connection, job.workspace_id, job.id)
    assert found
    return found


def test_each_moment_has_its_verdict_and_what_did_not_happen_is_run_once(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        tick(connection, NOW + HOUR)
        [claim] = claiming.claim(connection, "w1", 1, NOW + HOUR)
        finishing.finish(connection, claim, Outcome(status=Status.SUCCEEDED, reason=Reason.OK), NOW + HOUR)
        dark = Blackout(name="Inventory", from_at=NOW + 2 * HOUR, to_at=NOW + 3 * HOUR)
        blackouts.add(connection, 1, dark, None, NOW)
        tick(connection, NOW + 2 * HOUR)
        now = NOW + 5 * HOUR + 2 * MINUTE
        tick(connection, now)  # 3 and 4 o'clock were missed, the newest, 5, is caught up
        job = current(connection, job)
        moments = moments_between(job.calendar, NOW, now, now)
        assert isinstance(moments, list)
        found = backfills.look(connection, job, moments, now)
        caught_up = connection.execute(select(t.runs.c.id).where(t.runs.c.status == "queued")).scalar_one()
        assert [past.verdict for past in found] == [
            "no record: would run",
            f"ran, run {claim.run_id}",
            "lies in the blackout Inventory: would run",
            "missed (server down): would run",
            "missed (server down): would run",
            f"waits, run {caught_up}",
        ]
        made = backfills.queue(connection, job, moments, now, by=None)
        assert len(made) == 4
        assert backfills.queue(connection, job, moments, now) == []
        rows = connection.execute(select(t.runs).where(t.runs.c.id.in_(made)).order_by(t.runs.c.id)).all()
        assert [row.scheduled_for for row in rows] == [NOW, NOW + 2 * HOUR, NOW + 3 * HOUR, NOW + 4 * HOUR]
        assert {(row.trigger, row.serial_key, row.event) for row in rows} == {("backfill", job.id, "{}")}
        assert [row.attempt for row in rows] == [1, 1, 2, 2], "a missed row stays"
        [entry] = audit.entries(connection, 1, action="cron_job.backfill")
        assert entry.detail["runs"] == 4


def test_it_is_another_attempt_at_what_was_missed_and_is_retried_by_the_policy(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection, catch_up="skip", max_attempts=2)
        now = NOW + HOUR + 2 * MINUTE
        tick(connection, now)
        [made] = backfills.queue(connection, current(connection, job), [NOW + HOUR], now)
        detail = history.detail(connection, 1, made)
        assert detail is not None
        first = [row.status for row in history.attempts(connection, detail)]
        assert first == [Status.MISSED, Status.QUEUED]
        [claim] = claiming.claim(connection, "w1", 1, now)
        finishing.finish(connection, claim, Outcome(status=Status.FAILED, reason=Reason.ERROR), now)
        statuses = connection.execute(select(t.runs.c.status).order_by(t.runs.c.id)).scalars()
        assert list(statuses) == ["missed", "failed", "queued"]


def test_what_lies_in_a_pause_that_goes_on_can_be_run(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        cron_job_pauses.suspend(connection, job, "", NOW + MINUTE)
        now = NOW + 2 * HOUR + MINUTE
        found = backfills.look(connection, current(connection, job), [NOW + HOUR], now)
        assert [past.verdict for past in found] == ["lies in a pause: would run"]
        assert len(backfills.queue(connection, current(connection, job), [NOW + HOUR], now)) == 1


def test_what_the_scheduler_is_about_to_run_is_left_to_it(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        [past] = backfills.look(connection, job, [NOW + HOUR], NOW + HOUR + MINUTE)
        assert (past.verdict, past.would_run) == ("is due now", False)
        assert backfills.queue(connection, job, [NOW + HOUR], NOW + HOUR + MINUTE) == []


def test_a_span_is_bounded_and_only_of_the_past(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        connection.execute(update(t.cron_jobs).values(expression="* * * * *"))
        calendar = current(connection, job).calendar
    assert moments_between(calendar, NOW - 2 * MINUTE, NOW + HOUR, NOW) == [NOW - 2 * MINUTE, NOW - MINUTE, NOW]
    assert len(moments_between(calendar, NOW - 499 * MINUTE, NOW, NOW)) == MAX_MOMENTS
    assert "501 moments" in moments_between(calendar, NOW - 500 * MINUTE, NOW, NOW)
    assert moments_between(calendar, NOW, NOW - HOUR, NOW) == "It ends before it begins."


def test_a_clock_that_went_back_fires_nothing_twice(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        connection.execute(update(t.cron_jobs).values(expression="* * * * *", next_run_at=NOW + MINUTE))
        for minute in range(1, 6):
            tick(connection, NOW + minute * MINUTE)
        stale = [plan(due, NOW + 6 * MINUTE) for due in due_jobs.due(connection, NOW + 6 * MINUTE, 10)]
        for minute in range(-60, 6):  # an hour back, and through the same minutes again
            tick(connection, NOW + minute * MINUTE)
        assert ticks.settle(connection, stale, NOW - HOUR) == 0, "due then; one is active"
        saved = cron_job_changes.save(connection, current(connection, job), fields_of(job), NOW - HOUR)
        assert saved and saved.next_run_at == NOW + 7 * MINUTE, "an edit does not bring moments back"
        moments = list(connection.execute(select(t.runs.c.scheduled_for).order_by(t.runs.c.id)).scalars())
        assert moments == [NOW + minute * MINUTE for minute in range(1, 7)]


def fields_of(job: CronJob) -> cron_jobs.CronJobFields:
    kept = {name: getattr(job, name) for name in cron_jobs.CronJobFields.__dataclass_fields__}
    return cron_jobs.CronJobFields(**(kept | {"expression": "* * * * *"}))
