"""Who may open what, for every address of the dashboard, those that will be added included."""

from collections.abc import Callable, Iterator
from itertools import product

import pytest
from flask import Flask

from tests.web.browser import Browser
from web.access import ALWAYS, ANYBODY, RANK, current_workspace, declared, may, require

PEOPLE = {"owner": 3, "developer": 2, "viewer": 1, "outsider": 3}


def _addresses(app: Flask) -> Iterator[tuple[str, str, str]]:
    """(method, path, declared access) of every route; numbers and names are 1."""
    urls = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        access = declared(app.view_functions[rule.endpoint])
        assert access, f"{rule.endpoint} does not declare who may open it"
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} & set(rule.methods or ()):
            yield method, urls.build(rule.endpoint, dict.fromkeys(rule.arguments, 1), method=method), access


def test_every_view_declares_who_may_open_it(app: Flask) -> None:
    found = list(_addresses(app))
    assert len(found) >= 10
    assert {access for _, _, access in found} <= {ALWAYS, ANYBODY, *RANK}


def test_it_lets_a_stranger_open_only_what_is_public(app: Flask, stranger: Browser) -> None:
    for method, path, access in _addresses(app):
        if access in RANK:
            data = {"csrf_token": stranger.token()}
            answer = stranger.client.open(path, method=method, data=data, headers={"Accept": "text/html"})
            assert (path, answer.status_code) == (path, 302 if method == "GET" else 401)
            assert method != "GET" or str(answer.location).startswith("/login")


def test_it_refuses_who_has_too_low_a_role(app: Flask, logged_in: Callable[[str], Browser]) -> None:
    browsers = {name: logged_in(name) for name in PEOPLE}
    tokens = {name: browser.token() for name, browser in browsers.items()}
    for (method, path, access), (name, rank) in product(list(_addresses(app)), PEOPLE.items()):
        if access in RANK and rank < RANK[access]:
            answer = browsers[name].client.open(path, method=method, data={"csrf_token": tokens[name]})
            assert (name, path, answer.status_code) == (name, path, 403)


def test_it_refuses_a_view_that_declares_nothing(app: Flask, logged_in: Callable[[str], Browser]) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    for browser in (logged_in("owner"), Browser(app)):
        answer = browser.get("/forgotten")
        assert answer.status_code == 403
        assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("owner", "owner developer viewer"), ("developer", "developer viewer"), ("viewer", "viewer")],
)
def test_one_rule_answers_for_views_and_pages(
    app: Flask, logged_in: Callable[[str], Browser], name: str, allowed: str
) -> None:
    @require("viewer")
    def show() -> str:
        return " ".join(role for role in ("owner", "developer", "viewer") if may(role)) + "|" + current_workspace().name

    app.add_url_rule("/rights", "rights", show)
    assert logged_in(name).get("/rights").text == f"{allowed}|Boats"


def test_it_shows_everybody_their_own_workspace(logged_in: Callable[[str], Browser]) -> None:
    mine, theirs = logged_in("owner").get("/").text, logged_in("outsider").get("/").text
    assert "Boats" in mine and "Elsewhere" not in mine
    assert "Elsewhere" in theirs and "Boats" not in theirs


def test_it_tells_a_fragment_to_go_to_the_log_in_page(stranger: Browser) -> None:
    answer = stranger.get("/", HX_Request="true")
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/login")


def test_it_tells_a_script_that_it_is_not_logged_in(stranger: Browser) -> None:
    answer = stranger.get("/", Accept="application/json")
    assert answer.status_code == 401
    assert answer.json is not None and answer.json["status"] == 401
