"""What one sees while it happens: the log, the memory, the editor's marks; and which ports of the host are open."""

import json
from urllib.request import urlopen

import pytest
from playwright.sync_api import Locator, Page, expect

from hexasched.store import function_versions, functions, workspaces
from tests.story.conftest import Place
from tests.story.people import logged_in
from tests.story.steps import (
    begin_function,
    create_function,
    fact,
    log_lines,
    open_function,
    result,
    run_now,
    status,
)

# The schedules that fail are of no use here: they are made this early because their minute takes its time.
pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("failing_schedules")]

WAITS_AT_THE_GATE = """\
export default async (event) => {
  console.log("A");
  await fetch(event.payload.gate);
  console.log("B");
};
"""
HOLDS_MEMORY = """\
export default async (event) => {
  const held = Buffer.alloc(event.payload.mb * 1024 * 1024, 1);
  await new Promise((resolve) => setTimeout(resolve, 500));
  return held.length;
};
"""
TRIES_PORTS = """\
export default async (event) => {
  const found = {};
  for (const [name, port] of Object.entries(event.payload)) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch((error) => error);
    found[name] = answer.status ?? answer.cause?.code ?? String(answer);
  }
  return found;
};
"""
TEXT = (
    "\n\n// ünïcode ✓ \U0001f600, a tab:\t| and blanks:   \nexport default () => `a\\r\\nb $&`;\n   \n\n// no line end"
)


def test_it_shows_a_log_line_while_the_function_waits(office: Place) -> None:
    gate = f"http://127.0.0.1:{office.neighbour.server_port}/gate"
    with logged_in(office.chromium, office.service) as page:
        create_function(page, "waits-at-the-gate", WAITS_AT_THE_GATE)
        open_function(page, "waits-at-the-gate")
        run_now(page, json.dumps({"gate": gate}))
        page.evaluate("window.notLoadedAgain = true")
        expect(log_lines(page)).to_have_text(["A"])
        expect(status(page)).to_contain_text("Running")
        office.neighbour.gate.set()
        expect(log_lines(page)).to_have_text(["A", "B"])
        expect(status(page)).to_contain_text("Succeeded")
        assert page.evaluate("window.notLoadedAgain")


def test_it_shows_the_peak_of_the_memory(office: Place) -> None:
    with logged_in(office.chromium, office.service) as page:
        create_function(page, "holds-memory", HOLDS_MEMORY)
        assert peak_of_a_run(page, 0) < 90
        assert 150 <= peak_of_a_run(page, 150) <= 256


def peak_of_a_run(page: Page, megabytes: int) -> int:
    """What the run's page says in MB."""
    open_function(page, "holds-memory")
    run_now(page, json.dumps({"mb": megabytes}))
    expect(status(page)).to_contain_text("Succeeded")
    expect(page.get_by_role("log")).to_contain_text("It printed nothing.")
    number, unit, *_ = fact(page, "Peak memory").inner_text().split()
    assert unit == "MB"
    return int(number)


def test_it_marks_a_mistake_while_it_is_typed(office: Place) -> None:
    with logged_in(office.chromium, office.service) as page:
        begin_function(page, "mistyped", "export default async () => {\n  \n};\n")
        editor = page.get_by_role("textbox", name="Code", exact=True)
        expect(page.locator(".cm-lint-marker")).to_have_count(0)
        for key in ("Control+Home", "ArrowDown", "End"):
            editor.press(key)
        page.keyboard.type("const x = ;")
        expect(line_with_mark(page)).to_have_text("2")
        page.locator(".cm-lint-marker-error").hover()
        expect(page.locator(".cm-tooltip-lint")).to_contain_text("Unexpected token")
        for _ in range(2):
            editor.press("Backspace")
        page.keyboard.type(" 1;")
        expect(page.locator(".cm-lint-marker")).to_have_count(0)


def line_with_mark(page: Page) -> Locator:
    """The number of the line that has a mark beside it."""
    mark = page.locator(".cm-lint-marker-error")
    expect(mark).to_have_count(1)
    top = mark.evaluate("(mark) => mark.closest('.cm-gutterElement').getBoundingClientRect().top")
    numbers = page.locator(".cm-lineNumbers .cm-gutterElement:visible")
    tops = numbers.evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().top)")
    return numbers.nth(min(range(len(tops)), key=lambda at: abs(float(tops[at]) - float(top))))


def test_the_editor_and_the_plain_text_area_store_the_same_bytes(office: Place) -> None:
    with logged_in(office.chromium, office.service) as page:
        create_function(page, "typed-in-the-editor", TEXT)
    with logged_in(office.chromium, office.service, scripts=False) as page:
        page.goto("/functions/new")
        page.get_by_label("Name", exact=True).first.fill("typed-without-scripts")
        page.get_by_label("Code").fill(TEXT)
        page.get_by_role("button", name="Create Function").click()
        expect(page.get_by_text("Function typed-without-scripts deployed as version 1")).to_be_visible()
    assert stored_source(office, "typed-in-the-editor") == stored_source(office, "typed-without-scripts") == TEXT


def stored_source(office: Place, name: str) -> str:
    """The text of the first version as the database has it."""
    with office.service.open_database() as database, database.reading() as connection:
        workspace = workspaces.first_workspace(connection)
        assert workspace
        function = functions.by_name(connection, workspace.id, name)
        assert function
        version = function_versions.version_numbered(connection, function.id, 1)
        assert version
        return version.program.source


def test_only_the_opened_port_of_the_host_answers(office: Place) -> None:
    ports = {"opened": office.neighbour.server_port, "next": office.stranger.server_port}
    assert ports["next"] == ports["opened"] + 1
    for port in ports.values():
        with urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            assert answer.status == 200, "it answers outside of the sandbox"
    with logged_in(office.chromium, office.service) as page:
        create_function(page, "tries-ports", TRIES_PORTS)
        open_function(page, "tries-ports")
        run_now(page, json.dumps(ports))
        expect(status(page)).to_contain_text("Succeeded")
        assert json.loads(result(page).inner_text()) == {"opened": 200, "next": "ECONNREFUSED"}
