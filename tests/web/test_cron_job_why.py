"""Why did it not run? One honest sentence for every moment: what ran, what did not, what is no moment at all."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from hexasched.domain.ticks import Blackout
from hexasched.store import blackouts, cron_job_changes, cron_job_pauses, cron_jobs
from hexasched.store.cron_jobs import CronJob
from hexasched.store.functions import Function
from tests.web import rows
from tests.web.browser import Browser
from tests.web.conftest import Place

LogIn = Callable[[str], Browser]
MORNING = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)  # 09:00 in Berlin
DAY = timedelta(days=1)


@pytest.fixture
def function(place: Place, people: dict[str, int]) -> Function:
    with place.database.writing() as connection:
        return rows.live_function(connection, 1, "daily-summary-email", place.clock())


@pytest.fixture
def ask(place: Place, logged_in: LogIn) -> Callable[[CronJob, str], str]:
    viewer = logged_in("viewer")

    def answer(job: CronJob, at: str) -> str:
        got = viewer.get(f"/cronjobs/{job.id}/why?at={at}")
        assert got.status_code == 200
        return unescape(got.text)

    return answer


Ask = Callable[[CronJob, str], str]


def make(place: Place, function: Function, **fields: Any) -> CronJob:
    with place.database.writing() as connection:
        return rows.cron_job(connection, function, place.clock(), **fields)


def tick(place: Place, at: datetime) -> None:
    place.clock.moment = at
    with place.database.writing() as connection:
        rows.tick(connection, at)


def test_it_ran_late_and_links_to_the_run(place: Place, function: Function, ask: Ask) -> None:
    job = make(place, function)
    tick(place, MORNING)
    assert "It is due and waits." in ask(job, "2026-11-24T09:00")
    with place.database.writing() as connection:
        rows.end(connection, MORNING + timedelta(seconds=200), rows.ERROR)
    page = ask(job, "2026-11-24T09:00")
    assert "It ran, late by 3 min 20 s: run 1 failed. The code failed." in page and '<a href="/runs/1">' in page


def test_what_was_retried_has_one_answer(place: Place, function: Function, ask: Ask) -> None:
    job = make(place, function, max_attempts=3)
    tick(place, MORNING)
    with place.database.writing() as connection:
        rows.end(connection, MORNING, rows.ERROR)
        rows.end(connection, MORNING + timedelta(minutes=1), rows.OK)
    assert "It ran in time and was retried, 2 attempts so far: run 2 succeeded." in ask(job, "2026-11-24T09:00")


def test_what_did_not_run_says_why(place: Place, function: Function, ask: Ask) -> None:
    job = make(place, function)
    tick(place, MORNING)
    with place.database.writing() as connection:
        rows.start(connection, MORNING)
    tick(place, MORNING + DAY)
    tick(place, MORNING + 3 * DAY + timedelta(hours=5))
    assert "It ran in time: run 1 is running." in ask(job, "2026-11-24T09:00")
    assert "run 2 was skipped. The run before it was still queued or running." in ask(job, "2026-11-25T09:00")
    assert "was missed. HexaSched was not running at that time." in ask(job, "2026-11-26T09:00")


def test_moments_in_a_pause_and_in_a_blackout_name_it(place: Place, function: Function, ask: Ask) -> None:
    job = make(place, function)
    with place.database.writing() as connection:
        dark = Blackout(name="Moving house", from_at=MORNING, to_at=MORNING + timedelta(hours=25))
        blackouts.add(connection, 1, dark, None, place.clock())
    assert "lies in the blackout Moving house: it will not run" in ask(job, "2026-11-24T09:00")
    tick(place, MORNING)
    tick(place, MORNING + DAY)
    page = ask(job, "2026-11-25T09:00")
    assert "the blackout Moving house held from 2026-11-24 09:00 to 2026-11-25 09:00 (2 runs did not happen)" in page
    with place.database.writing() as connection:
        cron_job_pauses.suspend(connection, job, "the boat is on land", place.clock())
    place.clock.advance(3 * DAY)
    assert "the CronJob is paused (the boat is on land)" in ask(job, "2026-11-27T09:00")
    with place.database.writing() as connection:
        cron_job_pauses.resume(connection, job, place.clock())
    page = ask(job, "2026-11-27T09:00")
    assert "the CronJob was paused from 2026-11-26 09:00 to 2026-11-28 09:00 (3 runs did not happen)" in page


def test_what_is_no_moment_names_those_beside_it(place: Place, function: Function, ask: Ask) -> None:
    job = make(place, function)
    tick(place, MORNING)
    page = ask(job, "2026-11-24T08:59")
    assert "It is no moment of the schedule as it is now." in page and "was changed" not in page
    assert "Mon 23 Nov 2026, 09:00</a> and " in page and "/why?at=2026-11-24+09:00" in page.replace("%3A", ":")
    assert "It is to come: the CronJob is due then." in ask(job, "2026-11-30T09:00")
    assert "It is no moment" in ask(job, "2026-11-30T09:01")
    assert "was made later: at that time there was none" in ask(job, "2026-11-20T09:00")
    assert "It is due, and the scheduler has not come to it yet." in _later(place, ask, job)


def _later(place: Place, ask: Ask, job: CronJob) -> str:
    place.clock.advance(DAY + timedelta(minutes=2))
    return ask(job, "2026-11-25T09:00")


def test_an_edit_since_then_is_told(place: Place, function: Function, ask: Ask) -> None:
    job = make(place, function)
    place.clock.advance(timedelta(days=1, hours=6))
    with place.database.writing() as connection:
        wanted = cron_jobs.CronJobFields(
            function_id=function.id, name=job.name, expression="0 10 * * *", timezone=job.timezone
        )
        cron_job_changes.save(connection, job, wanted, place.clock())
    page = ask(job, "2026-11-24T10:00")
    assert "It was no moment of the schedule as it was then: At 09:00 every day in Europe/Berlin." in page
    assert "The schedule was edited since." in page and "Tue 24 Nov 2026, 09:00</a> and Wed 25 Nov 2026, 09:00" in (
        re.sub(r"<a [^>]*>", "", page)
    )
    assert "It is due and waits." in ask(job, "2026-11-24T09:00"), "the edit gave what was due its verdict"
    with place.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM audit")
    assert "changed since it was made (once, pauses counted)" in ask(job, "2026-11-24T08:00")
    assert "There is no record of it. The CronJob was changed since" in ask(job, "2026-11-24T10:00")


def test_a_time_that_came_twice_has_two_answers_and_one_that_never_was_none(
    place: Place, function: Function, ask: Ask, logged_in: LogIn
) -> None:
    job = make(place, function)
    assert ask(job, "2027-10-31T02:30").count('aria-label="Answer"') == 2
    refused = logged_in("viewer").get(f"/cronjobs/{job.id}/why?at=2027-03-28T02:30")
    assert refused.status_code == 422 and "does not exist in Europe/Berlin" in refused.text
    assert logged_in("viewer").get(f"/cronjobs/{job.id}/why?at=<b>").status_code == 422
    assert "Why did it not run at" in logged_in("viewer").get(f"/cronjobs/{job.id}").text
