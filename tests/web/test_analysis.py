"""What the editor asks while one types."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hexasched import doorbell
from hexasched.doorbell import Doorbell
from hexasched.store import build_claims, build_rows, builds
from tests.waiting import wait_until
from tests.web import deploys
from tests.web.browser import Browser
from tests.web.conftest import Place
from web.analysis import ANSWER_WITHIN_S, AT_ONCE

LogIn = Callable[[str], Browser]
SOURCE = "import nodemailer from 'nodemailer';\nexport default () => process.env.MAIL_TO;\n"
FORM = {"source": SOURCE, "runtime": "node24", "handler_file": "index.js", "dependencies": ""}
FOUND = {
    "errors": [],
    "handler": "default",
    "imports": [
        {"specifier": "nodemailer", "package": "nodemailer", "builtin": False, "relative": False, "line": 1},
        {"specifier": "node:fs", "package": None, "builtin": True, "relative": False, "line": 2},
    ],
    "env": [{"name": "MAIL_TO", "line": 2, "optional": False}, {"name": "PORT", "line": 3, "optional": True}],
}


@contextmanager
def _answering(place: Place, found: dict[str, Any]) -> Iterator[None]:
    """Somebody takes one analysis and finds `found`, as a worker does."""

    def answer(bell: Doorbell) -> None:
        bell.wait(10)
        with place.database.writing() as connection:
            [taken] = build_claims.claim(connection, "w1", 1, place.clock())
            assert builds.finish(
                connection, taken, status="succeeded", reason="ok", stages=[], result=found, now=place.clock()
            )
        doorbell.ring(place.config.data_dir, doorbell.DONE)

    with Doorbell(place.config.data_dir, doorbell.WORK) as bell:
        thread = threading.Thread(target=answer, args=(bell,))
        thread.start()
        yield
        thread.join()


@pytest.fixture
def developer(place: Place, logged_in: LogIn) -> Browser:
    """A developer, with a worker that has Node.js 24 and 18."""
    deploys.add_worker(place, node24="Node.js 24", node18="Node.js 18 (end of life)")
    return logged_in("developer")


def test_it_tells_the_editor_what_the_code_reads_and_needs(place: Place, developer: Browser) -> None:
    began = time.monotonic()
    with _answering(place, FOUND):
        answer = developer.post("/functions/analyse", FORM)
    assert time.monotonic() - began < ANSWER_WITHIN_S
    assert answer.json == {
        "diagnostics": [
            {
                "message": "The package nodemailer is not in Packages. Add it there.",
                "line": 1,
                "column": 1,
                "severity": "warning",
            }
        ],
        "env": [
            {"name": "MAIL_TO", "line": 2, "optional": False},
            {"name": "PORT", "line": 3, "optional": True},
        ],
        "packages": [{"name": "nodemailer", "line": 1}],
    }


def test_it_misses_no_package_that_is_asked_for(place: Place, developer: Browser) -> None:
    with _answering(place, FOUND):
        answer = developer.post("/functions/analyse", FORM | {"dependencies": '{"nodemailer": "^7.0.0"}'})
    assert answer.json and (answer.json["diagnostics"], answer.json["packages"]) == ([], [])


def test_it_marks_mistakes_and_says_nothing_of_what_can_not_be_known(place: Place, developer: Browser) -> None:
    error = {"message": "Unexpected token", "file": "index.js", "line": 3, "column": 9, "hint": "Close the bracket."}
    with _answering(place, {**FOUND, "errors": [error], "handler": None, "env": [], "imports": []}):
        answer = developer.post("/functions/analyse", FORM)
    mark = {"message": "Unexpected token Close the bracket.", "line": 3, "column": 9, "severity": "error"}
    assert answer.json == {"diagnostics": [mark]}


def test_it_says_how_to_export_a_handler(place: Place, developer: Browser) -> None:
    with _answering(place, {**FOUND, "handler": None, "imports": []}):
        answer = developer.post("/functions/analyse", FORM)
    assert answer.json and answer.json["diagnostics"][0]["message"].startswith("Export a default function")


def test_it_has_no_answer_when_no_worker_is_there(place: Place, logged_in: LogIn) -> None:
    answer = logged_in("developer").post("/functions/analyse", FORM)
    assert (answer.status_code, answer.data) == (204, b"")
    with place.database.reading() as connection:
        assert not build_claims.any_queued(connection)


@pytest.mark.parametrize(
    "changes",
    [{"source": ""}, {"runtime": "node99"}, {"handler_file": "x"}, {"runtime": "node18", "handler_file": "index.ts"}],
)
def test_it_asks_nobody_about_what_could_not_be_deployed(
    place: Place, developer: Browser, changes: dict[str, str]
) -> None:
    assert developer.post("/functions/analyse", FORM | changes).status_code == 204
    with place.database.reading() as connection:
        assert not build_claims.any_queued(connection)


def test_it_gives_up_after_a_while(developer: Browser) -> None:
    began = time.monotonic()
    assert developer.post("/functions/analyse", FORM).status_code == 202
    assert ANSWER_WITHIN_S <= time.monotonic() - began < ANSWER_WITHIN_S + 2


def test_only_so_many_wait_at_once(place: Place, developer: Browser, logged_in: LogIn) -> None:
    crowd = [logged_in("developer") for _ in range(AT_ONCE)]
    threads = [threading.Thread(target=one.post, args=("/functions/analyse", FORM)) for one in crowd]

    def waiting() -> bool:
        with place.database.reading() as connection:
            workspace_id = deploys.workspace_id(connection)
            return build_rows.by_id(connection, workspace_id, AT_ONCE) is not None

    for thread in threads:
        thread.start()
    wait_until(waiting, deadline_s=2, what="a full house")
    began = time.monotonic()
    assert developer.post("/functions/analyse", FORM).status_code == 202
    assert time.monotonic() - began < 1
    for thread in threads:
        thread.join()


def test_a_viewer_may_not_ask(logged_in: LogIn) -> None:
    assert logged_in("viewer").post("/functions/analyse", FORM).status_code == 403


def test_a_function_may_be_called_as_the_address_is(place: Place, logged_in: LogIn) -> None:
    deploys.live(place, "analyse")
    assert "Version 1 is live" in logged_in("viewer").get("/functions/analyse").text
