"""The story from an empty service to a mail that a schedule really sent, in a real browser and in one walk."""

import re
from datetime import UTC, datetime, timedelta
from importlib import resources
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.processes.service import PASSWORD, Service
from tests.smtp import text_of
from tests.story.conftest import Place
from tests.story.neighbours import API_KEY
from tests.story.people import OWNER, window
from tests.story.steps import (
    add_packages,
    begin_cron_job,
    begin_function,
    create_function,
    log_lines,
    open_function,
    open_section,
    result,
    run_now,
    set_variables,
    status,
    write_code,
)
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

BERLIN = ZoneInfo("Europe/Berlin")
READER = "reader@example.org"
POSTS_A_MAIL = """\
export default async (event) => {
  const answer = await fetch(process.env.MAIL_API_URL, {
    method: "POST",
    headers: { Authorization: `Bearer ${process.env.MAIL_API_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify({ to: "reader@example.org", subject: event.payload.subject }),
  });
  if (!answer.ok) throw new Error(`the mail API answered ${answer.status}`);
  return await answer.json();
};
"""


def test_it_goes_from_an_empty_service_to_a_mail_that_a_schedule_sent(empty_place: Place) -> None:
    with window(empty_place.chromium, empty_place.service) as page:
        set_up_the_first_account(page, empty_place.service)
        create_the_summary(page, empty_place.inbox.port)
        schedule_it_for_nine(page)
        due = move_it_two_minutes_ahead(page)
        let_a_function_use_the_mail_api(page, empty_place)
        mails = empty_place.inbox.mails
        wait_until(lambda: mails, deadline_s=150, what=f"the mail that is due at {due}", every_s=0.2)
        (mail,) = mails
        assert datetime.now(UTC) >= due
        assert (mail["To"], mail["Subject"]) == (READER, f"Daily summary, {due:%Y-%m-%dT%H:%M:%S}.000Z")
        assert text_of(mail).startswith("Guten Morgen!")
        read_the_run_in_the_history(page, due)


def set_up_the_first_account(page: Page, service: Service) -> None:
    """With the code that the server printed."""
    found = wait_until(lambda: re.search(r"Setup code: (\S+)", service.log()), deadline_s=10, what="the setup code")
    assert found is not None
    code = found[1]
    page.goto("/")
    page.get_by_label("Setup code").fill(code)
    page.get_by_label("Email").fill(OWNER)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.get_by_role("button", name="Create Account").click()
    expect(page.get_by_text("The workspace My workspace is ready.")).to_be_visible()


def create_the_summary(page: Page, smtp_port: int) -> None:
    """Name, code, packages and variables; then it is deployed with its package really installed."""
    begin_function(page, "daily-summary-email", resources.files("hexasched.cli").joinpath("sample.mjs").read_text())
    missing = page.get_by_text("is not in Packages")
    expect(missing).to_be_visible()
    add_packages(page, '{"nodemailer": "^7.0.0"}')
    expect(missing).not_to_be_visible()
    set_variables(page, {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(smtp_port), "MAIL_TO": READER})
    page.get_by_role("button", name="Create Function").click()
    expect(page.get_by_text("Function daily-summary-email deployed as version 1")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Version 1 is live")).to_be_visible()
    page.get_by_text("package-lock.json").click()
    expect(page.get_by_text("node_modules/nodemailer")).to_be_visible()


def schedule_it_for_nine(page: Page) -> None:
    """Every day at 09:00; the message says when that is next, and who hears of failures."""
    begin_cron_job(page, "daily-summary-email", "0 9 * * *")
    preview = page.get_by_role("complementary", name="Preview")
    expect(preview.get_by_text("Next runs in Europe/Berlin")).to_be_visible()
    before = next_nine()
    page.get_by_role("button", name="Create CronJob").click()
    message = page.get_by_role("status").filter(has_text="CronJob created.")
    expect(message).to_contain_text(f"Failure alerts go to {OWNER}.")
    assert any(f"Next execution: {moment} Europe/Berlin" in message.inner_text() for moment in (before, next_nine()))


def next_nine() -> str:
    """The next 09:00 in Berlin as the pages write it."""
    now = datetime.now(BERLIN)
    nine = now.replace(hour=9, minute=0, second=0, microsecond=0)
    return written(nine if nine > now else nine + timedelta(days=1))


def written(moment: datetime) -> str:
    return f"{moment:%a} {moment.day} {moment:%b %Y}, {moment:%H:%M}"


def move_it_two_minutes_ahead(page: Page) -> datetime:
    """A daily time that comes soon; returns it in UTC."""
    due = (datetime.now(UTC) + timedelta(minutes=2)).replace(second=0, microsecond=0)
    local = due.astimezone(BERLIN)
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Schedule", exact=True).fill(f"{local.minute} {local.hour} * * *")
    write_code(page, '{"greeting": "Guten Morgen"}', "Payload")
    page.get_by_role("button", name="Save CronJob").click()
    expect(page.get_by_text(f"CronJob saved. Next execution: {written(local)} Europe/Berlin")).to_be_visible()
    return due


def let_a_function_use_the_mail_api(page: Page, place: Place) -> None:
    """A second function posts to an HTTP API with a key from its environment."""
    url = f"http://127.0.0.1:{place.neighbour.server_port}/send"
    create_function(page, "post-a-mail", POSTS_A_MAIL, {"MAIL_API_URL": url, "MAIL_API_KEY": API_KEY})
    open_function(page, "post-a-mail")
    run_now(page, '{"subject": "From a key"}')
    expect(status(page)).to_contain_text("Succeeded")
    expect(result(page)).to_contain_text('"queued": true')
    assert place.neighbour.accepted == [{"to": READER, "subject": "From a key"}]
    assert place.neighbour.refused == []
    assert API_KEY not in page.content()


def read_the_run_in_the_history(page: Page, due: datetime) -> None:
    """The run is among the CronJob's, with its times and its log."""
    open_section(page, "CronJobs")
    page.get_by_role("link", name="daily-summary-email", exact=True).first.click()
    row = page.get_by_role("table", name="History").get_by_role("row").filter(has_text="Schedule")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Succeeded")
    row.get_by_role("link").first.click()
    expect(status(page)).to_contain_text("Succeeded")
    expect(page.get_by_text(f"{written(due.astimezone(BERLIN))} Europe/Berlin")).to_be_visible()
    expect(log_lines(page).first).to_have_text(f"Sending the summary of {due:%Y-%m-%dT%H:%M:%S}.000Z to {READER}")
    expect(result(page)).to_contain_text(READER)
