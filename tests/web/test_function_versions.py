"""The pages of versions: how a build went or goes, what a version is made of, making one live."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest

from hexasched.store import builds, function_versions, history, logs
from hexasched.store.build_claims import BuildClaim
from hexasched.store.logs import Chunk
from tests.web import deploys, rows
from tests.web.browser import Browser
from tests.web.conftest import Place

LogIn = Callable[[str], Browser]
PAGE = "/functions/hello/versions"


def _say(place: Place, taken: BuildClaim, text: str, stream: str = "o") -> None:
    with place.database.writing() as connection:
        seq = logs.end(connection, "build", taken.build_id, taken.fence) + 1
        chunk = Chunk(fence=taken.fence, seq=seq, stream=stream, at=place.clock(), data=text.encode())
        logs.append(connection, "build", taken.build_id, [chunk])


def _stages(page: str) -> list[str]:
    """The state of each stage, in order."""
    return [part.partition('"')[0] for part in page.split('class="stage stage-')[1:]]


def test_it_follows_a_build_from_the_queue_to_the_end(place: Place, logged_in: LogIn) -> None:
    deploys.make(place)
    deploys.begin(place, dependencies={"nodemailer": "^7.0.0"})
    viewer = logged_in("viewer")
    page = viewer.get(f"{PAGE}/1").text
    assert "Waiting for a worker…" in page
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in page
    assert _stages(page) == ["waiting"] * 4
    taken = deploys.claim(place)
    _say(place, taken, "added 1 package\n")
    with place.database.writing() as connection:
        done = [{"name": "syntax", "state": "ok", "duration_ms": 206, "error": None}]
        assert builds.enter_stage(connection, taken, "install", done)
    fragment = viewer.get(f"{PAGE}/1/build", HX_Request="true").text
    assert "<html" not in fragment
    assert "Deploying version 1…" in fragment and "added 1 package" in fragment and "206 ms" in fragment
    assert _stages(fragment) == ["ok", "running", "waiting", "waiting"]
    assert f'data-refresh="1" hx-get="{PAGE}/1/build"' in fragment
    deploys.conclude(place, taken)
    fragment = viewer.get(f"{PAGE}/1/build").text
    assert "Function hello deployed as version 1" in fragment
    assert "data-refresh" not in fragment


def test_it_offers_the_next_steps_after_a_deploy(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    page = logged_in("developer").get(f"{PAGE}/1").text
    assert 'action="/functions/hello/run"' in page
    assert '<a class="btn btn-secondary" href="/cronjobs/new?function=hello">Create New CronJob</a>' in page
    assert "Create New CronJob" not in logged_in("viewer").get(f"{PAGE}/1").text


def test_it_says_which_stages_were_not_needed(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    page = logged_in("viewer").get(f"{PAGE}/1").text
    assert _stages(page) == ["ok", "skipped", "ok", "ok"]
    assert "skipped: no packages" in page


def test_it_shows_where_a_deploy_failed_and_what_is_still_serving(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    deploys.deploy(place, error=deploys.ERROR)
    page = unescape(logged_in("developer").get(f"{PAGE}/2").text)
    assert "Deploy failed at “Load module”" in page and "Version 1 is still serving." in page
    assert _stages(page) == ["ok", "skipped", "failed", "unreached"]
    assert "<b>SyntaxError</b>" in page and "Unexpected token ')'" in page
    assert "<code>index.js:2:7</code>" in page
    assert '  call();\n<span class="caret">      ^</span>' in page
    assert "Look at the line before it." in page
    assert (
        '<a class="btn btn-secondary btn-sm" href="/functions/hello?version=2&line=2">Open in editor at line 2</a>'
        in page
    )
    assert logged_in("developer").get("/functions/hello?version=2&line=2").status_code == 200


def test_a_first_deploy_that_failed_leaves_nothing_that_could_run(place: Place, logged_in: LogIn) -> None:
    deploys.make(place)
    deploys.deploy(place, error={"type": "BuildError", "message": "npm could not install the packages."})
    page = logged_in("developer").get(f"{PAGE}/1").text
    assert "The function has no version that could run yet." in page
    assert "BuildError" not in page and "npm could not install the packages." in page
    assert ">Open in editor</a>" in page


def test_the_log_shows_what_was_printed_and_not_what_it_would_do_to_a_terminal(place: Place, logged_in: LogIn) -> None:
    deploys.make(place)
    deploys.begin(place)
    taken = deploys.claim(place)
    _say(place, taken, "\x1b[31mred\x1b[0m <b>bold</b>\nhalf a li")
    _say(place, taken, "npm warn old\n", "e")
    deploys.conclude(place, taken)
    page = logged_in("viewer").get(f"{PAGE}/1").text
    assert '<li class="log-out">red &lt;b&gt;bold&lt;/b&gt;</li>' in page
    assert '<li class="log-err">npm warn old</li>' in page
    assert '<li class="log-out">half a li</li>' in page


def test_it_names_the_variables_to_set(place: Place, logged_in: LogIn) -> None:
    deploys.live(place, analysis={"env": [{"name": "SMTP_HOST", "line": 5, "optional": False}]})
    page = logged_in("developer").get(f"{PAGE}/1").text
    assert "<code>SMTP_HOST</code> is read on line 5 but not set." in page
    assert "/functions/hello/environment?add=SMTP_HOST" in page


def test_it_lists_versions_with_their_author_and_state(place: Place, logged_in: LogIn) -> None:
    deploys.live(place, dependencies={"nodemailer": "^7.0.0"})
    deploys.deploy(place, error=deploys.ERROR)
    form = {"runtime": "node24", "handler_file": "index.js", "source": "let a;", "base": "2"}
    logged_in("owner").post("/functions/hello/deploy", form)
    page = logged_in("viewer").get(PAGE).text
    assert page.index("Version 3</a>") < page.index("Version 2</a>") < page.index("Version 1</a>")
    for text in ("Building", "Failed", "Live", "owner@example.org", "nodemailer", "Node.js 24"):
        assert text in page
    assert "Make live" not in page


def test_an_older_version_can_be_made_live_again(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    deploys.deploy(place)
    developer = logged_in("developer")
    assert developer.get(PAGE).text.count(">Make live</button>") == 1
    answer = developer.post(f"{PAGE}/1/activate")
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert deploys.find(place).live_version == 1
    assert "Version 1 is live now. The next run of hello uses it." in developer.get(PAGE).text
    assert "Version 2 was built and can be made live." in developer.get(f"{PAGE}/2").text


def test_a_version_that_failed_can_not_be_made_live(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    deploys.deploy(place, error=deploys.ERROR)
    developer = logged_in("developer")
    assert developer.post(f"{PAGE}/2/activate").status_code == 303
    assert deploys.find(place).live_version == 1
    assert "Version 2 can&#39;t be live" in developer.get(PAGE).text


def test_a_viewer_can_not_make_a_version_live(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    deploys.deploy(place)
    assert logged_in("viewer").post(f"{PAGE}/1/activate").status_code == 403
    assert deploys.find(place).live_version == 2


@pytest.mark.parametrize("number", ["0", "2", "x", "99999999999999999999"])
def test_there_is_no_page_of_a_version_that_is_not_there(place: Place, logged_in: LogIn, number: str) -> None:
    deploys.live(place)
    assert logged_in("owner").get(f"{PAGE}/{number}").status_code == 404
    assert logged_in("owner").post(f"{PAGE}/{number}/activate").status_code == 404


def test_a_draft_has_no_number_and_no_page(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    form = {"runtime": "node24", "handler_file": "index.js", "source": "let a;", "event": "{}"}
    assert logged_in("developer").post("/functions/hello/test", form).status_code == 303
    with place.database.reading() as connection:
        assert len(function_versions.versions(connection, deploys.find(place).id)) == 1
    assert "Version 2" not in logged_in("developer").get(PAGE).text


def test_the_marks_beside_the_name_follow_a_deploy(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    deploys.begin(place)
    viewer = logged_in("viewer")
    page = viewer.get("/functions/hello/standing").text
    assert "Version 1 is live" in page and "Deploying version 2…" in page and 'data-refresh="1"' in page
    place.clock.advance(timedelta(seconds=2))
    deploys.conclude(place, deploys.claim(place), error=deploys.ERROR)
    page = viewer.get("/functions/hello/standing").text
    assert "Deploy of version 2 failed" in page and "data-refresh" not in page


def test_it_offers_to_move_runs_that_wait_with_an_older_version(place: Place, logged_in: LogIn) -> None:
    function = deploys.live(place)
    with place.database.writing() as connection:
        waiting = [rows.queued_run(connection, function, place.clock()) for _ in range(3)]
        begun = rows.start(connection, place.clock()).run_id
        tested = rows.queued_run(connection, function, place.clock(), trigger="test")
    developer, viewer = logged_in("developer"), logged_in("viewer")
    assert "queued with" not in viewer.get("/functions/hello").text
    deploys.deploy(place)
    said = "2 runs wait and will use the version they were queued with, not version 2."
    for page in ("/functions/hello", f"{PAGE}/2", f"{PAGE}/2/build", f"{PAGE}/1"):
        text = developer.get(page).text
        assert text.count(said) == 1 and text.count("Run them with version 2</button>") == 1
    assert said in viewer.get(PAGE).text and "Run them with" not in viewer.get(PAGE).text
    assert developer.post(f"{PAGE}/1/waiting").status_code == 303
    assert "Version 1 is not live any more. Nothing was changed." in developer.get(PAGE).text
    assert developer.post(f"{PAGE}/2/waiting").headers["Location"] == f"{PAGE}/2"
    assert "2 runs use version 2 now." in developer.get(f"{PAGE}/2").text
    with place.database.reading() as connection:
        numbers = {}
        for run_id in (*waiting, tested):
            run = history.detail(connection, function.workspace_id, run_id)
            assert run
            numbers[run_id] = run.version_number
    assert numbers == {run_id: 1 if run_id in (begun, tested) else 2 for run_id in numbers}
    assert "queued with" not in developer.get(PAGE).text
