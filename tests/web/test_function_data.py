"""The page of what a function keeps between its runs."""

from collections.abc import Callable

from hexasched.store import audit
from tests.web import deploys, rows
from tests.web.browser import Browser
from tests.web.conftest import Place

LogIn = Callable[[str], Browser]
PAGE = "/functions/hello/data"


def keep(place: Place, *keys: str, **request: object) -> None:
    """Runs of the function keep values under these keys."""
    function = deploys.find(place)
    with place.database.writing() as connection:
        for key in keys:
            rows.kept_value(connection, place.keys, function, place.clock(), key=key, **request)


def test_it_shows_what_is_masked_and_never_the_value(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    viewer = logged_in("viewer")
    assert "Nothing is kept yet" in viewer.get(PAGE).text
    keep(place, "session", value='"s3cret"', shown='"<b>***"')
    page = viewer.get(PAGE).text
    assert "<code>session</code>" in page and "&lt;b&gt;***" in page
    assert "s3cret" not in page
    assert "/delete" not in page, "a viewer can only look"


def test_it_finds_keys_by_how_they_begin(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    keep(place, "mail/1", "mail/2", "MAIL", "cursor_%")
    viewer = logged_in("viewer")
    page = viewer.get(f"{PAGE}?prefix=mail").text
    assert "mail/1" in page and "mail/2" in page
    assert "<code>MAIL</code>" not in page and "cursor" not in page
    assert "No key matches" in viewer.get(f"{PAGE}?prefix=%25").text


def test_a_developer_deletes_a_key(place: Place, logged_in: LogIn) -> None:
    deploys.live(place)
    keep(place, "a", "b")
    developer = logged_in("developer")
    answer = developer.post(f"{PAGE}/1/delete")
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    page = developer.get(PAGE).text
    assert "The key a is deleted." in page
    assert "<code>a</code>" not in page and "<code>b</code>" in page
    with place.database.reading() as connection:
        [noted] = audit.entries(connection, deploys.workspace_id(connection), "data.delete")
    assert (noted.object, noted.detail, noted.email) == ("hello", {"key": "a"}, "developer@example.org")
    developer.post(f"{PAGE}/1/delete")
    assert "gone already" in developer.get(PAGE).text
