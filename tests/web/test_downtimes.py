"""Downtimes on the dashboard: the banner, what was missed, making up for it; and backfills of a span."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape

import pytest
from sqlalchemy import insert, select

from hexasched.domain.gaps import Gap
from hexasched.store import cron_job_changes, cron_jobs, downtimes, history
from hexasched.store import tables as t
from hexasched.store.cron_jobs import CronJob
from hexasched.store.history import Filter
from hexasched.store.run_rows import RunRow
from tests.web import rows
from tests.web.browser import Browser
from tests.web.conftest import Place

LogIn = Callable[[str], Browser]
HOURS_DOWN = 5


@pytest.fixture
def job(place: Place, people: dict[str, int]) -> CronJob:
    """An hourly CronJob of which three moments were missed and one was made up for, by a server that was down."""
    now = place.clock()
    with place.database.writing() as connection:
        function = rows.live_function(connection, 1, "hello", now)
        made = rows.cron_job(connection, function, now, expression="0 * * * *", name="hourly")
        place.clock.advance(timedelta(hours=HOURS_DOWN - 1, minutes=2))
        rows.tick(connection, place.clock())
        downtimes.add(connection, Gap(kind="stopped", from_at=now, to_at=place.clock()), place.clock())
    return made


def runs_of(place: Place, job: CronJob) -> list[RunRow]:
    with place.database.reading() as connection:
        return history.history(connection, 1, Filter(cron_job_id=job.id))


def jump(place: Place, kind: str, at: datetime, size: timedelta) -> None:
    with place.database.writing() as connection:
        downtimes.add(connection, Gap(kind=kind, from_at=at - size, to_at=at), at)


def test_home_tells_of_a_downtime_until_somebody_has_seen_it(job: CronJob, logged_in: LogIn) -> None:
    developer, viewer = logged_in("developer"), logged_in("viewer")
    assert "Nothing could start for 4 h 2 min" in developer.get("/").text
    assert "Nothing could start" not in viewer.get("/").text
    assert developer.post("/downtimes/1/seen").location == "/downtimes"
    assert "Nothing could start" not in developer.get("/").text
    assert "Nothing could start" in developer.get("/downtimes").text
    assert developer.post("/downtimes/77/seen").status_code == 404


def test_what_was_skipped_because_a_run_had_not_ended_is_told_too(place: Place, job: CronJob, logged_in: LogIn) -> None:
    assert "Skipped: overlap" not in logged_in("developer").get("/downtimes").text
    with place.database.writing() as connection:
        missed = connection.execute(select(t.runs).where(t.runs.c.status == "missed").limit(1)).one()._asdict()
        later = {"id": None, "scheduled_for": missed["scheduled_for"] + timedelta(minutes=1), "occurrence_id": None}
        connection.execute(insert(t.runs).values(missed | later | {"status": "skipped", "reason": "overlap"}))
    page = logged_in("developer").get("/downtimes").text
    assert re.findall(r'data-label="(Missed|Skipped: overlap)">(\d+)', page) == [
        ("Missed", "3"),
        ("Skipped: overlap", "1"),
    ]


def test_what_was_missed_is_named_and_can_be_made_up_for_once(place: Place, job: CronJob, logged_in: LogIn) -> None:
    developer = logged_in("developer")
    page = unescape(developer.get("/downtimes").text)
    assert "hourly" in page and "Run now what was missed" in page and "the newest one within 24 hours" in page
    before = runs_of(place, job)
    assert sorted(run.status for run in before) == ["missed", "missed", "missed", "queued"]
    missed = max(run.scheduled_for for run in before if run.status == "missed" and run.scheduled_for)
    first = developer.post(f"/downtimes/1/run/{job.id}")
    made = runs_of(place, job)[0]
    assert (made.trigger, made.scheduled_for, made.attempt) == ("backfill", missed, 2)
    assert first.location == f"/runs/{made.id}"
    assert developer.post(f"/downtimes/1/run/{job.id}").location == "/downtimes"
    assert len(runs_of(place, job)) == len(before) + 1
    page = developer.get("/downtimes").text
    assert f"run {made.id}" in page and "Run now what was missed" not in page


@pytest.mark.parametrize(("kind", "word"), [("clock_back", "set back"), ("clock_forward", "set forward")])
def test_a_jump_of_the_clock_is_on_every_page_for_a_day(place: Place, logged_in: LogIn, kind: str, word: str) -> None:
    owner = logged_in("owner")
    jump(place, kind, place.clock(), timedelta(hours=2))
    assert f"clock was {word} by 2 h 0 min" in owner.get("/runs").text
    assert "/downtimes" in owner.get("/runs").text
    assert word in owner.get("/downtimes").text
    place.clock.advance(timedelta(hours=24, seconds=1))
    assert f"clock was {word}" not in owner.get("/runs").text


def test_a_span_is_shown_with_verdicts_before_anything_is_queued(place: Place, job: CronJob, logged_in: LogIn) -> None:
    developer = logged_in("developer")
    here = f"/cronjobs/{job.id}/backfill"
    span = {"from": "2026-11-23 07:00", "to": "2026-11-23T12:30"}  # Berlin: 06:00 to 11:30 UTC
    page = developer.get(f"{here}?from={span['from']}&to={span['to']}").text
    assert page.count("no record: would run") == 3 and page.count("missed (server down): would run") == 3
    assert len(runs_of(place, job)) == 4
    nothing = developer.post(here, span)
    assert nothing.status_code == 303 and len(runs_of(place, job)) == 4
    chosen = ["2026-11-23T06:00:00+00:00", "2026-11-23T09:00:00+00:00", "2031-01-01T00:00:00+00:00"]
    for _ in range(2):
        developer.post(here, {**span, "moment": chosen})
    made = [run for run in runs_of(place, job) if run.trigger == "backfill"]
    assert sorted(run.scheduled_for.isoformat() for run in made if run.scheduled_for) == chosen[:2]
    assert "waits, run" in developer.get(f"{here}?from={span['from']}&to={span['to']}").text


@pytest.mark.parametrize(
    ("begin", "end", "field"),
    [
        ("", "2026-11-23 09:00", "from"),
        ("2026-03-29 02:30", "2026-11-23 09:00", "from"),
        ("2026-11-23 09:00", "soon", "to"),
        ("2026-11-23 09:00", "2026-11-23 08:00", "to"),
        ("2026-01-01 00:00", "2026-11-23 08:00", "to"),
    ],
)
def test_a_wrong_span_is_refused_at_its_field(job: CronJob, logged_in: LogIn, begin: str, end: str, field: str) -> None:
    answer = logged_in("developer").get(f"/cronjobs/{job.id}/backfill?from={begin}&to={end}")
    assert answer.status_code == 422 and f'id="{field}-error"' in answer.text


def test_a_deleted_cron_job_is_left_out(place: Place, job: CronJob, logged_in: LogIn) -> None:
    with place.database.writing() as connection:
        current = cron_jobs.by_id(connection, 1, job.id)
        assert current
        cron_job_changes.remove(connection, current, place.clock())
    assert "No CronJob was due." in logged_in("developer").get("/downtimes").text
