"""People at the dashboard: each has a window of a real browser, and nothing may go wrong in it unnoticed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.processes.service import PASSWORD, Service

OWNER = "owner@example.org"
REPORT_VIOLATIONS = """addEventListener("securitypolicyviolation", (event) =>
    console.error("policy violation:", event.violatedDirective, event.blockedURI, event.sourceFile));"""
_REFUSED = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")


@contextmanager
def window(
    chromium: Browser, service: Service, *, scripts: bool = True, refusals: set[int] | None = None
) -> Iterator[Page]:
    """A window of a fresh profile, somewhere else than the service's schedules.

    At its end no script has failed, nothing was written to the console as an error and the content policy was never
    violated; `refusals` are the HTTP statuses with which the service refuses what is typed on purpose, all of which
    must have been seen.
    """
    context = chromium.new_context(
        base_url=f"http://127.0.0.1:{service.port}",
        timezone_id="America/New_York",
        viewport={"width": 1280, "height": 900},
        java_script_enabled=scripts,
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.add_init_script(REPORT_VIOLATIONS)
    page = context.new_page()
    page.set_default_timeout(30_000)
    wrong: set[str] = set()
    seen: set[int] = set()
    page.on("pageerror", lambda error: wrong.add(f"{page.url}: {error}"))
    page.on("console", lambda message: _note(message, refusals or set(), seen, wrong))
    yield page
    context.close()
    assert not wrong, "\n".join(sorted(wrong))
    assert seen == (refusals or set()), seen


def _note(message: ConsoleMessage, refusals: set[int], seen: set[int], wrong: set[str]) -> None:
    refused = _REFUSED.match(message.text)
    if refused and int(refused[1]) in refusals:
        seen.add(int(refused[1]))
    elif message.type in {"error", "warning"}:
        wrong.add(f"{message.location.get('url')}: {message.text}")


@contextmanager
def logged_in(
    chromium: Browser,
    service: Service,
    email: str = OWNER,
    *,
    scripts: bool = True,
    refusals: set[int] | None = None,
) -> Iterator[Page]:
    """The window of somebody who has logged in."""
    with window(chromium, service, scripts=scripts, refusals=refusals) as page:
        page.goto("/login")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("/")
        yield page
