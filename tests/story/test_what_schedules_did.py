"""What became of schedules that other tests began: the last file, as their minutes have passed by now."""

import json
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.processes.service import Service
from tests.story.conftest import Place
from tests.story.on_postgresql import READER, OnPostgresql
from tests.story.people import logged_in
from tests.story.schedules_that_fail import Mended
from tests.story.steps import result
from tests.waiting import wait_until


@pytest.mark.browser
def test_what_was_mended_succeeds_at_its_next_time(office: Place, mended: Mended) -> None:
    with logged_in(office.chromium, office.service) as page:
        assert result_of_the_next_run(page, mended.schedules.by_code) == '"3 rows"'
        assert result_of_the_next_run(page, mended.schedules.by_payload) == '"sent to reader@example.org"'


def result_of_the_next_run(page: Page, cron_job: str) -> str:
    """What the schedule's first good run returned; the page shows it by itself."""
    page.goto(cron_job)
    good = page.get_by_role("table", name="History").get_by_role("row").filter(has_text="Succeeded").last
    expect(good).to_be_visible(timeout=90_000)
    expect(good).to_contain_text("Schedule")
    good.get_by_role("link").first.click()
    return result(page).inner_text()


@pytest.mark.postgres
def test_a_schedule_on_postgresql_sent_its_mail_and_is_in_the_history(on_postgresql: OnPostgresql) -> None:
    run = wait_until(lambda: scheduled_run(on_postgresql.service), deadline_s=90, what="a scheduled run", every_s=1)
    assert run is not None
    due = datetime.fromisoformat(run["scheduled_for"])
    assert (due.second, due.microsecond) == (0, 0)
    sent = [
        mail for mail in on_postgresql.inbox.mails if mail["Subject"] == f"Daily summary, {due:%Y-%m-%dT%H:%M}:00.000Z"
    ]
    assert [mail["To"] for mail in sent] == [READER]


def scheduled_run(service: Service) -> dict[str, Any] | None:
    """A run of the schedule in the history that succeeded."""
    runs = json.loads(service.cli("run", "list", "--function", "summary", "--json").stdout)
    return next((run for run in runs if (run["trigger"], run["status"]) == ("cron", "succeeded")), None)
