"""The other ways that the story takes: what goes wrong is explained on the spot, and mended from there."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.processes.service import PASSWORD
from tests.smtp import text_of
from tests.story.conftest import Place
from tests.story.neighbours import API_KEY
from tests.story.people import OWNER, logged_in
from tests.story.schedules_that_fail import Mended
from tests.story.steps import (
    add_packages,
    begin_cron_job,
    create_function,
    deploy,
    line_of_the_cursor,
    open_function,
    open_section,
    result,
    run_now,
    set_variables,
    status,
)

pytestmark = pytest.mark.browser

SERVES = 'export default async () => "the first version";\n'
SYNTAX_ERROR = """\
export default async () => {
  const items = [1, 2;
  return items;
};
"""
WANTS_A_PACKAGE = """\
// how long two days are
import ms from "ms";

export default async () => ms("2 days");
"""
ASKS_WITH_A_KEY = """\
export default async (event) => {
  const answer = await fetch(event.payload.url, {
    method: "POST",
    headers: { Authorization: `Bearer ${process.env.MAIL_API_KEY}` },
    body: JSON.stringify({ subject: "A key" }),
  });
  if (!answer.ok) throw new Error(`the mail API answered ${answer.status}`);
  return await answer.json();
};
"""


def test_a_scheduled_failure_is_mailed_without_any_setting(mended: Mended) -> None:
    for mail in (mended.alert_by_code, mended.alert_by_payload):
        assert mail["To"] == OWNER
        assert "Europe/Berlin" in text_of(mail)
    assert "at index.js:4" in text_of(mended.alert_by_code)
    assert "| counting the rows" in text_of(mended.alert_by_code)
    assert "at index.js:2" in text_of(mended.alert_by_payload)


def test_a_deploy_that_fails_says_where_and_the_old_version_serves(office: Place) -> None:
    with logged_in(office.chromium, office.service) as page:
        create_function(page, "two-days", SERVES)
        read_the_log_of_a_syntax_error(page)
        the_first_version_still_answers(page)
        read_the_log_of_a_missing_package(page)
        the_first_version_still_answers(page)
        add_the_package(page)
        open_function(page, "two-days")
        run_now(page)
        expect(status(page)).to_contain_text("Succeeded")
        expect(result(page)).to_have_text("172800000")


def read_the_log_of_a_syntax_error(page: Page) -> None:
    """File, line, column, the line itself with a caret, and the way to it."""
    open_function(page, "two-days")
    deploy(page, SYNTAX_ERROR)
    expect(page.get_by_role("alert")).to_contain_text("Deploy failed at “Check syntax”")
    expect(page.get_by_role("alert")).to_contain_text("Version 1 is still serving.")
    expect(page.get_by_text("index.js:2:22", exact=True)).to_be_visible()
    expect(page.get_by_label("The line of the error")).to_contain_text("const items = [1, 2;")
    page.get_by_role("link", name="Open in editor at line 2").click()
    expect(line_of_the_cursor(page)).to_have_text("  const items = [1, 2;")


def the_first_version_still_answers(page: Page) -> None:
    open_function(page, "two-days")
    run_now(page)
    expect(status(page)).to_contain_text("Succeeded")
    expect(result(page)).to_have_text('"the first version"')


def read_the_log_of_a_missing_package(page: Page) -> None:
    open_function(page, "two-days")
    deploy(page, WANTS_A_PACKAGE)
    expect(page.get_by_role("alert")).to_contain_text("Version 1 is still serving.")
    stages = page.get_by_role("list").filter(has_text="Check syntax")
    expect(stages).to_contain_text("ms")
    expect(page.get_by_text(re.compile(r"^index\.js:2"))).to_be_visible()
    expect(page.get_by_text("printed nothing")).to_have_count(0)
    expect(page.get_by_label("The line of the error")).to_contain_text('import ms from "ms";')


def add_the_package(page: Page) -> None:
    open_function(page, "two-days")
    add_packages(page, '{"ms": "^2.1.3"}')
    page.get_by_role("button", name="Deploy").click()
    expect(page.get_by_text("Function two-days deployed as version 4")).to_be_visible()


def test_a_variable_that_is_missing_or_wrong_is_named(office: Place) -> None:
    with logged_in(office.chromium, office.service) as page:
        create_function(page, "asks-with-a-key", ASKS_WITH_A_KEY)
        open_function(page, "asks-with-a-key")
        run_now(page, json.dumps({"url": f"http://127.0.0.1:{office.neighbour.server_port}/send"}))
        failed = page.url
        expect(status(page)).to_contain_text("Failed")
        expect(page.get_by_role("alert")).to_contain_text("MAIL_API_KEY is not set.")
        add_the_key(page)
        run_again(page, failed, "Succeeded")
        change_the_key(page, "a wrong key")
        run_again(page, failed, "Failed")
        read_what_a_wrong_key_leads_to(page)
        change_the_key(page, API_KEY)
        run_again(page, failed, "Succeeded")
        assert office.neighbour.refused == ["Bearer undefined", "Bearer a wrong key"]


def add_the_key(page: Page) -> None:
    """Type it where the link leads and the cursor is put."""
    page.get_by_role("link", name="Add it").click()
    expect(page.get_by_role("group", name="Variable MAIL_API_KEY").get_by_label("Value")).to_be_focused()
    page.keyboard.type(API_KEY)
    save_the_environment(page)


def save_the_environment(page: Page) -> None:
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="no redeploy is needed")).to_be_visible()


def run_again(page: Page, address: str, ending: str) -> None:
    """The run at `address` once more."""
    page.goto(address)
    page.get_by_role("button", name="Run again").click()
    page.wait_for_url(lambda url: "/runs/" in url and url != address)
    expect(status(page)).to_contain_text(ending)


def read_what_a_wrong_key_leads_to(page: Page) -> None:
    """The error, and which variables were read; no value of them."""
    expect(page.get_by_role("alert")).to_contain_text("the mail API answered 401")
    expect(page.get_by_role("alert")).to_contain_text("It had read the variable MAIL_API_KEY.")
    expect(page.get_by_role("alert")).not_to_contain_text("is not set")
    assert "a wrong key" not in page.content()


def change_the_key(page: Page, key: str) -> None:
    open_function(page, "asks-with-a-key")
    page.get_by_role("link", name="Environment").click()
    set_variables(page, {"MAIL_API_KEY": key})
    save_the_environment(page)


def test_an_invalid_schedule_is_explained_while_it_is_typed(office: Place) -> None:
    with logged_in(office.chromium, office.service, refusals={422}) as page:
        create_function(page, "scheduled-wrongly", SERVES)
        begin_cron_job(page, "scheduled-wrongly", "0 25 * * *")
        preview = page.get_by_role("complementary", name="Preview")
        explains_the_hour(page, "Preview")
        page.get_by_role("button", name="Create CronJob").click()
        expect(page.get_by_label("Schedule", exact=True)).to_have_value("0 25 * * *")
        expect(page.locator("#expression-error")).to_contain_text("Hour must be 0–23; you wrote 25.")
        page.get_by_label("Schedule", exact=True).fill("0 23 * * *")
        expect(preview).to_contain_text("At 23:00 every day")
        page.get_by_role("button", name="Create CronJob").click()
        expect(page.get_by_text("CronJob created. Next execution:")).to_be_visible()


def explains_the_hour(page: Page, place: str) -> None:
    """The field, what was written, what is allowed."""
    preview = page.get_by_role("complementary", name=place)
    expect(preview).to_contain_text("Hour must be 0–23; you wrote 25.")
    expect(preview.locator("dd")).to_have_text(["25", "0–23"])


@pytest.mark.usefixtures("failing_schedules")
def test_an_invalid_schedule_is_explained_without_scripts(office: Place) -> None:
    with logged_in(office.chromium, office.service, scripts=False, refusals={422}) as page:
        open_section(page, "CronJobs")
        page.get_by_role("link", name="Create New CronJob").click()
        page.get_by_label("Function").select_option("sends-report")
        page.get_by_label("Schedule", exact=True).fill("0 25 * * *")
        page.get_by_role("button", name="Preview").click()
        explains_the_hour(page, "Preview")
        page.get_by_role("button", name="Create CronJob").click()
        expect(page.locator("#expression-error")).to_contain_text("Hour must be 0–23; you wrote 25.")
        page.get_by_label("Schedule", exact=True).fill("0 5 1 1 *")
        page.get_by_label("Name").fill("once-a-year")
        page.get_by_role("button", name="Create CronJob").click()
        expect(page.get_by_text("CronJob created. Next execution:")).to_be_visible()


@pytest.mark.usefixtures("failing_schedules")
def test_a_viewer_sees_no_way_to_create_and_is_refused(office: Place) -> None:
    viewer = "viewer@example.org"
    office.service.cli("user", "create", "--email", viewer, "--role", "viewer", "--password-stdin", stdin=PASSWORD)
    with logged_in(office.chromium, office.service, viewer) as page:
        open_section(page, "Functions")
        expect(page.get_by_role("link", name="counts-rows")).to_be_visible()
        expect(page.get_by_text("Create New Function")).to_have_count(0)
        assert answer_to_a_new_function(page) == 403
    with logged_in(office.chromium, office.service) as page:
        assert answer_to_a_new_function(page) == 422, "the same form is understood from somebody who may"


def answer_to_a_new_function(page: Page) -> int:
    """The status for a form without a name, sent with the token of the page that is open."""
    token = page.locator("meta[name=csrf-token]").get_attribute("content")
    return page.request.post("/functions/new", form={"csrf_token": token or ""}).status
