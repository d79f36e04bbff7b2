"""What became of a moment, out of real rows: its attempts, its window, and nothing of other CronJobs."""

from datetime import datetime, timedelta

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
    runs,
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


def gone(connection: Connection, moment: datetime) -> int:
    """The worker that has taken the run that waits dies at once, and its lease runs out."""
    [claim] = claiming.claim(connection, "w1", 9, moment)
    assert finishing.reap(connection, claim, 0, moment)
    return claim.run_id


def test_a_run_whose_worker_died_before_it_noted_a_start_may_have_run(database: Database) -> None:
    with database.writing() as connection:
        job = make_cron_job(connection, make_function(connection, make_workspace(connection).id), max_attempts=2)
        tick(connection, 1)
        first = gone(connection, NOW + MINUTE)
        later = NOW + 10 * MINUTE
        found = whys.ask(connection, job, NOW + MINUTE, later)
        unsure = f"It may have run at first: run {first} was lost."
        assert (found.kind, found.sentence) == ("retried", f"{unsure} Later run {first + 1} is the next.")
        second = gone(connection, later)
        found = whys.ask(connection, job, NOW + MINUTE, later)
        why = "The worker that had taken it is gone. Whether the code began is not known."
        assert found.sentence == f"{unsure} Later run {second} was lost. {why}"


def test_a_run_that_was_cancelled_while_its_worker_died_may_have_run(database: Database) -> None:
    with database.writing() as connection:
        job = make_cron_job(connection, make_function(connection, make_workspace(connection).id))
        tick(connection, 1)
        [claim] = claiming.claim(connection, "w1", 9, NOW + MINUTE)
        runs.request_cancel(connection, job.workspace_id, claim.run_id, NOW + MINUTE)
        assert finishing.reap(connection, claim, 0, NOW + MINUTE)
        found = whys.ask(connection, job, NOW + MINUTE, NOW + 2 * MINUTE)
        lead = f"It may have run: run {claim.run_id} was cancelled. It was cancelled by a person."
        assert (found.kind, found.sentence[: len(lead)]) == ("cancelled", lead)


def test_what_nobody_took_or_a_worker_could_not_begin_did_not_run(database: Database) -> None:
    with database.writing() as connection:
        job = make_cron_job(connection, make_function(connection, make_workspace(connection).id))
        tick(connection, 1)
        waits = whys.ask(connection, job, NOW + MINUTE, NOW + 2 * MINUTE)
        [claim] = claiming.claim(connection, "w1", 9, NOW + MINUTE)
        taken = whys.ask(connection, job, NOW + MINUTE, NOW + 2 * MINUTE)
        not_begun = Outcome(status=Status.FAILED, reason=Reason.INTERNAL)
        assert finishing.finish(connection, claim, not_begun, NOW + MINUTE)
        failed = whys.ask(connection, job, NOW + MINUTE, NOW + 2 * MINUTE)
        tick(connection, 2)
        runs.request_cancel(connection, job.workspace_id, claim.run_id + 1, NOW + 2 * MINUTE)
        cancelled = whys.ask(connection, job, NOW + 2 * MINUTE, NOW + 3 * MINUTE)
    assert waits.sentence == "It is due and waits. It waits for a free worker."
    assert taken.sentence == "It is due. A worker has taken it; its start is not noted yet."
    assert failed.sentence.startswith(f"It did not run: run {claim.run_id} failed. HexaSched itself failed")
    assert cancelled.sentence == f"It did not run: run {claim.run_id + 1} was cancelled. It was cancelled by a person."
