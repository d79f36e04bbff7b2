"""The dashboard with a real database, people of every role, and a real browser."""

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import make_server

from hexasched.config import Config, Mail
from hexasched.secrets import KeyRing, load_key_ring
from hexasched.store import accounts, workspaces
from hexasched.store.database import Database, url_for
from hexasched.store.memberships import Role
from tests.web.browser import PASSWORD, Browser
from tools import build_assets
from web import create_app, passwords


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.moment += by


@dataclass(frozen=True)
class Place:
    """An instance before its dashboard is made."""

    config: Config
    database: Database
    keys: KeyRing
    clock: Clock
    compiled: FileSystemBytecodeCache

    def app(self, **changes: object) -> Flask:
        """The dashboard, with `changes` to the configuration."""
        app = create_app(replace(self.config, **changes), self.database, self.keys, self.clock)  # type: ignore[arg-type]
        app.jinja_env.bytecode_cache = self.compiled
        return app


@pytest.fixture(scope="session", autouse=True)
def built_assets() -> None:
    """The browser's files, as the checkout's sources say."""
    build_assets.build()


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """The templates, each compiled once for all tests."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def place(tmp_path: Path, empty_database: Path, compiled_templates: FileSystemBytecodeCache) -> Iterator[Place]:
    """An instance without any account."""
    shutil.copyfile(empty_database, tmp_path / "hexasched.db")
    config = Config(data_dir=tmp_path, mail=Mail(host="127.0.0.1"))
    database = Database(url_for(config.database_url, config.data_dir))
    yield Place(config, database, load_key_ring(tmp_path), Clock(), compiled_templates)
    database.close()


@pytest.fixture(scope="session")
def password_hash() -> str:
    """The hash of everybody's password, computed once."""
    return passwords.hashed(PASSWORD)


@pytest.fixture
def people(place: Place, password_hash: str) -> dict[str, int]:
    """owner, developer and viewer of one workspace, and outsider, the owner of another: their user ids."""
    now = place.clock()
    with place.database.writing() as connection:
        first = accounts.create_first_account(
            connection,
            email="owner@example.org",
            password_hash=password_hash,
            workspace="Boats",
            timezone="Europe/Berlin",
            now=now,
        )
        mine = workspaces.first_workspace(connection)
        assert first and mine
        other = workspaces.create_workspace(
            connection, name="Elsewhere", timezone="UTC", alert_email="outsider@example.org", now=now
        )
        ids = {"owner": first.id}
        members: list[tuple[str, int, Role]] = [
            ("developer", mine.id, "developer"),
            ("viewer", mine.id, "viewer"),
            ("outsider", other.id, "owner"),
        ]
        for name, workspace_id, role in members:
            email = f"{name}@example.org"
            user = accounts.create_user(
                connection, workspace_id=workspace_id, email=email, password_hash=password_hash, role=role, now=now
            )
            assert user
            ids[name] = user.id
    return ids


@pytest.fixture
def app(place: Place, people: dict[str, int]) -> Flask:
    """The dashboard with everybody's account."""
    return place.app()


@pytest.fixture
def stranger(app: Flask) -> Browser:
    """Somebody who is not logged in."""
    return Browser(app)


@pytest.fixture
def logged_in(app: Flask) -> Callable[[str], Browser]:
    """`logged_in("developer")` is that person's browser."""

    def log_in(name: str) -> Browser:
        browser = Browser(app)
        assert browser.log_in(f"{name}@example.org").status_code == 303
        return browser

    return log_in


@pytest.fixture
def serving() -> Iterator[Callable[[Flask], str]]:
    """`serving(app)` is the address at which that dashboard answers a real browser."""
    running = []

    def serve(app: Flask) -> str:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """A real browser: the system's Chromium, else the one that Playwright installed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Chromium) -> Iterator[Page]:
    """A page of a fresh profile; the test fails if a script fails or the content policy is violated."""
    context = chromium.new_context(timezone_id="Asia/Tokyo")
    page = context.new_page()
    page.set_default_timeout(10_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console", lambda message: wrong.append(message.text) if "Content Security Policy" in message.text else None
    )
    yield page
    context.close()
    assert wrong == []
