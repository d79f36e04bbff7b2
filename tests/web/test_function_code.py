"""The page of one function's code: which text it shows, Deploy, Test run, Run now."""

from collections.abc import Callable
from html import unescape

import pytest

from hexasched import doorbell
from hexasched.doorbell import Doorbell
from hexasched.store import function_versions, history
from hexasched.store.history import Filter
from hexasched.store.run_rows import RunDetail
from tests.web import deploys
from tests.web.browser import Browser
from tests.web.conftest import Place

LogIn = Callable[[str], Browser]

SOURCE = "export default async () => 'typed';\n"
FORM = {
    "runtime": "node24",
    "handler_file": "index.js",
    "source": SOURCE,
    "timeout_s": "60",
    "memory_mb": "256",
    "base": "1",
}
TOKEN = "0123456789abcdef" * 2


def _shown(browser: Browser, query: str = "") -> str:
    """The source that the editor has."""
    page = unescape(browser.get(f"/functions/hello{query}").text)
    return page.partition('name="source"')[2].partition(">\n")[2].partition("</textarea>")[0]


def _runs(place: Place) -> list[RunDetail]:
    with place.database.reading() as connection:
        workspace_id = deploys.workspace_id(connection)
        rows = history.history(connection, workspace_id, Filter(function_id=deploys.find(place).id))
        found = [history.detail(connection, workspace_id, row.id) for row in rows]
    return [run for run in found if run]


def _newest(place: Place) -> int | None:
    with place.database.reading() as connection:
        return function_versions.versions(connection, deploys.find(place).id)[0].number


def test_it_shows_the_code_that_is_live(place: Place, logged_in: LogIn) -> None:
    deploys.live(place, source="export default () => 1;\n")
    page = logged_in("viewer").get("/functions/hello").text
    assert "Version 1 is live" in page
    assert _shown(logged_in("viewer")) == "export default () => 1;\n"


def test_a_viewer_reads_and_has_no_buttons(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    page = logged_in("viewer").get("/functions/hello").text
    assert page.count("readonly data-read-only") == 2
    assert "data-analyse-url" not in page
    for label in (">Deploy<", ">Test run<", ">Run now<"):
        assert label not in page
    for path in ("deploy", "test", "run"):
        assert logged_in("viewer").post(f"/functions/hello/{path}", FORM).status_code == 403


def test_it_shows_the_code_whose_deploy_failed_with_the_line_that_is_wrong(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    deploys.deploy(place, source="call();\n  call();\n", error=deploys.ERROR)
    developer = logged_in("developer")
    page = unescape(developer.get("/functions/hello").text)
    assert "The deploy of this code as version 2 failed. Version 1 is still serving." in page
    assert "Line 2: Unexpected token ')'" in page
    assert 'data-diagnostics="[{"column": 7, "line": 2' in page
    assert _shown(developer) == "call();\n  call();\n"
    assert "'hello'" in _shown(developer, "?version=1")


def test_it_shows_what_serves_after_a_rollback(place: Place, logged_in: LogIn) -> None:
    deploys.live(place, source="let first;\n")
    deploys.deploy(place, source="let second;\n")
    developer = logged_in("developer")
    assert _shown(developer) == "let second;\n"
    developer.post("/functions/hello/versions/1/activate")
    assert _shown(developer) == "let first;\n"


def test_it_puts_the_cursor_where_the_address_says(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    assert 'data-line="3"' in logged_in("developer").get("/functions/hello?line=3").text
    assert logged_in("developer").get("/functions/hello?version=9").status_code == 404


def test_it_deploys_what_was_typed_as_the_next_version(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    with Doorbell(place.config.data_dir, doorbell.WORK) as bell:
        answer = logged_in("developer").post("/functions/hello/deploy", FORM)
        assert bell.wait(1)
    assert (answer.status_code, answer.location) == (303, "/functions/hello/versions/2")
    page = logged_in("developer").get("/functions/hello").text
    assert "Version 1 is live" in page and "Deploying version 2…" in page


def test_it_does_not_replace_a_version_that_its_author_has_not_seen(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    deploys.deploy(place)
    developer = logged_in("developer")
    answer = developer.post("/functions/hello/deploy", FORM)
    page = unescape(answer.text)
    assert answer.status_code == 409
    assert "Nothing of yours was deployed" in page and "Deploy anyway" in page
    assert f">\n{SOURCE}</textarea>" in page
    assert 'name="base" value="2"' in page
    assert _newest(place) == 2
    assert developer.post("/functions/hello/deploy", FORM | {"base": "2"}).status_code == 303
    assert _newest(place) == 3


@pytest.mark.parametrize("base", ["", "x", "-1", "99"])
def test_a_form_that_knows_no_version_is_out_of_date(place: Place, logged_in: LogIn, base: str) -> None:
    deploys.live(place)
    assert logged_in("developer").post("/functions/hello/deploy", FORM | {"base": base}).status_code == 409


def test_a_deploy_with_mistakes_keeps_what_was_typed(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    wrong = {"timeout_s": "0", "dependencies": "[]"}
    answer = logged_in("developer").post("/functions/hello/deploy", FORM | wrong)
    assert answer.status_code == 422
    assert 'id="timeout_s-error"' in answer.text and 'id="dependencies-error"' in answer.text
    assert f">\n{SOURCE}</textarea>" in unescape(answer.text)
    assert _newest(place) == 1


def test_it_can_be_deployed_while_no_worker_has_its_runtime(place: Place, logged_in: LogIn) -> None:
    deploys.live(place, runtime="node18")
    deploys.add_worker(place, node24="Node.js 24")
    developer = logged_in("developer")
    assert '<option value="node18" selected>Node.js 18</option>' in developer.get("/functions/hello").text
    assert developer.post("/functions/hello/deploy", FORM | {"runtime": "node18"}).status_code == 303


def test_a_test_run_tries_a_draft_and_deploys_nothing(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    developer = logged_in("developer")
    answer = developer.post("/functions/hello/test", FORM | {"event": '{"a": 1}'})
    [run] = _runs(place)
    assert (answer.status_code, answer.location) == (303, f"/runs/{run.id}")
    assert (run.trigger, run.version_number, run.source, run.event) == ("test", None, SOURCE, '{"a":1}')
    assert (deploys.find(place).live_version, _newest(place)) == (1, 1)


def test_only_its_author_goes_on_with_a_draft_and_a_deploy_ends_it(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    developer = logged_in("developer")
    developer.post("/functions/hello/test", FORM)
    assert "This is your draft" in developer.get("/functions/hello").text
    assert _shown(developer) == SOURCE
    assert "'hello'" in _shown(logged_in("owner")) and "'hello'" in _shown(logged_in("viewer"))
    developer.post("/functions/hello/deploy", FORM | {"source": "let next;\n"})
    assert _shown(developer) == "let next;\n"


def test_a_test_run_needs_an_event_that_is_json(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    answer = logged_in("developer").post("/functions/hello/test", FORM | {"event": "{oops"})
    assert answer.status_code == 422
    assert "The event is not JSON: line 1, column 2" in answer.text
    assert ">\n{oops</textarea>" in answer.text
    assert f">\n{SOURCE}</textarea>" in unescape(answer.text)
    assert _runs(place) == []


def test_run_now_queues_the_live_version_with_its_payload(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    with Doorbell(place.config.data_dir, doorbell.WORK) as bell:
        form = {"token": TOKEN, "run_event": '{"greeting": "hello"}'}
        answer = logged_in("developer").post("/functions/hello/run", form)
        assert bell.wait(1)
    [run] = _runs(place)
    assert answer.location == f"/runs/{run.id}"
    assert (run.trigger, run.version_number, run.event) == ("manual", 1, '{"greeting":"hello"}')


def test_a_form_that_is_sent_again_makes_no_second_run(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    sent = [logged_in("developer").post("/functions/hello/run", {"token": TOKEN}) for _ in range(2)]
    [run] = _runs(place)
    assert {answer.location for answer in sent} == {f"/runs/{run.id}"}


def test_run_now_keeps_a_payload_that_is_not_json_and_says_where(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    answer = logged_in("developer").post("/functions/hello/run", {"token": TOKEN, "run_event": "[1,]"})
    assert answer.status_code == 422
    assert 'id="run_event-error"' in answer.text and ">\n[1,]</textarea>" in answer.text
    assert _runs(place) == []


def test_there_is_nothing_to_run_before_a_version_is_live(place: Place, logged_in: LogIn) -> None:
    deploys.make(place)
    developer = logged_in("developer")
    assert "Possible once a version is live." in developer.get("/functions/hello").text
    answer = developer.post("/functions/hello/run", {"token": TOKEN})
    assert answer.status_code == 422
    assert "No version is live yet. Deploy the code first." in answer.text


def test_a_run_without_a_token_is_refused(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    assert logged_in("developer").post("/functions/hello/run", {}).status_code == 400
    assert _runs(place) == []


def test_it_names_variables_that_the_code_reads_and_that_are_not_set(place: Place, logged_in: LogIn) -> None:
    env = [{"name": "SMTP_HOST", "line": 5, "optional": False}, {"name": "PORT", "line": 6, "optional": True}]
    deploys.live(place, analysis={"env": env})
    page = logged_in("developer").get("/functions/hello").text
    assert "<code>SMTP_HOST</code> is read on line 5 but not set." in page
    assert "<code>PORT</code>" not in page
    assert "/functions/hello/environment?add=SMTP_HOST" in page


def test_its_runs_are_a_choice_of_all_runs(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    assert logged_in("viewer").get("/functions/hello/runs").location == "/runs?function=hello"
