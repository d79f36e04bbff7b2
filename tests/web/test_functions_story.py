"""The story of a function from the form to its run, with the real service and a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

from tests.processes.service import PASSWORD, Service, running

pytestmark = pytest.mark.browser

BUILD_MS = 60_000
CODE = """\
export default async (event) => {
  console.log("to", process.env.MAIL_TO);
  return { greeting: event.payload.greeting };
};
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with an owner."""
    with running(tmp_path_factory.mktemp("story")) as service:
        service.create_owner()
        yield service


def _log_in(page: Page, service: Service) -> None:
    page.goto(f"http://127.0.0.1:{service.port}/login")
    page.get_by_label("Email").fill("owner@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Functions").click()


def _type_code(page: Page, code: str) -> None:
    """Put `code` into the editor as a person who pastes it does: once it is there."""
    expect(page.locator('textarea[name="source"] + .cm-editor')).to_be_visible()
    page.locator('textarea[name="source"]').evaluate(
        "(field, text) => field.dispatchEvent(new CustomEvent('replace-text', { detail: text }))", code
    )


def test_a_person_writes_deploys_mends_and_runs_a_function(service: Service, page: Page) -> None:
    page.set_default_timeout(15_000)
    _log_in(page, service)
    page.get_by_role("link", name="Create New Function").click()
    page.get_by_label("Name", exact=True).first.fill("daily-summary-email")

    _type_code(page, CODE.replace("event.payload.greeting }", "event.payload.greeting"))
    expect(page.locator(".cm-lint-marker-error")).to_be_visible(timeout=BUILD_MS)
    _type_code(page, CODE)
    expect(page.locator(".cm-lint-marker-error")).to_have_count(0, timeout=BUILD_MS)
    expect(page.locator(".env-suggested [data-env-name]")).to_have_value("MAIL_TO")

    _type_code(page, CODE + "throw new Error('not today');\n")
    page.get_by_role("button", name="Create Function").click()
    expect(page.get_by_text("Deploy failed at “Load module”")).to_be_visible(timeout=BUILD_MS)
    expect(page.get_by_text("not today", exact=True)).to_be_visible()
    expect(page.get_by_text("The function has no version that could run yet.")).to_be_visible()

    page.get_by_role("link", name="Open in editor at line 5").click()
    expect(page.locator(".cm-activeLineGutter", has_text="5")).to_be_visible()
    _type_code(page, CODE)
    page.get_by_role("button", name="Deploy").click()
    expect(page.get_by_text("Function daily-summary-email deployed as version 2")).to_be_visible(timeout=BUILD_MS)
    expect(page.get_by_text("Version 2 is live")).to_be_visible()
    expect(page.get_by_text("MAIL_TO is read on line 2 but not set.")).to_be_visible()

    page.get_by_role("link", name="Add it").click()
    expect(page.get_by_label("Value").first).to_be_focused()
    page.keyboard.type("team@example.org")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("no redeploy is needed").first).to_be_visible()
    expect(page.get_by_role("link", name="line 2")).to_be_visible()

    page.get_by_role("link", name="Code").click()
    page.get_by_label("Payload").last.fill('{"greeting": "Good morning"}')
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_text("Succeeded").first).to_be_visible(timeout=BUILD_MS)
    expect(page.get_by_text("to team@example.org").first).to_be_visible()
    expect(page.get_by_text('"greeting": "Good morning"').first).to_be_visible()


def test_the_same_works_without_scripts(service: Service, chromium: Chromium) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(15_000)
    _log_in(page, service)
    page.get_by_role("link", name="Create New Function").click()
    page.get_by_label("Name", exact=True).first.fill("Without Scripts")
    page.get_by_label("Code").fill(CODE)
    page.locator('[name="env-4-name"]').fill("MAIL_TO")
    page.locator('[name="env-4-value"]').fill("team@example.org")
    page.get_by_role("button", name="Create Function").click()
    expect(page.get_by_text("A name has small letters")).to_be_visible()
    expect(page.locator('[name="env-0-value"]')).to_have_value("team@example.org")
    page.get_by_label("Name", exact=True).first.fill("without-scripts")
    page.get_by_role("button", name="Create Function").click()
    expect(page.get_by_text("Function without-scripts deployed as version 1")).to_be_visible(timeout=BUILD_MS)

    page.get_by_role("link", name="Code").click()
    page.get_by_label("Code").fill("export default () => 'a draft';\n")
    page.get_by_role("button", name="Test run").click()
    expect(page.get_by_text("Succeeded").first).to_be_visible(timeout=BUILD_MS)
    page.goto(f"http://127.0.0.1:{service.port}/functions/without-scripts")
    expect(page.get_by_text("This is your draft")).to_be_visible()
    expect(page.get_by_label("Code")).to_have_value("export default () => 'a draft';\n")
    context.close()
