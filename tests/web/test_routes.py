"""Every address of the dashboard, asked by everybody: what each of them is answered stands in one table."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask

from hexasched.config import Sample
from hexasched.domain.gaps import Gap
from hexasched.domain.ticks import Blackout
from hexasched.store import blackouts, downtimes, settings, workspaces
from tests.web import rows
from tests.web.browser import Browser
from tests.web.conftest import Place
from web.assets_view import load_manifest

PEOPLE = ("stranger", "viewer", "developer", "owner", "outsider")

# What stranger, viewer, developer, owner, and the owner of another workspace are answered.
OPEN = (200, 200, 200, 200, 200)
LIST = (302, 200, 200, 200, 200)
THING = (302, 200, 200, 200, 404)
FORM = (302, 403, 200, 200, 200)
THING_FORM = (302, 403, 200, 200, 404)
DEED = (401, 403, 303, 303, 404)
OWNERS = (302, 403, 403, 200, 200)
OWNERS_DEED = (401, 403, 403, 303, 404)

NAME = "daily-summary-email"
TOKEN = "0123456789abcdef" * 2
SCHEDULE = {"expression": "0 9 * * *", "timezone": "Europe/Berlin", "function": NAME, "name": "another"}
PROGRAM = {"runtime": "node24", "handler_file": "index.js", "source": rows.SOURCE}

ROUTES: dict[str, tuple[int, int, int, int, int]] = {
    "GET /": LIST,
    "GET /account": LIST,
    "POST /account/password": (401, 422, 422, 422, 422),
    "GET /alerts": LIST,
    "POST /alerts/test": (401, 403, 303, 303, 303),
    "GET /cronjobs": LIST,
    "GET /cronjobs/<cron_job_id>": THING,
    "GET /cronjobs/<cron_job_id>/backfill": THING_FORM,
    "POST /cronjobs/<cron_job_id>/backfill": DEED,
    "GET /cronjobs/<cron_job_id>/delete": THING_FORM,
    "POST /cronjobs/<cron_job_id>/delete": DEED,
    "GET /cronjobs/<cron_job_id>/edit": THING_FORM,
    "POST /cronjobs/<cron_job_id>/edit": DEED,
    "GET /cronjobs/<cron_job_id>/pause": THING_FORM,
    "POST /cronjobs/<cron_job_id>/pause": DEED,
    "POST /cronjobs/<cron_job_id>/resume": DEED,
    "POST /cronjobs/<cron_job_id>/run": DEED,
    "GET /cronjobs/<cron_job_id>/why": THING,
    "GET /cronjobs/blackouts": FORM,
    "POST /cronjobs/blackouts": (401, 403, 303, 303, 303),
    "POST /cronjobs/blackouts/<blackout_id>/delete": DEED,
    "GET /cronjobs/new": FORM,
    "POST /cronjobs/new": (401, 403, 303, 303, 422),  # the outsider has no such function
    "POST /cronjobs/preview": (401, 200, 200, 200, 200),
    "GET /downtimes": FORM,
    "POST /downtimes/<downtime_id>/run/<cron_job_id>": DEED,
    "POST /downtimes/<downtime_id>/seen": (401, 403, 303, 303, 303),  # the instance's
    "GET /functions": LIST,
    "GET /functions/<name>": THING,
    "GET /functions/<name>/data": THING,
    "POST /functions/<name>/data/<kept_id>/delete": DEED,
    "POST /functions/<name>/delete": DEED,
    "POST /functions/<name>/deploy": DEED,
    "GET /functions/<name>/environment": THING,
    "POST /functions/<name>/environment": DEED,
    "POST /functions/<name>/run": DEED,
    "GET /functions/<name>/runs": (302, 302, 302, 302, 404),
    "GET /functions/<name>/settings": THING,
    "POST /functions/<name>/settings": DEED,
    "GET /functions/<name>/standing": THING,
    "POST /functions/<name>/test": DEED,
    "GET /functions/<name>/versions": THING,
    "GET /functions/<name>/versions/<number>": THING,
    "POST /functions/<name>/versions/<number>/activate": DEED,
    "GET /functions/<name>/versions/<number>/build": THING,
    "POST /functions/<name>/versions/<number>/waiting": DEED,
    "POST /functions/analyse": (401, 403, 204, 204, 204),  # there is nothing to say about no code
    "GET /functions/new": FORM,
    "POST /functions/new": (401, 403, 303, 303, 303),
    "GET /healthz": OPEN,
    "GET /login": (200, 302, 302, 302, 302),
    "POST /login": (422, 422, 422, 422, 422),
    "POST /logout": (303, 303, 303, 303, 303),
    "GET /mails": THING,
    "GET /mails/<mail>": THING,
    "GET /members": OWNERS,
    "POST /members": (401, 403, 403, 201, 201),
    "POST /members/<user_id>/remove": OWNERS_DEED,
    "POST /members/<user_id>/role": OWNERS_DEED,
    "POST /preferences": (303, 303, 303, 303, 303),
    "GET /readyz": OPEN,
    "GET /runs": LIST,
    "GET /runs/<run_id>": THING,
    "POST /runs/<run_id>/again": DEED,
    "POST /runs/<run_id>/cancel": DEED,
    "GET /runs/<run_id>/log": THING,
    "GET /runs/<run_id>/log.txt": THING,
    "GET /settings": LIST,
    "POST /settings": (401, 403, 403, 303, 303),
    "GET /settings/audit": OWNERS,
    "GET /settings/system": OWNERS,
    "GET /setup": (302, 302, 302, 302, 302),
    "POST /setup": (303, 303, 303, 303, 303),
    "GET /static/<file>": OPEN,
}

FORMS: dict[str, dict[str, str]] = {
    "POST /cronjobs/new": SCHEDULE,
    "POST /cronjobs/<cron_job_id>/edit": {**SCHEDULE, "revision": "1"},
    "POST /cronjobs/<cron_job_id>/run": {"token": TOKEN},
    "POST /cronjobs/<cron_job_id>/backfill": {"from": "2026-11-22 09:00", "to": "2026-11-22 09:00"},
    "POST /cronjobs/blackouts": {"name": "Christmas", "from": "2026-12-24T00:00", "to": "2026-12-27T00:00"},
    "POST /runs/<run_id>/again": {"token": TOKEN},
    "POST /members": {"email": "new@example.org", "role": "viewer"},
    "POST /members/<user_id>/role": {"role": "viewer"},
    "POST /settings": {"name": "Ships", "timezone": "UTC", "alert_email": "ops@example.org"},
    "POST /functions/new": {**PROGRAM, "name": "a-new-one"},
    "POST /functions/analyse": {**PROGRAM, "source": ""},
    "POST /functions/<name>/delete": {"confirm": NAME},
    "POST /functions/<name>/deploy": {**PROGRAM, "base": "1"},
    "POST /functions/<name>/environment": {"revision": "0"},
    "POST /functions/<name>/test": {**PROGRAM, "event": "{}"},
    "POST /functions/<name>/run": {"token": TOKEN, "event": "{}"},
}


@dataclass(frozen=True)
class World:
    """One workspace with one of everything, to which every request comes anew."""

    place: Place
    app: Flask
    browsers: dict[str, Browser]
    tokens: dict[str, str]
    arguments: dict[str, str]

    def restore(self) -> None:
        """Make the database what it was: requests must not see what others did."""
        self.place.database.close()
        folder = self.place.config.data_dir
        for end in ("-wal", "-shm"):
            (folder / f"hexasched.db{end}").unlink(missing_ok=True)
        shutil.copyfile(folder / "saved.db", folder / "hexasched.db")


@pytest.fixture
def world(place: Place, people: dict[str, int]) -> World:
    folder, now = place.config.data_dir, place.clock()
    with place.database.writing() as connection:
        workspace = workspaces.first_workspace(connection)
        assert workspace
        function = rows.live_function(connection, workspace.id, NAME, now)
        job = rows.cron_job(connection, function, now)
        run_id = rows.ended_run(connection, function, now, rows.ERROR)
        dark = Blackout(name="Christmas", from_at=now + timedelta(days=31), to_at=now + timedelta(days=34))
        blackout_id = blackouts.add(connection, workspace.id, dark, None, now)
        rows.kept_value(connection, place.keys, function, now)
        rows.worker(connection, now)
        settings.save(connection, "scheduler_tick", now.isoformat())
        downtimes.add(connection, Gap(kind="stopped", from_at=now - timedelta(hours=1), to_at=now), now)
    (folder / "mails").mkdir()
    (folder / "mails" / "1764000000000000000-0123abcd.eml").write_bytes(b"Subject: Hello\r\n\r\nBody")
    app = place.app(sample=Sample(mail_catcher_port=2525))
    browsers = {name: Browser(app) for name in PEOPLE}
    for name, browser in browsers.items():
        if name != "stranger":
            assert browser.log_in(f"{name}@example.org").status_code == 303
    tokens = {name: browser.token() for name, browser in browsers.items()}
    place.database.close()  # folds the log of changes into the file
    shutil.copyfile(folder / "hexasched.db", folder / "saved.db")
    arguments = {
        "cron_job_id": str(job.id),
        "run_id": str(run_id),
        "downtime_id": "1",
        "blackout_id": str(blackout_id),
        "kept_id": "1",
        "number": "1",
        "name": NAME,
        "user_id": str(people["developer"]),
        "mail": "1764000000000000000-0123abcd",
        "file": load_manifest()["app.js"],
    }
    return World(place, app, browsers, tokens, arguments)


def _routes(app: Flask) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^<>]*:(\w+)>", r"<\1>", rule.rule)
        path = path.replace("/mails/<name>", "/mails/<mail>").replace("/static/<name>", "/static/<file>")
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} & set(rule.methods or ()):
            yield f"{method} {path}"


def test_the_table_has_every_address_and_no_other(app: Flask) -> None:
    assert sorted(_routes(app)) == sorted(ROUTES)


def test_everybody_is_answered_as_the_table_says(world: World) -> None:
    wrong = []
    for route, expected in ROUTES.items():
        method, _, pattern = route.partition(" ")
        path = re.sub(r"<(\w+)>", lambda match: world.arguments[match[1]], pattern)
        for name, status in zip(PEOPLE, expected, strict=True):
            if method == "POST" or name == PEOPLE[0]:  # looking changes nothing
                world.restore()
            got = _ask(world, name, method, path, FORMS.get(route, {}))
            if got != status:
                wrong.append((route, name, f"{got} instead of {status}"))
    assert "\n".join(map(str, wrong)) == ""


def _ask(world: World, name: str, method: str, path: str, form: dict[str, str]) -> int:
    browser = world.browsers[name]
    session = browser.client.get_cookie("hexasched")
    data = {"csrf_token": world.tokens[name], **form} if method == "POST" else None
    answer = browser.client.open(path, method=method, data=data, headers={"Accept": "text/html"})
    answer.get_data()  # a stream is read to its end
    answer.close()
    if session is not None:  # logging out must not end the test's session
        browser.client.set_cookie("hexasched", session.value)
    return answer.status_code


def test_nothing_is_done_without_the_forms_token(world: World) -> None:
    for route in ROUTES:
        method, _, pattern = route.partition(" ")
        if method == "GET":
            continue
        path = re.sub(r"<(\w+)>", lambda match: world.arguments[match[1]], pattern)
        answer = world.browsers["owner"].client.post(path, data=FORMS.get(route, {}), headers={"Accept": "text/html"})
        assert (route, answer.status_code) == (route, 400)
