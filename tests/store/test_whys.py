"""What became of a moment, out of real rows: its attempts, its window, and nothing of other CronJobs."""

from datetime import timedelta

from hexasched.domain.outcomes import Outcome, Reason, Status
from hexasched.domain.ticks import Blackout, plan
from hexasched.store import (
    backfills,
    blackouts,
    claiming,
    cron_job_changes,
    due_jobs,
    finishing,
    holding,
    ticks,
    whys,
)
from hexasched.store.cron_jobs import CronJobFields
from hexasched.store.database import Connection, Database
from tests.factories import NOW, make_cron_job, make_function, make_workspace

MINUTE = timedelta(minutes=1)
FAILED = Outcome(status=Status.FAILED, reason=Reason.ERROR)


def tick(connection: Connection, minute: int) -> None:
    now = NOW + minute * MINUTE
    ticks.settle(connection, [plan(job, now) for job in due_jobs.due(connection, now, 100)], now)


def test_a_moment_has_its_attempts_and_its_window_and_those_of_no_other(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        job = make_cron_job(connection, function, max_attempts=2, retry_delay_s=0)
        other = make_cron_job(connection, function, name="other", expression="0 0 1 1 *")
        dark = Blackout(name="Night", from_at=NOW + 2 * MINUTE, to_at=NOW + 4 * MINUTE)
        blackouts.add(connection, job.workspace_id, dark, job.id, NOW)
        for minute in (1, 2, 3):
            tick(connection, minute)
        for _ in range(2):
            [claim] = claiming.claim(connection, "w1", 9, NOW + 3 * MINUTE)
            holding.mark_started(connection, claim, NOW + 3 * MINUTE)
            finishing.finish(connection, claim, FAILED, NOW + 3 * MINUTE)
        later = NOW + 10 * MINUTE
        found = whys.ask(connection, job, NOW + MINUTE, later)
        assert (found.kind, found.run_id) == ("retried", claim.run_id)
        assert found.sentence.startswith("It ran, late by 2 min and was retried, 2 attempts so far: run 2 failed.")
        assert whys.ask(connection, job, NOW + 3 * MINUTE, later).kind == "blackout"
        assert whys.ask(connection, other, NOW + MINUTE, later).kind == "no_moment"
        edited = CronJobFields(function_id=function.id, name=other.name, expression="5 * * * *", timezone="UTC")
        changed = cron_job_changes.save(connection, other, edited, NOW + 6 * MINUTE)
        assert changed
        found = whys.ask(connection, changed, NOW + 5 * MINUTE, later)
        assert found.sentence.startswith("It was no moment of the schedule as it was then: At 00:00 every year")


def test_what_was_missed_and_made_up_for_did_not_run_in_time(database: Database) -> None:
    with database.writing() as connection:
        job = make_cron_job(connection, make_function(connection, make_workspace(connection).id), catch_up="skip")
        tick(connection, 5)
        assert backfills.queue(connection, job, [NOW + MINUTE], NOW + 6 * MINUTE)
        [due] = claiming.claim(connection, "w1", 9, NOW + 6 * MINUTE)
        finishing.finish(connection, due, FAILED, NOW + 6 * MINUTE)
        [claim] = claiming.claim(connection, "w1", 9, NOW + 6 * MINUTE)
        holding.mark_started(connection, claim, NOW + 6 * MINUTE)
        found = whys.ask(connection, job, NOW + MINUTE, NOW + 7 * MINUTE)
        assert found.sentence == f"It did not run at first: run 1 was missed. Later run {claim.run_id} is running."
