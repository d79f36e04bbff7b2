"""The history of runs and one run's page: what happened, why, and what to do about it."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from playwright.sync_api import Page, expect

from hexasched.domain.outcomes import ErrorDetail, Outcome, Reason, Status
from hexasched.doorbell import WORK, Doorbell
from hexasched.store import finishing, functions, history, holding, workspaces
from hexasched.store.functions import Function
from tests.web import rows
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Place
from web.runs import pointed

LogIn = Callable[[str], Browser]
TOKEN = "0123456789abcdef" * 2
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def function(place: Place, people: dict[str, int]) -> Function:
    with place.database.writing() as connection:
        workspace = workspaces.first_workspace(connection)
        assert workspace
        return rows.live_function(connection, workspace.id, "daily-summary-email", place.clock())


def ended(place: Place, function: Function, outcome: Outcome = rows.OK, event: str = "{}") -> int:
    with place.database.writing() as connection:
        return rows.ended_run(connection, function, place.clock(), outcome, event=event)


def test_the_list_can_be_narrowed_down_and_paged(place: Place, function: Function, logged_in: LogIn) -> None:
    with place.database.writing() as connection:
        other = rows.live_function(connection, 1, "check-invoices", place.clock())
    for number in range(60):
        ended(place, other if number % 30 == 0 else function, rows.ERROR if number % 10 == 0 else rows.OK)
    viewer = logged_in("viewer")

    def shown(path: str) -> list[int]:
        return [int(number) for number in re.findall(r'<tr id="run-(\d+)">', viewer.get(path).text)]

    assert shown("/runs") == list(range(60, 10, -1))
    older = re.search(r'rel="next" href="([^"]+)"', viewer.get("/runs").text)
    assert older and shown(unescape(older[1])) == list(range(10, 0, -1))
    assert shown("/runs?status=problems") == shown("/runs?status=failed") == [51, 41, 31, 21, 11, 1]
    assert shown("/runs?status=failed&function=check-invoices") == [31, 1]
    assert shown("/runs?status=timed_out") == []
    assert "No run matches" in viewer.get("/runs?status=timed_out").text
    older = re.search(r'rel="next" href="([^"]+)"', viewer.get("/runs?status=succeeded").text)
    assert older and "status=succeeded" in older[1]


@pytest.mark.parametrize("query", ["before=x", "before=-1", "before=99999999999999999999", "cronjob=%00", "status='"])
def test_the_list_takes_any_query(place: Place, function: Function, logged_in: LogIn, query: str) -> None:
    ended(place, function)
    assert logged_in("viewer").get(f"/runs?{query}").status_code == 200


def test_the_list_keeps_itself_fresh_only_while_something_goes_on(
    place: Place, function: Function, logged_in: LogIn
) -> None:
    ended(place, function)
    viewer = logged_in("viewer")
    assert "data-refresh" not in viewer.get("/runs").text
    with place.database.writing() as connection:
        rows.queued_run(connection, function, place.clock())
    page = viewer.get("/runs").text
    assert 'data-refresh="3"' in page and '<noscript><meta http-equiv="refresh"' in page


def test_a_failed_run_shows_the_line_the_hint_and_what_changed(
    place: Place, function: Function, logged_in: LogIn
) -> None:
    good = ended(place, function)
    with place.database.writing() as connection:
        rows.deploy(connection, function, place.clock())
        newer = functions.by_id(connection, 1, function.id)
    assert newer
    run_id = ended(place, newer, rows.ERROR)
    page = unescape(logged_in("developer").get(f"/runs/{run_id}").text)
    assert f"<title>Run {run_id} failed · daily-summary-email · HexaSched</title>" in page
    assert "The code failed. It had read the variables MAIL_TO, SMTP_HOST." in page
    assert "index.js:5:16" in page
    assert 'href="/functions/daily-summary-email/versions/2?line=5"' in page
    assert 'href="/functions/daily-summary-email?line=5"' in page
    assert "  return await send(mail);\n               ^</pre>" in page
    assert "`transport` is undefined" in page
    assert f">run {good}</a>" in page and "Since then: version 1 → 2." in page


def test_a_missing_variable_is_named_with_the_way_to_add_it(place: Place, function: Function, logged_in: LogIn) -> None:
    run_id = ended(place, function, rows.ENV_MISSING)
    page = unescape(logged_in("viewer").get(f"/runs/{run_id}").text)
    assert "It failed after reading SMTP_HOST, which is not set. Add it under Environment." in page
    assert 'href="/functions/daily-summary-email/environment?add=SMTP_HOST">Add it</a>' in page


def test_hostile_output_stays_text(place: Place, function: Function, logged_in: LogIn) -> None:
    error = ErrorDetail(
        type=HOSTILE, message=f"{HOSTILE}\x1b[31m\u202e", stack=HOSTILE, file=HOSTILE, line=1, column=3,
        source_line=HOSTILE, code=HOSTILE, hint=HOSTILE,
    )  # fmt: skip
    outcome = replace(rows.ERROR, error=error, warnings=(HOSTILE,), env_read=(HOSTILE,), result=f'"{HOSTILE}"')
    run_id = ended(place, function, outcome, event='{"a":"<script>alert(1)</script>"}')
    viewer = logged_in("viewer")
    for path in (f"/runs/{run_id}", "/runs", "/"):
        page = viewer.get(path).text
        assert "<script>alert" not in page and "\x1b" not in page and "\u202e" not in page
        assert "&lt;script&gt;alert" in page


def test_result_and_payload_are_shown_as_json(place: Place, function: Function, logged_in: LogIn) -> None:
    run_id = ended(place, function, event='{"to":["a","b"]}')
    page = unescape(logged_in("viewer").get(f"/runs/{run_id}").text)
    assert '{\n  "sent": 3\n}' in page
    assert '{\n  "to": [\n    "a",\n    "b"\n  ]\n}' in page


def test_the_attempts_at_one_occurrence_are_together(place: Place, function: Function, logged_in: LogIn) -> None:
    due = place.clock() + timedelta(days=1)
    with place.database.writing() as connection:
        rows.cron_job(connection, function, place.clock(), max_attempts=3)
        rows.tick(connection, due)
        rows.end(connection, due, rows.ERROR)
        rows.end(connection, due + timedelta(minutes=1), rows.OK)
    first = unescape(logged_in("viewer").get("/runs/1").text)
    assert "1 (this one)" in first.replace('1 <span class="dim">(this one)', "1 (this one)")
    assert '<a class="row-link" href="/runs/2">2</a>' in first
    assert '<a class="row-link" href="/runs/1">1</a>' in logged_in("viewer").get("/runs/2").text


def test_a_queued_run_is_cancelled_at_once(place: Place, function: Function, logged_in: LogIn) -> None:
    with place.database.writing() as connection:
        run_id = rows.queued_run(connection, function, place.clock())
    developer = logged_in("developer")
    assert ">Cancel</button>" in developer.get(f"/runs/{run_id}").text
    assert ">Cancel</button>" not in logged_in("viewer").get(f"/runs/{run_id}").text
    with Doorbell(place.config.data_dir, WORK) as bell:
        assert developer.post(f"/runs/{run_id}/cancel").location == f"/runs/{run_id}"
        assert bell.wait(1)
    page = developer.get(f"/runs/{run_id}").text
    assert "The run is cancelled." in page and "by a person" in page
    # What was under the pointer is still there: nothing else gets a second click.
    assert '<button class="btn btn-danger" disabled>Cancel</button>' in page
    assert page.index(">Run again</button>") < page.index(">Cancel</button>")
    place.clock.advance(timedelta(minutes=2))
    assert ">Cancel</button>" not in developer.get(f"/runs/{run_id}").text
    developer.post(f"/runs/{ended(place, function)}/cancel")
    assert "The run had ended already." in developer.get("/runs").text


def test_a_running_run_is_asked_to_stop(place: Place, function: Function, logged_in: LogIn) -> None:
    with place.database.writing() as connection:
        rows.queued_run(connection, function, place.clock())
        claim = rows.start(connection, place.clock())
    developer = logged_in("developer")
    developer.post(f"/runs/{claim.run_id}/cancel")
    with place.database.reading() as connection:
        assert holding.to_cancel(connection, rows.WORKER) == [(claim, Reason.USER)]
    page = developer.get(f"/runs/{claim.run_id}").text
    assert "was asked to stop" in page and "Stopping…" in page
    assert '<button class="btn btn-danger" disabled>Cancel</button>' in page
    with place.database.writing() as connection:
        assert finishing.finish(connection, claim, rows.OK, place.clock())
    assert "disabled>Cancel</button>" in developer.get(f"/runs/{claim.run_id}", HX_Request="true").text
    assert ">Cancel</button>" not in developer.get(f"/runs/{claim.run_id}").text


def test_it_runs_again_with_the_same_or_the_live_version(place: Place, function: Function, logged_in: LogIn) -> None:
    run_id = ended(place, function, rows.ERROR, event='{"to":"all"}')
    developer = logged_in("developer")
    assert ">Run again</button>" in developer.get(f"/runs/{run_id}").text
    with place.database.writing() as connection:
        rows.deploy(connection, function, place.clock())
    page = developer.get(f"/runs/{run_id}").text
    assert ">Run again with version 1</button>" in page and ">Run again with live version 2</button>" in page
    found = []
    for version, token in (("same", TOKEN), ("live", TOKEN[::-1]), ("live", TOKEN[::-1])):
        answer = developer.post(f"/runs/{run_id}/again", {"token": token, "version": version})
        with place.database.reading() as connection:
            run = history.detail(connection, 1, int(str(answer.location).rpartition("/")[2]))
        assert run
        found.append((run.id, run.version_number, run.trigger, run.event))
    assert found[0] == (run_id + 1, 1, "again", '{"to":"all"}')
    assert found[1] == found[2] == (run_id + 2, 2, "again", '{"to":"all"}')


def test_a_run_that_never_was_has_no_log(place: Place, function: Function, logged_in: LogIn) -> None:
    with place.database.writing() as connection:
        rows.cron_job(connection, function, place.clock())
        rows.tick(connection, place.clock() + timedelta(days=1, hours=3))
        rows.tick(connection, place.clock() + timedelta(days=2, hours=1))
    page = logged_in("viewer").get("/runs/2").text
    assert "The run before it was still queued or running." in page
    assert 'id="log-title"' not in page


def test_a_lost_run_says_that_nobody_knows(place: Place, function: Function, logged_in: LogIn) -> None:
    run_id = ended(place, function, Outcome(status=Status.LOST, reason=Reason.WORKER_GONE))
    assert "Whether the code had finished its work is not known." in logged_in("viewer").get(f"/runs/{run_id}").text


@pytest.mark.parametrize(
    ("line", "column", "text", "below"),
    [
        ("\treturn x;", 9, "  return x;", "         ^"),
        ("a" * 300 + "b", 301, "a" * 80 + "b", " " * 80 + "^"),
        ("abc", None, "abc", ""),
        ("\x1b[31mred", 6, "red", "^"),
    ],
)
def test_the_caret_is_below_the_column(line: str, column: int | None, text: str, below: str) -> None:
    found = pointed(ErrorDetail(type="E", message="", source_line=line, column=column))
    assert found and (found.text, found.below) == (text, below)


def test_an_empty_line_is_not_pointed_at() -> None:
    assert pointed(ErrorDetail(type="E", message="", source_line="  \n", column=1)) is None


@pytest.mark.browser
def test_a_run_is_followed_live_to_its_end(
    place: Place, function: Function, page: Page, serving: Callable[..., str]
) -> None:
    with place.database.writing() as connection:
        rows.queued_run(connection, function, place.clock())
        claim = rows.start(connection, place.clock())
        rows.say(connection, claim, 10, "first\nhal", place.clock())
    address = serving(place.app())
    page.goto(f"{address}/login")
    page.fill("#email", "viewer@example.org")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url(f"{address}/")
    page.goto(f"{address}/runs/{claim.run_id}")
    expect(page.locator(".log li")).to_have_text(["first", "hal"])
    expect(page.get_by_label("Follow")).to_be_visible()
    with place.database.writing() as connection:
        rows.say(connection, claim, 20, f"{HOSTILE}\n", place.clock(), "e")
        rows.say(connection, claim, 30, "f a line\nlast", place.clock())
    expect(page.locator(".log li")).to_have_text(["first", "half a line", HOSTILE, "last"])
    expect(page.locator(".log-err")).to_have_text([HOSTILE])
    with place.database.writing() as connection:
        finishing.finish(connection, claim, rows.OK, place.clock() + timedelta(seconds=1))
    expect(page.locator("#run .status")).to_have_text("Succeeded")
    expect(page.get_by_label("Follow")).to_be_hidden()
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    expect(page.locator("#result")).to_contain_text('"sent": 3')
    assert page.title() == f"Run {claim.run_id} succeeded · daily-summary-email · HexaSched"
    assert page.locator("[data-refresh]").count() == 0


def test_the_list_names_the_missing_variable_and_what_happened(
    place: Place, function: Function, logged_in: LogIn
) -> None:
    ended(place, function, rows.ENV_MISSING)
    said = "SMTP_HOST is not set: Cannot read properties of undefined (reading &#39;send&#39;)"
    for page in ("/runs", "/"):
        assert said in logged_in("viewer").get(page).text


def test_the_last_success_was_just_now_and_memory_has_one_unit(
    place: Place, function: Function, logged_in: LogIn
) -> None:
    ended(place, function)
    failed = ended(place, function, rows.ERROR)
    place.clock.advance(timedelta(seconds=2))
    page = logged_in("viewer").get(f"/runs/{failed}").text
    assert re.search(r"Last success: <a [^>]*>run 1</a>, <time [^>]*>just now</time>\.", page)
    assert '61 MB <span class="dim">of at most 256 MB</span>' in page
