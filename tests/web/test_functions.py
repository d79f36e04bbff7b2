"""The list of functions, making one, and its settings."""

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from hexasched import doorbell
from hexasched.domain.functions import EnvVar
from hexasched.domain.limits import MAX_SOURCE_BYTES, Limits
from hexasched.doorbell import Doorbell
from hexasched.store import build_claims, cron_jobs, env_vars, function_versions, functions, preloads
from hexasched.store.function_versions import Version
from tests.factories import make_cron_job, make_run
from tests.web import deploys
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Place

SOURCE = "export default async () => process.env.SMTP_HOST;\n"
FORM = {
    "name": "daily-summary-email",
    "description": "Mails a summary.",
    "runtime": "node24",
    "handler_file": "index.js",
    "source": SOURCE,
    "dependencies": '{"nodemailer": "^7.0.0"}',
    "timeout_s": "30",
    "memory_mb": "128",
    "scratch_files": "200",
    "env-0-name": "SMTP_HOST",
    "env-0-value": "smtp.example.org",
    "env-1-name": "SMTP_PASS",
    "env-1-value": "hush-hush",
    "env-1-secret": "yes",
}

LogIn = Callable[[str], Browser]


def _version(place: Place, name: str, number: int = 1) -> Version:
    function = deploys.find(place, name)
    with place.database.reading() as connection:
        version = function_versions.version_numbered(connection, function.id, number)
    assert version
    return version


def _names(place: Place) -> list[str]:
    with place.database.reading() as connection:
        return [function.name for function in functions.all_of(connection, deploys.workspace_id(connection))]


def test_it_invites_a_developer_to_create_the_first_function(logged_in: LogIn) -> None:
    page = logged_in("developer").get("/functions").text
    assert "No functions yet" in page
    assert "Create New Function" in page


def test_it_shows_a_viewer_no_button_and_refuses_what_the_button_would_do(place: Place, logged_in: LogIn) -> None:
    viewer = logged_in("viewer")
    assert "Create New Function" not in viewer.get("/functions").text
    assert viewer.get("/functions/new").status_code == 403
    assert viewer.post("/functions/new", FORM).status_code == 403
    assert _names(place) == []


def test_it_lists_what_is_live_what_failed_the_last_run_and_the_cron_jobs(place: Place, logged_in: LogIn) -> None:
    function = deploys.live(place)
    deploys.deploy(place, error=deploys.ERROR)
    deploys.make(place, "never-deployed")
    deploys.make(place, "in-the-making")
    deploys.begin(place, "in-the-making")
    with place.database.writing() as connection:
        make_cron_job(connection, function)
        run_id = make_run(connection, function)
    page = logged_in("viewer").get("/functions").text
    for text in ("Version 1", "Deploy failed", "Never deployed", "Deploying…", f"/runs/{run_id}", "Node.js 24"):
        assert text in page
    assert '<td class="num" data-label="CronJobs">1</td>' in page


def test_it_creates_a_function_with_its_variables_and_deploys_it(place: Place, logged_in: LogIn) -> None:
    developer = logged_in("developer")
    with Doorbell(place.config.data_dir, doorbell.WORK) as bell:
        answer = developer.post("/functions/new", FORM)
        assert bell.wait(1)
    assert (answer.status_code, answer.location) == (303, "/functions/daily-summary-email/versions/1")
    function, version = deploys.find(place, FORM["name"]), _version(place, FORM["name"])
    assert (function.description, function.live_version) == ("Mails a summary.", None)
    assert (version.state, version.created_by) == ("building", "developer@example.org")
    assert version.program.source == SOURCE
    assert version.program.dependencies == {"nodemailer": "^7.0.0"}
    assert version.program.limits == Limits(timeout_s=30, memory_mb=128, scratch_files=200)
    with place.database.reading() as connection:
        assert env_vars.shown(connection, place.keys, function.id) == [
            EnvVar(name="SMTP_HOST", value="smtp.example.org", secret=False),
            EnvVar(name="SMTP_PASS", value=None, secret=True),
        ]
        assert env_vars.values(connection, place.keys, function.id)["SMTP_PASS"] == "hush-hush"
        assert build_claims.any_queued(connection)


def test_it_stores_line_ends_as_they_were_meant(place: Place, logged_in: LogIn) -> None:
    changes = {"source": "\r\nlet a;\r\nexport default () => a;\r\n", "env-1-value": "one\r\ntwo"}
    assert logged_in("owner").post("/functions/new", FORM | changes).status_code == 303
    assert _version(place, FORM["name"]).program.source == "\nlet a;\nexport default () => a;\n"
    with place.database.reading() as connection:
        values = env_vars.values(connection, place.keys, deploys.find(place, FORM["name"]).id)
    assert values["SMTP_PASS"] == "one\ntwo"


def test_switches_of_a_version_come_from_the_form_and_go_back_into_it(place: Place, logged_in: LogIn) -> None:
    developer = logged_in("developer")
    assert developer.post("/functions/new", FORM | {"reuse": "yes", "preload": "yes"}).status_code == 303
    deploys.conclude(place, deploys.claim(place))
    limits = _version(place, FORM["name"]).program.limits
    assert (limits.reuse, limits.preload, limits.offline, limits.child_processes) == (True, True, False, False)
    shown = developer.get(f"/functions/{FORM['name']}").text
    ticked = {name: "checked" in _tag(shown, name) for name in ("reuse", "preload", "offline", "child_processes")}
    assert ticked == {"reuse": True, "preload": True, "offline": False, "child_processes": False}
    version = developer.get(f"/functions/{FORM['name']}/versions/1").text
    assert "one process for many runs, module loaded ahead" in version


def _tag(page: str, name: str) -> str:
    return page[: page.index(">", page.index(f'name="{name}"'))].rpartition("<")[2]


def test_what_a_worker_can_not_load_ahead_stands_on_the_pages(place: Place, logged_in: LogIn) -> None:
    function = deploys.live(place, limits=Limits(preload=True))
    deploys.add_worker(place, node24="Node.js 24")
    said = "preload failed: <b>no</b> ${key} Runs go on cold."
    assert unescape(logged_in("viewer").get("/functions/hello/versions").text).count(said) == 0
    with place.database.writing() as connection:
        preloads.note(connection, "w1", {function.live_version_id or 0: said, 4711: "of nobody"})
    page = logged_in("viewer").get("/functions/hello/versions").text
    assert said in unescape(page)
    assert "<b>no</b>" not in page
    assert f"hello, version 1: {said}" in unescape(logged_in("owner").get("/settings/system").text)
    assert "Runs go on cold" not in logged_in("outsider").get("/settings/system").text
    with place.database.writing() as connection:
        preloads.note(connection, "w1", {})
    assert "Runs go on cold" not in logged_in("viewer").get("/functions/hello/versions").text


MISTAKES = {
    "name": ("Daily Mail", "A name has small letters"),
    "description": ("two\nlines", "one line of text"),
    "runtime": ("node99", "No worker has this runtime now. Choose another one: Node.js 24."),
    "dependencies": ('{"nodemailer": ', "This is not JSON: line 1"),
    "source": (" \n", "Write the function's code"),
    "timeout_s": ("soon", "Write a whole number of seconds from 1 to 900; you wrote “soon”."),
    "memory_mb": ("1", "Write a whole number of MB from 96 to 2048"),
    "open_files": ("4096", "The operator can allow more: limits.max_open_files"),
    "env-0-name": ("PATH", "PATH is set by HexaSched and cannot be changed."),
}


def test_it_shows_all_mistakes_at_once_and_keeps_everything_that_was_typed(place: Place, logged_in: LogIn) -> None:
    typed = FORM | {field: wrong for field, (wrong, _) in MISTAKES.items()}
    answer = logged_in("developer").post("/functions/new", typed)
    assert answer.status_code == 422
    page = unescape(answer.text)
    for field, (_, message) in MISTAKES.items():
        assert f'id="{field}-error"' in page, field
        assert message in page
    assert page.count('aria-invalid="true"') == len(MISTAKES)
    for kept in ('value="Daily Mail"', '>\n{"nodemailer": </textarea>', ">\nhush-hush</textarea>", 'value="soon"'):
        assert kept in page
    assert _names(place) == []


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "", "Give it a name"),
        ("name", "new", "is taken by HexaSched"),
        ("name", "x" * 64, "at most 63 characters"),
        ("description", "x" * 301, "at most 300 characters"),
        ("handler_file", "../index.js", "The file must be one of"),
        ("source", "x" * (MAX_SOURCE_BYTES + 1), "1,048,577 bytes"),
        ("env-2-value", "alone", "Name this variable"),
        ("env-2-name", "SMTP_HOST", "SMTP_HOST is in the list twice."),
        ("env-1-value", "x" * 32769, "The value of SMTP_PASS is longer than 32 KB."),
    ],
)
def test_it_says_what_is_wrong_with_a_field(
    place: Place, logged_in: LogIn, field: str, value: str, message: str
) -> None:
    answer = logged_in("developer").post("/functions/new", FORM | {field: value})
    assert answer.status_code == 422
    assert message in unescape(answer.text)
    assert _names(place) == []


def test_it_refuses_a_form_that_no_function_could_need(logged_in: LogIn) -> None:
    answer = logged_in("developer").post("/functions/new", FORM | {"source": "x" * (2 << 20)})
    assert answer.status_code == 413


def test_it_says_who_has_the_name_already(place: Place, logged_in: LogIn) -> None:
    deploys.make(place, FORM["name"])
    for changes in ({}, {"source": ""}):
        answer = logged_in("developer").post("/functions/new", FORM | changes)
        assert answer.status_code == 422
        assert (
            'The function <a href="/functions/daily-summary-email">daily-summary-email</a> has this name' in answer.text
        )
    assert _names(place) == [FORM["name"]]


def test_it_offers_the_runtimes_that_workers_have(place: Place, logged_in: LogIn) -> None:
    developer = logged_in("developer")
    assert '<option value="node24" selected>Node.js 24</option>' in developer.get("/functions/new").text
    deploys.add_worker(place, node18="Node.js 18 (end of life)", node24="Node.js 24")
    page = developer.get("/functions/new").text
    assert page.index("Node.js 24</option>") < page.index("Node.js 18 (end of life)</option>")


def test_it_refuses_typescript_on_a_runtime_that_has_none(place: Place, logged_in: LogIn) -> None:
    deploys.add_worker(place, node18="Node.js 18 (end of life)", node24="Node.js 24")
    changes = {"runtime": "node18", "handler_file": "index.ts"}
    answer = logged_in("developer").post("/functions/new", FORM | changes)
    assert answer.status_code == 422
    assert "Node.js 18 can't run TypeScript. Choose JavaScript" in unescape(answer.text)
    assert logged_in("developer").post("/functions/new", FORM | {"handler_file": "index.ts"}).status_code == 303


def test_hostile_words_stay_words(place: Place, logged_in: LogIn) -> None:
    hostile = "</textarea><script>alert(1)</script>"
    typed = FORM | {"description": hostile, "source": hostile, "env-0-value": hostile}
    developer = logged_in("developer")
    assert "<script>alert" not in developer.post("/functions/new", typed | {"name": hostile}).text
    assert developer.post("/functions/new", typed).status_code == 303
    deploys.conclude(place, deploys.claim(place), error=deploys.ERROR | {"message": hostile, "source_line": hostile})
    for path in ("", "/environment", "/versions/1", "/versions/1/build", "/settings"):
        answer = developer.get(f"/functions/daily-summary-email{path}")
        assert (answer.status_code, "<script>alert" in answer.text) == (200, False)


def test_what_is_in_another_workspace_does_not_exist(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    outsider = logged_in("outsider")
    assert "hello" not in outsider.get("/functions").text
    for path in (
        "",
        "/environment",
        "/versions",
        "/versions/1",
        "/versions/1/build",
        "/standing",
        "/settings",
        "/runs",
    ):
        assert outsider.get(f"/functions/hello{path}").status_code == 404
    token = {"token": "a" * 32, "confirm": "hello", **FORM}
    for path in ("/deploy", "/test", "/run", "/environment", "/versions/1/activate", "/settings", "/delete"):
        assert outsider.post(f"/functions/hello{path}", token).status_code == 404
    assert deploys.find(place).live_version == 1


def test_it_changes_the_description(place: Place, logged_in: LogIn) -> None:
    deploys.make(place)
    developer = logged_in("developer")
    assert developer.post("/functions/hello/settings", {"description": " Says hello. "}).status_code == 303
    page = developer.get("/functions/hello/settings").text
    assert "Description saved." in page and "Says hello." in page
    answer = developer.post("/functions/hello/settings", {"description": "x" * 301})
    assert (answer.status_code, deploys.find(place).description) == (422, "Says hello.")


def test_it_deletes_a_function_with_its_cron_jobs_once_the_name_is_typed(place: Place, logged_in: LogIn) -> None:
    function = deploys.live(place)
    with place.database.writing() as connection:
        make_cron_job(connection, function)
    owner = logged_in("owner")
    assert "every-minute" in owner.get("/functions/hello/settings").text
    refused = owner.post("/functions/hello/delete", {"confirm": "helo"})
    assert (refused.status_code, _names(place)) == (422, ["hello"])
    with Doorbell(place.config.data_dir, doorbell.SCHEDULE) as bell:
        assert owner.post("/functions/hello/delete", {"confirm": "hello"}).status_code == 303
        assert bell.wait(1)
    assert _names(place) == []
    with place.database.reading() as connection:
        assert cron_jobs.all_of(connection, deploys.workspace_id(connection)) == []


@pytest.mark.browser
def test_the_first_wrong_field_has_the_focus(app: Flask, page: Page, serving: Callable[[Flask], str]) -> None:
    _log_in(page, serving(app))
    page.goto(f"{page.url}functions/new")
    page.get_by_label("Name", exact=True).first.fill("fine")
    page.locator("summary", has_text="Limits").click()
    page.get_by_label("Timeout in seconds").fill("soon")
    page.get_by_role("button", name="Create Function").click()
    expect(page.get_by_label("Timeout in seconds")).to_be_focused()
    expect(page.get_by_label("Name", exact=True).first).to_have_value("fine")


def _log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/login")
    page.get_by_label("Email").fill("developer@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{address}/")


def _paste(page: Page, text: str) -> None:
    page.evaluate(
        """text => {
          const data = new DataTransfer();
          data.setData("text", text);
          const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
          document.activeElement.dispatchEvent(paste);
        }""",
        text,
    )


def _rows(page: Page) -> list[list[Any]]:
    rows: list[list[Any]] = page.evaluate(
        """() => [...document.querySelectorAll("[data-env-row]")].map(row => [
          row.querySelector("[data-env-name]").value,
          row.querySelector("[data-env-value]").value,
          row.querySelector("[data-env-secret]").checked,
        ])"""
    )
    return rows


@pytest.mark.browser
def test_a_pasted_dotenv_file_becomes_rows(
    place: Place, app: Flask, page: Page, serving: Callable[[Flask], str]
) -> None:
    _log_in(page, serving(app))
    page.goto(f"{page.url}functions/new")
    expect(page.locator("[data-env-row]")).to_have_count(1)
    page.locator("[data-env-name]").focus()
    _paste(page, "# mail\nSMTP_HOST=smtp.example.org # ours\nexport SMTP_PASS='a # b'\nNOTE=\"one\\ntwo\"\nEMPTY=\n")
    assert _rows(page) == [
        ["SMTP_HOST", "smtp.example.org", False],
        ["SMTP_PASS", "a # b", True],
        ["NOTE", "one\ntwo", False],
        ["EMPTY", "", False],
    ]
    page.get_by_role("button", name="Add variable").click()
    page.keyboard.type("PLAIN")
    page.get_by_label("Name", exact=True).first.fill("from-dotenv")
    page.get_by_role("button", name="Create Function").click()
    page.wait_for_url("**/functions/from-dotenv/versions/1")
    with place.database.reading() as connection:
        stored = env_vars.values(connection, place.keys, deploys.find(place, "from-dotenv").id)
    assert stored == {
        "SMTP_HOST": "smtp.example.org",
        "SMTP_PASS": "a # b",
        "NOTE": "one\ntwo",
        "EMPTY": "",
        "PLAIN": "",
    }
