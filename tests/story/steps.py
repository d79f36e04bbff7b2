"""What a person does on the pages, in the words that a person reads there."""

from collections.abc import Mapping

from playwright.sync_api import Locator, Page, expect


def open_section(page: Page, name: str) -> None:
    """Choose a section in the navigation."""
    page.get_by_role("navigation", name="Sections").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def write_code(page: Page, text: str, editor: str = "Code") -> None:
    """Paste `text` over everything that an editor holds."""
    # Not the plain text area, which is there for a moment before its editor is.
    box = page.get_by_role("textbox", name=editor, exact=True).and_(page.locator(".cm-content"))
    page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
    box.press("Control+a")
    box.press("Control+v")


def begin_function(page: Page, name: str, code: str) -> None:
    """Fill in a new function's name and code, and choose Node.js."""
    open_section(page, "Functions")
    page.get_by_role("link", name="Create New Function").click()
    page.get_by_label("Name", exact=True).first.fill(name)
    page.get_by_label("Runtime").select_option(label=offered(page, "Runtime", "Node.js 24"))
    write_code(page, code)


def offered(page: Page, label: str, word: str) -> str:
    """The label of the one choice of a list that begins with `word`."""
    (found,) = [text for text in page.get_by_label(label).locator("option").all_inner_texts() if text.startswith(word)]
    return found.strip()


def add_packages(page: Page, dependencies: str) -> None:
    """Open the packages and write them as in a package.json."""
    page.locator("summary", has_text="Packages").click()
    write_code(page, dependencies, "npm packages")


def set_variables(page: Page, values: Mapping[str, str]) -> None:
    """Give variables their values: in the rows that the page made for them, else in new ones."""
    for name, value in values.items():
        row = _row_of(page, name)
        row.get_by_label("Value").fill(value)


def _row_of(page: Page, name: str) -> Locator:
    rows = page.locator("[data-env-row]")
    names = [rows.nth(at).get_by_label("Name").input_value() for at in range(rows.count())]
    if name in names:
        return rows.nth(names.index(name))
    if "" not in names:
        page.get_by_role("button", name="Add variable").click()
        names.append("")
    row = rows.nth(names.index(""))
    row.get_by_label("Name").fill(name)
    row.get_by_label("Name").press("Tab")
    return row


def create_function(page: Page, name: str, code: str, variables: Mapping[str, str] | None = None) -> None:
    """Make a function and wait until it is deployed."""
    begin_function(page, name, code)
    set_variables(page, variables or {})
    page.get_by_role("button", name="Create Function").click()
    expect(page.get_by_text(f"Function {name} deployed as version 1")).to_be_visible()


def open_function(page: Page, name: str) -> None:
    """Go to a function's code."""
    open_section(page, "Functions")
    page.get_by_role("table").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("textbox", name="Code", exact=True)).to_be_visible()


def deploy(page: Page, code: str) -> None:
    """Deploy new code from the editor of a function."""
    write_code(page, code)
    page.get_by_role("button", name="Deploy").click()


def line_of_the_cursor(page: Page) -> Locator:
    """The line of the code that the cursor is in."""
    return page.get_by_role("textbox", name="Code", exact=True).locator(".cm-activeLine")


def begin_cron_job(page: Page, function: str, schedule: str) -> None:
    """Fill in a new CronJob."""
    open_section(page, "CronJobs")
    page.get_by_role("link", name="Create New CronJob").click()
    page.get_by_label("Function").select_option(function)
    page.get_by_label("Schedule", exact=True).fill(schedule)


def create_cron_job(page: Page, function: str, schedule: str) -> None:
    """Make a CronJob."""
    begin_cron_job(page, function, schedule)
    page.get_by_role("button", name="Create CronJob").click()
    expect(page.get_by_text("CronJob created.")).to_be_visible()


def run_now(page: Page, payload: str = "{}") -> None:
    """Run the live version from the function's page, and wait for its end."""
    card = page.get_by_role("region", name="Run now")
    card.get_by_label("Payload").fill(payload)
    card.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("heading", name="Run", level=1)).to_be_visible()


def status(page: Page) -> Locator:
    """What became of the run that is looked at."""
    return page.locator(".page-head .status")


def result(page: Page) -> Locator:
    """What the run that is looked at returned."""
    return page.get_by_role("region", name="Result").locator("pre")


def log_lines(page: Page) -> Locator:
    """The lines of the log of the run that is looked at."""
    return page.get_by_role("log").get_by_role("listitem")


def fact(page: Page, name: str) -> Locator:
    """One of the facts about a run."""
    return page.locator("dl.facts > div", has=page.locator("dt", has_text=name)).locator("dd")
