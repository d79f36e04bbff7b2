"""Two schedules that fail every minute until somebody mends them: one by its code, one by what its CronJob sends."""

from dataclasses import dataclass

from playwright.sync_api import Page

from tests.story.steps import create_cron_job, create_function

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
