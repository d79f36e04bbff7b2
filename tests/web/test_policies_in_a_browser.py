"""The policies of a CronJob in a real browser: unfolded, filled in, previewed while typing, and seen on its page."""

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, Route, expect

from tests.web import rows
from tests.web.browser import PASSWORD
from tests.web.conftest import Place

pytestmark = pytest.mark.browser


def test_policies_are_filled_in_and_previewed(
    place: Place, people: dict[str, int], page: Page, serving: Callable[[Flask], str]
) -> None:
    with place.database.writing() as connection:
        rows.live_function(connection, 1, "daily-summary-email", place.clock())
    address = serving(place.app())
    page.goto(f"{address}/login?next=/cronjobs/new?function=daily-summary-email")
    page.get_by_label("Email").fill("developer@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Daily 09:00").click()
    page.get_by_text("Policies", exact=True).click()
    page.get_by_label("Starts at").fill("2026-12-05T09:00")
    expect(page.locator("#preview")).to_contain_text("Sat 5 Dec 2026, 09:00")
    expect(page.locator("#preview")).not_to_contain_text("Nov")
    page.get_by_label("Spread in seconds").fill("300")
    expect(page.locator("#preview")).to_contain_text("Each run starts up to 300 s later")
    page.get_by_label("Attempts").fill("3")
    for reason in ("The process ends itself", "It runs out of memory"):
        page.get_by_label(reason).uncheck()
    page.get_by_role("button", name="Create CronJob").last.click()
    expect(page.get_by_text("Next execution: Sat 5 Dec 2026, 09:00")).to_be_visible()
    expect(page.get_by_text("A run that fails is tried up to 3 times")).to_be_visible()
    expect(page.get_by_text("the process ends itself")).to_have_count(0)


def test_the_preview_follows_what_was_typed_before_the_script_came(
    place: Place, people: dict[str, int], page: Page, serving: Callable[[Flask], str]
) -> None:
    with place.database.writing() as connection:
        rows.live_function(connection, 1, "daily-summary-email", place.clock())
    address = serving(place.app())
    page.goto(f"{address}/login")
    page.get_by_label("Email").fill("developer@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{address}/")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/static/app*.js", hold)
    page.goto(f"{address}/cronjobs/new?function=daily-summary-email", wait_until="commit")
    page.get_by_label("Schedule", exact=True).fill("30 7 * * *")
    expect(page.locator("#preview")).to_contain_text("Write a schedule")
    held.pop().continue_()
    expect(page.locator("#preview")).to_contain_text("At 07:30 every day")
