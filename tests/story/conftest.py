"""A real browser, and a place: a service of its own with a mail server and an HTTP neighbour on loopback."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.processes.service import Service, running
from tests.smtp import Inbox, smtp_server
from tests.story.neighbours import Neighbour, neighbours
from tests.story.on_postgresql import OnPostgresql, begun_on_postgresql
from tests.story.people import logged_in
from tests.story.schedules_that_fail import FailingSchedules, Mended, begin_failing_schedules, mend_from_the_alerts


@dataclass(frozen=True)
class Place:
    """`inbox` gets the service's alerts and what functions mail; functions reach it and `neighbour`, not `stranger`."""

    service: Service
    inbox: Inbox
    neighbour: Neighbour
    stranger: Neighbour
    chromium: Browser


@contextmanager
def place(folder: Path, chromium: Browser) -> Iterator[Place]:
    """A service without any account, and its surroundings."""
    with smtp_server() as inbox, neighbours() as (neighbour, stranger):
        settings = {
            "MAIL_HOST": "127.0.0.1",
            "MAIL_PORT": str(inbox.port),
            "MAIL_SECURITY": "none",
            "SANDBOX_LOOPBACK_PORTS": f"{inbox.port},{neighbour.server_port}",
        }
        with running(folder, **settings) as service:
            yield Place(service, inbox, neighbour, stranger, chromium)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real browser: the system's Chromium, else the one that Playwright installed."""
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()


@pytest.fixture
def empty_place(tmp_path: Path, chromium: Browser) -> Iterator[Place]:
    """A place that nobody has used."""
    with place(tmp_path, chromium) as found:
        yield found


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Place]:
    """A place with an owner, shared by the tests of the folder: each uses functions of its own."""
    with place(tmp_path_factory.mktemp("office"), chromium) as found:
        found.service.create_owner("Europe/Berlin")
        yield found


@pytest.fixture(scope="session")
def failing_schedules(office: Place) -> FailingSchedules:
    """Made once and early: their minute passes while other tests are at work."""
    with logged_in(office.chromium, office.service) as page:
        return begin_failing_schedules(page)


@pytest.fixture(scope="session")
def mended(office: Place, failing_schedules: FailingSchedules) -> Mended:
    """Both of these schedules, mended by a person who follows the links in the alerts."""
    with logged_in(office.chromium, office.service) as page:
        return mend_from_the_alerts(page, office.inbox, failing_schedules)


@pytest.fixture(scope="session")
def on_postgresql(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[OnPostgresql]:
    """A service whose store is PostgreSQL, with a schedule whose minute passes while other tests are at work."""
    with begun_on_postgresql(tmp_path_factory.mktemp("on-postgresql"), postgres_server) as found:
        yield found
