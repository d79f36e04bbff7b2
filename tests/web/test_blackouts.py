"""Blackouts in the dashboard: made, refused, deleted, and seen where they concern a CronJob."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from hexasched.domain.ticks import Blackout
from hexasched.store import blackouts
from hexasched.store.cron_jobs import CronJob
from tests.web import rows
from tests.web.browser import Browser
from tests.web.conftest import Place

LogIn = Callable[[str], Browser]
CHRISTMAS = {"name": "Christmas", "from": "2026-11-24T00:00", "to": "2026-11-26T00:00", "cron_job": ""}


@pytest.fixture
def job(place: Place, people: dict[str, int]) -> CronJob:
    with place.database.writing() as connection:
        return rows.cron_job(
            connection, rows.live_function(connection, 1, "daily-summary-email", place.clock()), place.clock()
        )


def kept(place: Place) -> list[tuple[int, int | None, Blackout]]:
    with place.database.reading() as connection:
        return blackouts.of_workspace(connection, 1, place.clock())


def test_a_blackout_is_made_seen_at_its_cron_jobs_and_named_in_the_history(
    place: Place, job: CronJob, logged_in: LogIn
) -> None:
    developer = logged_in("developer")
    assert developer.post("/cronjobs/blackouts", CHRISTMAS).status_code == 303
    [(_, cron_job_id, one)] = kept(place)
    assert cron_job_id is None and one.from_at == datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    listed = unescape(developer.get("/cronjobs/blackouts").text)
    assert "Thu 26 Nov 2026, 00:00" in listed and "All CronJobs" in listed
    page = unescape(logged_in("viewer").get(f"/cronjobs/{job.id}").text)
    assert "Christmas" in page and page.count("in blackout Christmas</span>") == 2
    for day in (24, 25, 26):
        with place.database.writing() as connection:
            rows.tick(connection, datetime(2026, 11, day, 8, 0, tzinfo=UTC))
    place.clock.advance(timedelta(days=4))
    page = unescape(logged_in("viewer").get(f"/cronjobs/{job.id}").text)
    assert '<b class="break">Christmas</b>' in page and "2 runs did not happen" in page
    assert "No blackouts" in developer.get("/cronjobs/blackouts").text


def test_it_holds_for_one_cron_job_if_so_chosen_and_can_be_deleted(
    place: Place, job: CronJob, logged_in: LogIn
) -> None:
    developer = logged_in("developer")
    developer.post("/cronjobs/blackouts", {**CHRISTMAS, "cron_job": str(job.id)})
    [(blackout_id, cron_job_id, _)] = kept(place)
    assert cron_job_id == job.id
    assert f'href="/cronjobs/{job.id}"' in developer.get("/cronjobs/blackouts").text
    assert developer.post(f"/cronjobs/blackouts/{blackout_id}/delete").status_code == 303
    assert kept(place) == []


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"name": " "}, "name", "Give it a name"),
        ({"name": "x" * 101}, "name", "At most 100 characters; these are 101."),
        ({"from": ""}, "from", "Write a date and a time"),
        ({"from": "soon"}, "from", "is not a date and a time"),
        ({"to": "2026-11-23T23:00"}, "to", "It ends before it begins"),
        ({"from": "2026-11-01T00:00", "to": "2026-11-23T09:00"}, "to", "It has passed in Europe/Berlin"),
        ({"from": "2027-03-28T02:30", "to": "2027-04-01T00:00"}, "from", "does not exist in Europe/Berlin"),
        ({"cron_job": "99"}, "cron_job", "There is no such CronJob"),
        ({"cron_job": "x"}, "cron_job", "There is no such CronJob"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_kept(
    place: Place, job: CronJob, logged_in: LogIn, wrong: dict[str, str], field: str, words: str
) -> None:
    answer = logged_in("developer").post("/cronjobs/blackouts", {**CHRISTMAS, **wrong})
    page = unescape(answer.text)
    assert answer.status_code == 422 and kept(place) == []
    assert words in page.partition(f'id="{field}-error"')[2][:900]
    assert 'value="2026-11-26T00:00"' in page or "to" in wrong
