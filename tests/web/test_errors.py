"""Error pages say what to do, and nothing of what broke."""

import errno
import logging
from collections.abc import Callable

import pytest
from flask import Flask

from tests.web.browser import Browser
from tests.web.conftest import Place
from web.access import public, require


def _break(app: Flask) -> None:
    @require("viewer")
    def broken() -> str:
        raise RuntimeError("the secret detail")

    app.add_url_rule("/broken", "broken", broken)


def test_it_hides_what_broke_and_logs_it_with_the_id_that_it_shows(
    app: Flask, logged_in: Callable[[str], Browser], caplog: pytest.LogCaptureFixture
) -> None:
    _break(app)
    with caplog.at_level(logging.ERROR):
        answer = logged_in("owner").get("/broken")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "RuntimeError" not in answer.text and "secret detail" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.text
    record = next(record for record in caplog.records if record.message == "web.failed")
    assert record.fields["request_id"] == answer.headers["X-Request-Id"]  # type: ignore[attr-defined]
    assert record.exc_info and "secret detail" in str(record.exc_info[1])


def test_it_still_has_an_error_page_when_the_database_is_gone(
    place: Place, app: Flask, logged_in: Callable[[str], Browser]
) -> None:
    owner = logged_in("owner")
    place.database.close()
    (place.config.data_dir / "hexasched.db").unlink()
    (place.config.data_dir / "hexasched.db").mkdir()
    answer = owner.get("/")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "The database does not answer." in answer.text


def test_it_names_a_full_disk(app: Flask, logged_in: Callable[[str], Browser]) -> None:
    @require("viewer")
    def full() -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    app.add_url_rule("/full", "full", full)
    answer = logged_in("owner").get("/full")
    assert answer.status_code == 503
    assert "The disk of the service is full" in answer.text


def test_it_answers_a_fragment_in_the_message_area(app: Flask, logged_in: Callable[[str], Browser]) -> None:
    _break(app)
    answer = logged_in("owner").get("/broken", HX_Request="true")
    assert answer.status_code == 500
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == ("#messages", "innerHTML")
    assert "<html" not in answer.text and 'role="alert"' in answer.text


def test_it_answers_a_script_in_json(logged_in: Callable[[str], Browser]) -> None:
    answer = logged_in("owner").get("/no-such-page", Accept="application/json")
    assert answer.status_code == 404
    assert answer.json == {
        "title": "There is no such page",
        "detail": "It was deleted, or it never was, or it belongs to another workspace.",
        "status": 404,
        "request_id": answer.headers["X-Request-Id"],
    }


def test_it_says_which_methods_an_address_takes(logged_in: Callable[[str], Browser]) -> None:
    answer = logged_in("owner").get("/logout")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("code", [400, 403, 404, 409, 413, 415, 422, 429, 500, 503])
def test_every_error_has_a_page_with_a_heading_and_a_way_out(app: Flask, stranger: Browser, code: int) -> None:
    from flask import abort

    @public
    def fail() -> str:
        abort(code)

    app.add_url_rule("/fail", "fail", fail)
    answer = stranger.get("/fail")
    assert answer.status_code == code
    assert "<h1" in answer.text and "Go to Home" in answer.text
