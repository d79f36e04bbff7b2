"""The pages in a real browser: no violation of the content policy, and every script does its part."""

import json
from collections.abc import Callable

import pytest
from flask import Flask, Response, jsonify, render_template_string, request
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Locator, Page, expect

from hexasched.store import accounts
from tests.web.browser import PASSWORD
from tests.web.conftest import Place
from web.access import require

pytestmark = pytest.mark.browser

EDITOR_PAGE = """{% extends "base.html" %}{% block title %}Editor{% endblock %}
{% block scripts %}<script type="module" src="{{ asset('editor.js') }}"></script>{% endblock %}
{% block content %}<form method="post" action="/editor">{{ m.csrf() }}
{{ m.code_field("Code", "source", code, errors, attributes={"data-analyse-url": "/analyse"}) }}
<button class="btn btn-primary" data-save>Save</button></form>{% endblock %}"""

LOG_PAGE = """{% extends "base.html" %}{% block title %}Log{% endblock %}
{% block scripts %}<script type="module" src="{{ asset('runlog.js') }}"></script>{% endblock %}
{% block content %}<div class="log-box" data-log-box><ol class="log" data-log-url="/log-lines" data-after="1-0">
<li class="log-out" data-open="o">beg</li></ol></div>
<p id="state" data-refresh="600" hx-get="/state" hx-trigger="refresh" hx-swap="outerMorph">running</p>{% endblock %}"""


def _log_in(page: Page, address: str, name: str = "owner") -> None:
    page.goto(f"{address}/login")
    page.get_by_label("Email").fill(f"{name}@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{address}/")


def _add_editor(app: Flask, sent: list[str]) -> None:
    @require("developer")
    def edit() -> str:
        if request.method == "POST":
            sent.append(request.form["source"])
        return render_template_string(EDITOR_PAGE, code="\n  let a = 1;\n", errors={})

    turned_away: list[list[int]] = []

    @require("developer")
    def analyse() -> Response:
        """Finds each line that says oops; at the first time nobody has time to look."""
        lines = request.form["source"].split("\n")
        wrong = [number for number, line in enumerate(lines, 1) if "oops" in line]
        if wrong and not turned_away:
            turned_away.append(wrong)
            return Response(status=202)
        return jsonify(diagnostics=[{"message": "No <b>oops</b>", "line": n, "column": 1} for n in wrong])

    app.add_url_rule("/editor", "editor", edit, methods=["GET", "POST"])
    app.add_url_rule("/analyse", "analyse", analyse, methods=["POST"])


def test_the_first_start_leads_to_a_home_page(place: Place, page: Page, serving: Callable[[Flask], str]) -> None:
    with place.database.writing() as connection:
        code = accounts.new_setup_code(connection)
    address = serving(place.app())
    page.goto(address)
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    page.get_by_label("Setup code").fill(code)
    page.get_by_label("Email").fill("owner@example.org")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Create Account").click()
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Show password").click()
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    page.get_by_role("button", name="Create Account").click()
    expect(page.get_by_text("The workspace My workspace is ready.")).to_be_visible()
    page.locator("summary", has_text="Account and preferences").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.wait_for_load_state()  # that Escape closes it is done by a script
    page.locator("summary", has_text="Account and preferences").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Log out")).not_to_be_visible()
    page.locator("summary", has_text="Account and preferences").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out")).to_be_visible()


def test_a_person_without_scripts_can_do_the_same(
    app: Flask, chromium: Chromium, serving: Callable[[Flask], str]
) -> None:
    sent: list[str] = []
    _add_editor(app, sent)
    address = serving(app)
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(10_000)
    _log_in(page, address)
    page.goto(f"{address}/editor")
    page.get_by_label("Code").fill("\n  let b = 2;\n")
    page.get_by_role("button", name="Save").click()
    page.locator("summary", has_text="Account and preferences").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out")).to_be_visible()
    context.close()
    assert sent == ["\r\n  let b = 2;\r\n"]


def _editor(page: Page) -> Locator:
    """The editor, once it is there: the plain text area that it replaces has the same name."""
    expect(page.locator(".cm-editor")).to_be_visible()
    return page.get_by_role("textbox", name="Code")


def test_the_editor_sends_the_same_bytes_as_a_plain_text_area(
    app: Flask, page: Page, serving: Callable[[Flask], str]
) -> None:
    sent: list[str] = []
    _add_editor(app, sent)
    address = serving(app)
    _log_in(page, address)
    page.goto(f"{address}/editor")
    page.get_by_role("button", name="Save").click()
    editor = _editor(page)
    editor.press("Control+End")
    page.keyboard.insert_text("// ende ✓")
    with page.expect_navigation():
        page.keyboard.press("Control+s")
    expect(editor).to_be_visible()
    assert sent == ["\r\n  let a = 1;\r\n", "\r\n  let a = 1;\r\n// ende ✓"]


def test_the_editor_marks_what_the_server_finds_and_lets_the_keyboard_leave(
    app: Flask, page: Page, serving: Callable[[Flask], str]
) -> None:
    _add_editor(app, [])
    address = serving(app)
    _log_in(page, address)
    page.goto(f"{address}/editor")
    editor = _editor(page)
    editor.press("Control+End")
    page.keyboard.insert_text("oops")
    expect(page.locator(".cm-lintRange-error")).to_have_text("oops")
    page.locator(".cm-lint-marker-error").hover()
    expect(page.get_by_text("No <b>oops</b>")).to_be_visible()
    editor.press("Control+a")
    page.keyboard.insert_text("fine")
    expect(page.locator(".cm-lintRange-error")).to_have_count(0)
    editor.press("Tab")
    expect(editor).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Save")).to_be_focused()


def test_a_live_log_is_followed_to_its_end_as_plain_text(
    app: Flask, page: Page, serving: Callable[[Flask], str]
) -> None:
    asked: list[tuple[str, str]] = []
    hostile = "<img src=x onerror=alert(1)>"
    answers = [
        [("o", "begun and ended", False), ("e", hostile, False)],
        [("o", "half", True), ("s", "killed", False), ("o", "half a line", False)],
    ]

    @require("viewer")
    def log_page() -> str:
        return render_template_string(LOG_PAGE)

    @require("viewer")
    def lines() -> Response:
        asked.append((request.args["after"], request.headers.get("Last-Event-ID", "")))
        lines = [{"stream": s, "at": "", "text": text, "open": goes_on} for s, text, goes_on in answers[len(asked) - 1]]
        event = f"retry: 10\nid: 1-{len(asked)}\nevent: lines\ndata: {json.dumps(lines)}\n\n"
        last = "event: done\ndata: {}\n\n" if len(asked) == len(answers) else ""
        return Response(event + last, mimetype="text/event-stream")

    @require("viewer")
    def state() -> str:
        return '<p id="state">succeeded</p>'

    app.add_url_rule("/log", "log_page", log_page)
    app.add_url_rule("/log-lines", "lines", lines)
    app.add_url_rule("/state", "state", state)
    address = serving(app)
    _log_in(page, address)
    page.goto(f"{address}/log")
    expect(page.locator(".log li")).to_have_text(["begun and ended", hostile, "half a line", "killed"])
    expect(page.locator(".log-err")).to_have_text([hostile])
    expect(page.locator("#state")).to_have_text("succeeded")
    assert asked == [("1-0", ""), ("1-0", "1-1")]


def test_a_fragment_carries_the_token_and_says_what_went_wrong(
    app: Flask, page: Page, serving: Callable[[Flask], str]
) -> None:
    @require("viewer")
    def fragments() -> str:
        buttons = "".join(
            f'<button hx-post="/fragment" hx-vals=\'{{"code": {code}}}\' hx-target="#out">{code}</button>'
            for code in (200, 422, 500)
        )
        return render_template_string(
            '{% extends "base.html" %}{% block title %}F{% endblock %}{% block content %}'
            + buttons
            + '<p id="out">-</p>{% endblock %}'
        )

    @require("viewer")
    def fragment() -> tuple[str, int]:
        code = request.form.get("code", type=int, default=0)
        return str(1 // (500 - code)) + f"answer {code}", code

    app.add_url_rule("/fragments", "fragments", fragments)
    app.add_url_rule("/fragment", "fragment", fragment, methods=["POST"])
    address = serving(app)
    _log_in(page, address)
    page.goto(f"{address}/fragments")
    for code in ("200", "422"):
        page.get_by_role("button", name=code).click()
        expect(page.locator("#out")).to_have_text(f"0answer {code}")
    page.get_by_role("button", name="500").click()
    expect(page.get_by_role("alert")).to_contain_text("Something went wrong on our side")
    expect(page.locator("#out")).to_have_text("0answer 422")
    page.context.clear_cookies()
    page.get_by_role("button", name="200").click()
    expect(page.get_by_role("alert")).to_contain_text("This page was open for too long")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", ["/", "/account", "/no-such-page"])
def test_no_page_is_wider_than_the_screen(
    app: Flask, page: Page, serving: Callable[[Flask], str], width: int, path: str
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    address = serving(app)
    _log_in(page, address)
    page.goto(address + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
