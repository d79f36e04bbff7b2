"""Two schedules that fail every minute until somebody mends them: one by its code, one by what its CronJob sends."""

import re
from dataclasses import dataclass
from email.message import Message

from playwright.sync_api import Page, expect

from tests.smtp import Inbox, text_of
from tests.story.steps import create_cron_job, create_function, deploy, line_of_the_cursor, status, write_code
from tests.waiting import wait_until

EVERY_MINUTE = "* * * * *"
BROKEN = """\
export default async () => {
  const report = { rows: null };
  console.log("counting the rows");
  return `${report.rows.length} rows`;
};
"""
MENDED = BROKEN.replace("null", "[1, 2, 3]")
CHOOSY = """\
export default async (event) => {
  if (!event.payload.to) throw new Error("payload.to says nobody");
  return `sent to ${event.payload.to}`;
};
"""


@dataclass(frozen=True)
class FailingSchedules:
    """The addresses of the pages of the two CronJobs."""

    by_code: str
    by_payload: str


def begin_failing_schedules(page: Page) -> FailingSchedules:
    """Make both; nothing else is set, neither here nor about alerts."""
    create_function(page, "counts-rows", BROKEN)
    create_cron_job(page, "counts-rows", EVERY_MINUTE)
    by_code = page.url
    create_function(page, "sends-report", CHOOSY)
    create_cron_job(page, "sends-report", EVERY_MINUTE)
    return FailingSchedules(by_code, page.url)


@dataclass(frozen=True)
class Mended:
    """The alerts of the schedules that failed, and the addresses of their CronJobs."""

    alert_by_code: Message
    alert_by_payload: Message
    schedules: FailingSchedules


def mend_from_the_alerts(page: Page, inbox: Inbox, schedules: FailingSchedules) -> Mended:
    """Wait for both alerts and mend what they tell of; what comes of it is seen at the next minute."""
    by_code = _alert_about(inbox, "counts-rows failed: Cannot read properties of null (reading 'length')")
    _follow_its_link(page, by_code)
    _mend_the_code(page)
    by_payload = _alert_about(inbox, "sends-report failed: payload.to says nobody")
    _follow_its_link(page, by_payload)
    _mend_the_payload(page)
    return Mended(by_code, by_payload, schedules)


def _alert_about(inbox: Inbox, subject: str) -> Message:
    """The first mail with that subject."""

    def found() -> Message | None:
        return next((mail for mail in inbox.mails if mail["Subject"] == subject), None)

    mail = wait_until(found, deadline_s=90, what=f"the alert {subject!r}", every_s=0.2)
    assert mail is not None
    return mail


def _follow_its_link(page: Page, mail: Message) -> None:
    (address,) = re.findall(r"http://\S+/runs/\d+", text_of(mail))
    page.goto(address)
    expect(status(page)).to_contain_text("Failed")


def _mend_the_code(page: Page) -> None:
    """From the run's page to the line, and a new version."""
    expect(page.get_by_label("The line of the error")).to_contain_text("report.rows.length")
    page.get_by_role("link", name="Open in editor").click()
    expect(line_of_the_cursor(page)).to_contain_text("report.rows.length")
    deploy(page, MENDED)
    expect(page.get_by_text("Function counts-rows deployed as version 2")).to_be_visible()


def _mend_the_payload(page: Page) -> None:
    """From the run's page to its CronJob."""
    page.locator("dl.facts").get_by_role("link", name="sends-report").last.click()
    page.get_by_role("link", name="Edit").click()
    write_code(page, '{"to": "reader@example.org"}', "Payload")
    page.get_by_role("button", name="Save CronJob").click()
    expect(page.get_by_text("CronJob saved.")).to_be_visible()
