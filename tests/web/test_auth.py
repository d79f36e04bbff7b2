"""Logging in and out."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask

from hexasched.store import memberships, workspaces
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Place
from web import passwords
from web.auth import safe_next


def test_it_asks_to_log_in_and_then_goes_where_one_wanted_to_go(stranger: Browser) -> None:
    first = stranger.get("/account?a=1")
    assert (first.status_code, first.location) == (302, "/login?next=/account?a%3D1")
    answer = stranger.log_in("owner@example.org", next="/account?a=1")
    assert (answer.status_code, answer.location) == (303, "/account?a=1")
    assert "owner@example.org" in stranger.get("/account").text


def test_it_says_the_same_of_an_unknown_address_and_of_a_wrong_password(stranger: Browser) -> None:
    unknown = stranger.log_in("nobody@example.org")
    wrong = stranger.log_in("owner@example.org", "not the password")
    assert unknown.status_code == wrong.status_code == 422
    assert _without_tokens(unknown.text).replace("nobody@", "owner@") == _without_tokens(wrong.text)


def test_it_works_as_hard_for_an_unknown_address_as_for_a_wrong_password(
    stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[bool] = []
    real = passwords.verify

    def counting(password: str, stored: str | None) -> bool:
        checked.append(stored is None)
        return real(password, stored)

    monkeypatch.setattr(passwords, "verify", counting)
    stranger.log_in("nobody@example.org")
    stranger.log_in("owner@example.org", "not the password")
    assert checked == [True, False]


def test_it_keeps_the_address_but_never_the_password_in_the_form(stranger: Browser) -> None:
    page = stranger.log_in("nobody@example.org", "a secret that was typed").text
    assert 'value="nobody@example.org"' in page
    assert "a secret that was typed" not in page


def test_it_takes_an_address_in_any_case_of_letters(stranger: Browser) -> None:
    assert stranger.log_in(" Owner@Example.ORG ").status_code == 303


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/a\nb", "evil", "/\\/x", ""],
)
def test_it_sends_nobody_to_another_site(stranger: Browser, target: str) -> None:
    assert safe_next(target) == ""
    assert stranger.log_in("owner@example.org", next=target).location == "/"


def test_it_starts_a_new_session_when_somebody_logs_in(stranger: Browser) -> None:
    stranger.get("/login")
    before = stranger.client.get_cookie("hexasched")
    token = stranger.token()
    stranger.log_in("owner@example.org")
    after = stranger.client.get_cookie("hexasched")
    assert before and after and before.value != after.value
    assert stranger.client.post("/logout", data={"csrf_token": token}).status_code == 400


def test_it_makes_copies_of_a_cookie_worthless_when_somebody_logs_out(app: Flask, stranger: Browser) -> None:
    stranger.log_in("owner@example.org")
    cookie = stranger.client.get_cookie("hexasched")
    assert cookie
    thief = Browser(app)
    thief.client.set_cookie("hexasched", cookie.value)
    assert thief.get("/").status_code == 200
    assert stranger.post("/logout").location == "/login"
    assert thief.get("/").status_code == 302
    assert stranger.get("/").status_code == 302


def test_it_does_not_log_out_by_a_link(logged_in: Callable[[str], Browser]) -> None:
    assert logged_in("owner").get("/logout").status_code == 405


def test_it_ends_a_session_after_thirty_days(place: Place, logged_in: Callable[[str], Browser]) -> None:
    owner = logged_in("owner")
    place.clock.advance(timedelta(days=29))
    assert owner.get("/").status_code == 200
    place.clock.advance(timedelta(days=2))
    assert owner.get("/").status_code == 302


def test_it_keeps_the_session_beyond_the_browser_only_if_asked(app: Flask) -> None:
    short, long = Browser(app), Browser(app)
    short.log_in("owner@example.org")
    long.log_in("owner@example.org", keep="yes")
    cookies = [browser.client.get_cookie("hexasched") for browser in (short, long)]
    assert cookies[0] and cookies[0].expires is None
    assert cookies[1] and cookies[1].expires is not None


def test_it_refuses_even_the_right_password_after_ten_wrong_ones(place: Place, app: Flask) -> None:
    addresses = [f"192.0.2.{number}" for number in range(12)]
    for address in addresses[:10]:
        assert Browser(app, address).log_in("owner@example.org", "wrong password").status_code == 422
    answer = Browser(app, addresses[10]).log_in("owner@example.org")
    assert answer.status_code == 429
    assert "Try again in 15 minutes." in answer.text
    place.clock.advance(timedelta(minutes=15))
    assert Browser(app, addresses[11]).log_in("owner@example.org").status_code == 303


def test_it_counts_the_guesses_of_one_address_over_all_accounts(app: Flask) -> None:
    guesser = Browser(app, "192.0.2.7")
    for number in range(10):
        guesser.log_in(f"person{number}@example.org", "wrong password")
    assert guesser.log_in("owner@example.org").status_code == 429
    assert Browser(app, "192.0.2.8").log_in("owner@example.org").status_code == 303


def test_it_answers_ten_guesses_at_most_however_many_come_at_once(app: Flask) -> None:
    browsers = [Browser(app, f"192.0.2.{number}") for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        codes = list(
            pool.map(lambda browser: browser.log_in("owner@example.org", "wrong password").status_code, browsers)
        )
    assert sorted(codes) == [422] * 10 + [429] * 6


def test_it_lets_the_owner_in_from_a_known_browser_while_strangers_guess(app: Flask, stranger: Browser) -> None:
    stranger.log_in("owner@example.org")
    stranger.post("/logout")
    for number in range(10):
        Browser(app, f"192.0.2.{number}").log_in("owner@example.org", "wrong password")
    assert Browser(app).log_in("owner@example.org").status_code == 429
    assert stranger.log_in("owner@example.org").status_code == 303


def test_it_does_not_take_a_known_browser_for_another_account(app: Flask, stranger: Browser) -> None:
    stranger.log_in("viewer@example.org")
    stranger.post("/logout")
    for number in range(10):
        Browser(app, f"192.0.2.{number}").log_in("owner@example.org", "wrong password")
    assert stranger.log_in("owner@example.org").status_code == 429


def test_it_ends_other_sessions_when_the_password_changes(logged_in: Callable[[str], Browser]) -> None:
    here, there = logged_in("viewer"), logged_in("viewer")
    new = "nine blue kettles sing"
    form = {"current_password": PASSWORD, "new_password": new}
    assert here.post("/account/password", form).status_code == 303
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 302
    assert there.log_in("viewer@example.org").status_code == 422
    assert there.log_in("viewer@example.org", new).status_code == 303


@pytest.mark.parametrize(
    ("current", "new", "message"),
    [
        ("wrong password", "nine blue kettles sing", "This is not your password."),
        (PASSWORD, "short", "Use at least 10 characters."),
        (PASSWORD, "password123", "Too many people use this password."),
        (PASSWORD, "viewer@example.org", "easy to guess"),
        (PASSWORD, "x" * 300, "at most 256 characters"),
    ],
)
def test_it_says_why_a_password_is_not_changed(
    logged_in: Callable[[str], Browser], current: str, new: str, message: str
) -> None:
    viewer = logged_in("viewer")
    answer = viewer.post("/account/password", {"current_password": current, "new_password": new})
    assert answer.status_code == 422
    assert message in answer.text
    assert viewer.log_in("viewer@example.org").status_code == 303


def test_it_logs_out_who_is_no_longer_a_user_and_refuses_who_is_no_longer_a_member(
    place: Place, people: dict[str, int], logged_in: Callable[[str], Browser]
) -> None:
    developer = logged_in("developer")
    with place.database.writing() as connection:
        workspace = workspaces.first_workspace(connection)
        assert workspace
        memberships.remove_member(connection, workspace.id, people["developer"])
    assert developer.get("/").status_code == 403
    assert developer.get("/no-such-page").status_code == 404


def _without_tokens(page: str) -> str:
    return re.sub(r'(content|value|nonce)="[^"]{22,}"', "", page)
