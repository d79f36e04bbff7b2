"""What a CronJob's policy does to its rows: turns, deadlines, replacements, retries, blackouts, pauses that end."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from hexasched.domain.outcomes import Outcome, Reason, Status
from hexasched.domain.policies import Policy
from hexasched.domain.ticks import Blackout, plan
from hexasched.scheduler import chores
from hexasched.store import (
    audit,
    blackouts,
    claiming,
    cron_job_changes,
    cron_job_pauses,
    cron_jobs,
    due_jobs,
    finishing,
    functions,
    holding,
    ticks,
    windows,
)
from hexasched.store import tables as t
from hexasched.store.ahead import look
from hexasched.store.claiming import Claim
from hexasched.store.cron_jobs import CronJob
from hexasched.store.database import Connection, Database
from tests.factories import NOW, make_cron_job, make_function, make_workspace

MINUTE = timedelta(minutes=1)
OK = Outcome(status=Status.SUCCEEDED, reason=Reason.OK)


def plant(connection: Connection, **overrides: Any) -> CronJob:
    return make_cron_job(connection, make_function(connection, make_workspace(connection).id), **overrides)


def tick(connection: Connection, now: datetime) -> int:
    return ticks.settle(connection, [plan(job, now) for job in due_jobs.due(connection, now, 100)], now)


def rows(connection: Connection) -> list[tuple[str, str | None]]:
    found = connection.execute(select(t.runs.c.status, t.runs.c.reason).order_by(t.runs.c.id))
    return [(row.status, row.reason) for row in found]


def take(connection: Connection, now: datetime, count: int = 10) -> list[Claim]:
    return claiming.claim(connection, "w1", count, now)


def test_runs_of_one_cron_job_take_turns(database: Database) -> None:
    with database.writing() as connection:
        plant(connection, queue_limit=5)
        for minute in (1, 2, 3):
            assert tick(connection, NOW + minute * MINUTE) == 1
        later = NOW + 3 * MINUTE
        [first] = take(connection, later)
        assert take(connection, later) == []
        assert not claiming.any_due(connection, later)
        assert finishing.finish(connection, first, OK, later)
        [second] = take(connection, later)
        assert second.run_id > first.run_id


def test_runs_that_may_overlap_are_taken_together(database: Database) -> None:
    with database.writing() as connection:
        plant(connection, concurrency_policy="Allow")
        tick(connection, NOW + MINUTE)
        tick(connection, NOW + 2 * MINUTE)
        assert len(take(connection, NOW + 2 * MINUTE)) == 2


def test_the_database_itself_forbids_an_overlap(database: Database) -> None:
    with database.writing() as connection:
        plant(connection, queue_limit=5)
        tick(connection, NOW + MINUTE)
        tick(connection, NOW + 2 * MINUTE)
        take(connection, NOW + 2 * MINUTE)
    with pytest.raises(IntegrityError), database.writing() as connection:
        connection.execute(update(t.runs).values(status=Status.RUNNING, worker_id="w2", claimed_at=NOW))


def test_two_workers_at_the_same_moment_start_one_of_them(database: Database) -> None:
    with database.writing() as connection:
        plant(connection, queue_limit=20)
        for minute in range(1, 11):
            tick(connection, NOW + minute * MINUTE)
    taken: list[Claim] = []

    def work(name: str) -> None:
        with database.writing() as connection:
            taken.extend(claiming.claim(connection, name, 1, NOW + 10 * MINUTE))

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1


def test_what_waits_beyond_its_deadline_is_missed_with_an_alert(database: Database) -> None:
    with database.writing() as connection:
        plant(connection, starting_deadline_s=90)
        tick(connection, NOW + MINUTE)
        late = NOW + MINUTE + timedelta(seconds=91)
        assert take(connection, late) == []
        assert look(connection, late).expired
        assert not look(connection, late - timedelta(seconds=2)).expired
        assert finishing.expire(connection, late) == 1
        assert rows(connection) == [("missed", "deadline")]
        assert connection.execute(select(func.count()).select_from(t.outbox)).scalar() == 1
        assert finishing.expire(connection, late) == 0


def test_replace_ends_what_waits_and_tells_what_runs(database: Database) -> None:
    with database.writing() as connection:
        plant(connection, concurrency_policy="Replace")
        tick(connection, NOW + MINUTE)
        [running] = take(connection, NOW + MINUTE)
        tick(connection, NOW + 2 * MINUTE)
        tick(connection, NOW + 3 * MINUTE)
        assert rows(connection) == [("running", None), ("cancelled", "replaced"), ("queued", None)]
        assert holding.to_cancel(connection, "w1") == [(running, Reason.REPLACED)]
        assert take(connection, NOW + 3 * MINUTE) == []
        assert finishing.reap(connection, running, 0, NOW + 4 * MINUTE)
        assert rows(connection)[0] == ("cancelled", "replaced")
        assert len(take(connection, NOW + 4 * MINUTE)) == 1
        assert connection.execute(select(func.count()).select_from(t.outbox)).scalar() == 0


@pytest.mark.parametrize(
    ("reason", "comes_back"), [(Reason.TIME, True), (Reason.CPU, False), (Reason.LOAD, False), (Reason.INTERNAL, False)]
)
def test_it_retries_for_the_reasons_of_its_policy(database: Database, reason: Reason, comes_back: bool) -> None:
    status = Status.TIMED_OUT if reason in (Reason.TIME, Reason.CPU) else Status.FAILED
    with database.writing() as connection:
        plant(connection, max_attempts=2, retry_on=("time", "error"), retry_delay_s=60)
        tick(connection, NOW + MINUTE)
        [claim] = take(connection, NOW + MINUTE)
        finishing.finish(connection, claim, Outcome(status=status, reason=reason), NOW + MINUTE)
        found = [row[0] for row in rows(connection)]
        assert found == [status, "queued"] if comes_back else [status]
        alerts = connection.execute(select(func.count()).select_from(t.outbox)).scalar()
        assert alerts == (0 if comes_back else 1)


def test_a_retry_waits_longer_each_time_and_never_beyond_the_most() -> None:
    policy = Policy(retry_delay_s=60, retry_max_delay_s=200)
    waits = [policy.retry_delay(7, attempt).total_seconds() for attempt in (1, 2, 3, 9)]
    for wait, most in zip(waits, (60, 120, 200, 200), strict=True):
        assert most / 2 <= wait <= most
    assert len({policy.retry_delay(run_id, 1) for run_id in range(50)}) == 50


def test_spread_cron_jobs_start_apart_at_the_same_delay_each_time(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        for number in range(20):
            make_cron_job(connection, function, name=f"job-{number}", spread_s=600)
        for minute in (1, 2):
            tick(connection, NOW + minute * MINUTE)
        query = select(t.runs.c.cron_job_id, t.runs.c.available_at, t.runs.c.scheduled_for).where(
            t.runs.c.status == Status.QUEUED
        )
        delays = {row.cron_job_id: row.available_at - row.scheduled_for for row in connection.execute(query)}
        assert delays == {job: Policy(spread_s=600).delay_of(job) // MS * MS for job in delays}
        assert len(set(delays.values())) == 20
        assert max(delays.values()) < timedelta(seconds=600)


MS = timedelta(milliseconds=1)


def test_a_blackout_is_one_window_however_many_ticks_it_has(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        dark = Blackout(name="Inventory", from_at=NOW + 2 * MINUTE, to_at=NOW + 5 * MINUTE)
        blackout_id = blackouts.add(connection, job.workspace_id, dark, None, NOW)
        other = Blackout(name="Not its own", from_at=NOW, to_at=NOW + timedelta(days=1))
        made = make_cron_job(connection, make_function(connection, job.workspace_id, "other"), name="other")
        blackouts.add(connection, job.workspace_id, other, made.id, NOW)
        cron_job_changes.remove(connection, made, NOW)
        for minute in range(1, 7):
            tick(connection, NOW + minute * MINUTE)
        [window] = windows.newest(connection, job.id)
        assert (window.from_at, window.to_at, window.count) == (dark.from_at, NOW + 4 * MINUTE, 3)
        assert (window.reason, window.note) == (Reason.BLACKOUT, "Inventory")
        assert len(rows(connection)) == 3
        assert not blackouts.remove(connection, job.workspace_id + 1, blackout_id, NOW)
        assert blackouts.remove(connection, job.workspace_id, blackout_id, NOW)


def test_two_blackouts_of_one_name_with_runs_between_are_two_windows(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        for begin in (1, 4):
            dark = Blackout(name="Daily", from_at=NOW + begin * MINUTE, to_at=NOW + (begin + 2) * MINUTE)
            blackouts.add(connection, job.workspace_id, dark, job.id, NOW)
        for minute in range(1, 7):
            tick(connection, NOW + minute * MINUTE)
        assert [window.count for window in windows.newest(connection, job.id)] == [2, 2]


def test_a_pause_ends_by_itself(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        cron_job_pauses.suspend(connection, job, "holidays", NOW, NOW + 3 * MINUTE)
        assert look(connection, NOW).next_resume == NOW + 3 * MINUTE
        assert cron_job_pauses.to_resume(connection, NOW + 2 * MINUTE) == []
        [due] = cron_job_pauses.to_resume(connection, NOW + 3 * MINUTE)
        assert cron_job_pauses.resume_due(connection, [due], NOW + 3 * MINUTE) == 1
        assert cron_job_pauses.resume_due(connection, [due], NOW + 3 * MINUTE) == 0
        found = cron_jobs.by_id(connection, job.workspace_id, job.id)
        assert found is not None
        assert (found.suspended, found.suspended_until, found.next_run_at) == (False, None, NOW + 4 * MINUTE)
        [window] = windows.newest(connection, job.id)
        assert (window.reason, window.count) == (Reason.PAUSED, 3)
        assert look(connection, NOW).next_resume is None


def test_a_pause_that_was_made_longer_meanwhile_goes_on(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        cron_job_pauses.suspend(connection, job, "holidays", NOW, NOW + MINUTE)
        due = cron_job_pauses.to_resume(connection, NOW + MINUTE)
        cron_job_pauses.suspend(connection, job, "holidays", NOW, NOW + 9 * MINUTE)
        assert len(due) == 1 and cron_job_pauses.resume_due(connection, due, NOW + MINUTE) == 0
        found = cron_jobs.by_id(connection, job.workspace_id, job.id)
        assert found and found.suspended_until == NOW + 9 * MINUTE


def test_a_pause_that_cant_be_ended_keeps_no_other_and_says_why(database: Database) -> None:
    later = NOW + 2 * MINUTE
    with database.writing() as connection:
        job = plant(connection)
        function = functions.by_id(connection, job.workspace_id, job.function_id)
        assert function
        other = make_cron_job(connection, function, name="other")
        for one in (job, other):
            cron_job_pauses.suspend(connection, one, "holidays", NOW, NOW + MINUTE)
        connection.execute(update(t.cron_jobs).where(t.cron_jobs.c.id == job.id).values(timezone="Mars/Base"))
    with database.reading() as connection:
        ahead = look(connection, later)
    assert chores.do(database, ahead, later)
    with database.reading() as connection:
        stays = cron_jobs.by_id(connection, job.workspace_id, job.id)
        went_on = cron_jobs.by_id(connection, job.workspace_id, other.id)
        assert stays and (stays.suspended, stays.suspended_until) == (True, None), "it is not tried again each second"
        assert "can't resume it: " in stays.suspend_reason and "Mars/Base" in stays.suspend_reason
        assert went_on and (went_on.suspended, went_on.next_run_at) == (False, NOW + 3 * MINUTE)
        assert look(connection, later).next_resume is None
        entry = audit.entries(connection, job.workspace_id, "cron_job.pause")[0]
        assert entry.object == job.name and "Mars/Base" in entry.detail["suspend_reason"]
