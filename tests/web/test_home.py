"""The first page: first steps, numbers, what runs, what comes, what failed."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from hexasched.config import Mail
from hexasched.store import workspaces
from hexasched.store.functions import Function
from tests.web import rows
from tests.web.browser import Browser
from tests.web.conftest import Place
from tools.plant import plant

LogIn = Callable[[str], Browser]


@pytest.fixture
def function(place: Place, people: dict[str, int]) -> Function:
    with place.database.writing() as connection:
        workspace = workspaces.first_workspace(connection)
        assert workspace
        return rows.live_function(connection, workspace.id, "daily-summary-email", place.clock())


def test_the_first_steps_are_ticked_off_and_go_away(place: Place, people: dict[str, int], logged_in: LogIn) -> None:
    def done(app_mail: Mail) -> int | None:
        owner = Browser(place.app(mail=app_mail))
        owner.log_in("owner@example.org")
        page = owner.get("/").text
        return page.count("(done)") if "First steps" in page else None

    ready = Mail(host="smtp.example.org")
    assert done(Mail()) == 1
    assert done(ready) == 2
    with place.database.writing() as connection:
        function = rows.live_function(connection, 1, "daily-summary-email", place.clock())
    assert done(ready) == 3
    with place.database.writing() as connection:
        rows.cron_job(connection, function, place.clock())
    assert done(Mail()) == 3
    assert done(ready) is None


def numbers(browser: Browser) -> list[str]:
    return re.findall(r'class="number[^"]*"[^>]*><b>([^<]+)</b>', browser.get("/").text)


def test_the_numbers_are_those_of_the_workspaces_day(place: Place, function: Function, logged_in: LogIn) -> None:
    owner = logged_in("owner")
    assert numbers(owner) == ["0", "0", "–"]
    # Midnight in Berlin is 23:00 UTC.
    with place.database.writing() as connection:
        rows.ended_run(connection, function, datetime(2026, 11, 22, 22, 58, tzinfo=UTC), rows.ERROR)
        rows.ended_run(connection, function, datetime(2026, 11, 22, 23, 1, tzinfo=UTC), rows.OK)
        rows.ended_run(connection, function, datetime(2026, 11, 23, 7, 0, tzinfo=UTC), rows.ERROR)
    assert numbers(owner) == ["2", "1", "33.3 %"]
    assert numbers(logged_in("outsider")) == []


def test_almost_all_is_not_all(place: Place, function: Function, logged_in: LogIn) -> None:
    with place.database.writing() as connection:
        rows.ended_run(connection, function, place.clock(), rows.ERROR)
        rows.repeat_run(connection, rows.ended_run(connection, function, place.clock()), 1999)
    assert numbers(logged_in("viewer"))[2] == "99.9 %"


def test_it_shows_what_runs_what_comes_and_what_failed(place: Place, function: Function, logged_in: LogIn) -> None:
    with place.database.writing() as connection:
        rows.cron_job(connection, function, place.clock(), expression="*/10 * * * *", name="often")
        rows.cron_job(connection, function, place.clock(), expression="0 0 1 1 *", name="yearly")
        rows.ended_run(connection, function, place.clock() - timedelta(hours=1), rows.ENV_MISSING)
        rows.queued_run(connection, function, place.clock())
    page = unescape(logged_in("developer").get("/").text)
    assert "often" in page and "Every 10 minutes" in page and "144 runs" in page and "in 10 min" in page
    assert "yearly" not in page
    assert "SMTP_HOST is not set" in page
    assert 'aria-label="Cancel run 2"' in page
    assert 'aria-label="Cancel run 2"' not in logged_in("viewer").get("/").text


def test_the_numbers_end_where_more_would_tell_nothing(place: Place, people: dict[str, int], logged_in: LogIn) -> None:
    plant(place.database, runs=10_200, cron_jobs=5, now=place.clock(), back=timedelta(days=5))
    page = logged_in("viewer").get("/").text
    assert "of the last 10,000 runs succeeded" in page and "succeeded in 7 days" not in page
    assert "+" not in numbers(logged_in("viewer"))[0]  # since midnight there were fewer
