"""The first start."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from hexasched.store import accounts, memberships
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Place

FORM = {
    "email": "owner@example.org",
    "password": PASSWORD,
    "workspace": "Boats",
    "timezone": "Europe/Berlin",
}


@pytest.fixture
def code(place: Place) -> str:
    """A setup code of an instance without accounts."""
    with place.database.writing() as connection:
        return accounts.new_setup_code(connection)


@pytest.mark.parametrize("path", ["/", "/login", "/functions", "/account", "/no/such/page"])
def test_it_leads_every_address_to_the_setup_page(place: Place, path: str) -> None:
    answer = Browser(place.app()).get(path)
    assert (answer.status_code, answer.location) == (302, "/setup")


def test_it_makes_the_first_account_and_workspace_and_logs_in(place: Place, code: str) -> None:
    visitor = Browser(place.app())
    answer = visitor.post("/setup", {**FORM, "code": f" {code.upper()} "})
    assert (answer.status_code, answer.location) == (303, "/")
    page = visitor.get("/").text
    assert "The workspace Boats is ready." in page
    assert "times in Europe/Berlin" in page
    with place.database.reading() as connection:
        user = accounts.user_by_email(connection, "owner@example.org")
        assert user
        found = memberships.workspace_of(connection, user.id)
    assert found
    assert (found[0].name, found[0].timezone, found[0].alert_email) == ("Boats", "Europe/Berlin", "owner@example.org")
    assert found[1] == "owner"


def test_it_shows_the_code_of_the_link_in_the_form(place: Place) -> None:
    assert 'value="abcd-1234"' in Browser(place.app()).get("/setup?code=abcd-1234").text


def test_it_is_gone_once_there_is_an_account(place: Place, code: str) -> None:
    app = place.app()
    Browser(app).post("/setup", {**FORM, "code": code})
    second = Browser(app)
    assert second.get("/setup").location == "/login"
    assert second.post("/setup", {**FORM, "code": code, "email": "outsider@example.org"}).location == "/login"
    with place.database.reading() as connection:
        assert accounts.user_by_email(connection, "outsider@example.org") is None


def test_it_makes_one_account_when_two_people_send_the_form_at_once(place: Place, code: str) -> None:
    app = place.app()
    visitors = [(Browser(app), f"{name}@example.org") for name in ("owner", "outsider", "viewer", "developer")]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda v: v[0].post("/setup", {**FORM, "code": code, "email": v[1]}), visitors))
    with place.database.reading() as connection:
        made = [email for _, email in visitors if accounts.user_by_email(connection, email)]
    assert len(made) == 1


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("code", "", "Type the code that the server printed"),
        ("code", "0000-0000-0000-0000", "This is not the code that is valid now."),
        ("email", "owner", "Write a mail address"),
        ("email", "owner@example.org\nBcc: x@y", "Write a mail address"),
        ("password", "short", "Use at least 10 characters."),
        ("workspace", " ", "Give the workspace a name"),
        ("workspace", "x" * 101, "at most 100 characters"),
        ("timezone", "Europe/Berln", "Europe/Berlin"),
        ("timezone", "../../etc/passwd", "time zone"),
    ],
)
def test_it_says_beside_the_field_what_is_wrong_and_keeps_what_was_typed(
    place: Place, code: str, field: str, value: str, message: str
) -> None:
    visitor = Browser(place.app())
    answer = visitor.post("/setup", {**FORM, "code": code, field: value})
    assert answer.status_code == 422
    assert message in answer.text
    assert f'id="{field}-error"' in answer.text
    assert answer.text.count('aria-invalid="true"') == 1
    assert PASSWORD not in answer.text
    kept = {"email", "workspace"} - {field}
    assert all(f'value="{FORM[name]}"' in answer.text for name in kept)
    with place.database.reading() as connection:
        assert not accounts.has_users(connection)


def test_it_stops_listening_to_who_guesses_codes(place: Place, code: str) -> None:
    app = place.app()
    guesser = Browser(app, "192.0.2.9")
    for number in range(10):
        guesser.post("/setup", {**FORM, "code": f"{number:04}-0000-0000-0000"})
    assert "Too many wrong codes." in guesser.post("/setup", {**FORM, "code": code}).text
    assert Browser(app, "192.0.2.10").post("/setup", {**FORM, "code": code}).location == "/"
