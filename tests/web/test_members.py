"""Members and settings of a workspace, and what the owner sees of the service."""

import re
from collections.abc import Callable
from html import unescape

import pytest

from hexasched.store import memberships, workspaces
from hexasched.store.workspaces import Workspace
from tests.web import rows
from tests.web.browser import Browser
from tests.web.conftest import Place

LogIn = Callable[[str], Browser]


def roles(place: Place) -> dict[str, str]:
    with place.database.reading() as connection:
        return {member.email.partition("@")[0]: member.role for member in memberships.members(connection, 1)}


def workspace(place: Place) -> Workspace:
    with place.database.reading() as connection:
        found = workspaces.workspace_by_id(connection, 1)
    assert found
    return found


def test_a_new_member_can_log_in_with_the_password_that_is_shown_once(place: Place, logged_in: LogIn) -> None:
    owner = logged_in("owner")
    answer = owner.post("/members", {"email": "New@Example.org", "role": "developer", "password": ""})
    assert answer.status_code == 201
    found = re.search(r'<code id="password">([^<]+)</code>', answer.text)
    assert found and len(found[1]) >= 20
    assert found[1] not in owner.get("/members").text
    newcomer = Browser(place.app())
    assert newcomer.log_in("new@example.org", found[1]).status_code == 303
    assert newcomer.get("/cronjobs/new").status_code == 200
    assert newcomer.get("/members").status_code == 403


def test_a_typed_password_is_not_shown(logged_in: LogIn) -> None:
    form = {"email": "new@example.org", "role": "viewer", "password": "seven blue ships"}
    answer = logged_in("owner").post("/members", form)
    assert answer.status_code == 201 and "seven blue ships" not in answer.text


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"email": "nobody", "role": "viewer"}, "email"),
        ({"email": "new@example.org", "role": "admin"}, "role"),
        ({"email": "new@example.org", "role": "viewer", "password": "short"}, "password"),
        ({"email": "viewer@example.org", "role": "viewer"}, "email"),
        ({"email": "outsider@example.org", "role": "owner"}, "email"),
    ],
)
def test_it_says_why_somebody_can_not_be_added(
    place: Place, logged_in: LogIn, form: dict[str, str], field: str
) -> None:
    before = roles(place)
    answer = logged_in("owner").post("/members", form)
    assert answer.status_code == 422 and f'id="{field}-error"' in answer.text
    assert roles(place) == before


def test_a_role_holds_from_the_next_request_on(place: Place, people: dict[str, int], logged_in: LogIn) -> None:
    owner, viewer = logged_in("owner"), logged_in("viewer")
    assert viewer.get("/cronjobs/new").status_code == 403
    owner.post(f"/members/{people['viewer']}/role", {"role": "developer"})
    assert viewer.get("/cronjobs/new").status_code == 200
    assert owner.post(f"/members/{people['viewer']}/role", {"role": "emperor"}).status_code == 400


def test_the_last_owner_stays(place: Place, people: dict[str, int], logged_in: LogIn) -> None:
    owner = logged_in("owner")
    for path, form in (("role", {"role": "viewer"}), ("remove", {})):
        owner.post(f"/members/{people['owner']}/{path}", form)
        assert "A workspace needs an owner." in owner.get("/members").text
        assert roles(place)["owner"] == "owner"
    owner.post(f"/members/{people['developer']}/role", {"role": "owner"})
    owner.post(f"/members/{people['owner']}/role", {"role": "viewer"})
    assert roles(place) == {"owner": "viewer", "developer": "owner", "viewer": "viewer"}
    assert owner.get("/members").status_code == 403


def test_who_was_removed_sees_nothing_and_can_come_back(place: Place, people: dict[str, int], logged_in: LogIn) -> None:
    owner, viewer = logged_in("owner"), logged_in("viewer")
    owner.post(f"/members/{people['viewer']}/remove")
    assert viewer.get("/runs").status_code == 403
    form = {"email": "viewer@example.org", "role": "viewer", "password": "seven blue ships"}
    assert owner.post("/members", form).status_code == 201
    assert viewer.get("/runs").status_code == 302, "the session of before is over"
    assert viewer.log_in("viewer@example.org", "seven blue ships").status_code == 303
    assert viewer.get("/runs").status_code == 200


def test_an_owner_changes_the_settings(place: Place, logged_in: LogIn) -> None:
    owner = logged_in("owner")
    form = {"name": "Ships", "timezone": "Asia/Tokyo", "alert_email": "ops@example.org"}
    assert owner.post("/settings", form).location == "/settings"
    found = workspace(place)
    assert (found.name, found.timezone, found.alert_email) == ("Ships", "Asia/Tokyo", "ops@example.org")
    assert "times in Asia/Tokyo" in owner.get("/runs").text


def test_wrong_settings_are_refused_at_their_fields(place: Place, logged_in: LogIn) -> None:
    form = {"name": "", "timezone": "Mars/Base", "alert_email": "ops"}
    answer = logged_in("owner").post("/settings", form)
    assert answer.status_code == 422
    for name in form:
        assert f'id="{name}-error"' in answer.text
    assert 'value="Mars/Base"' in answer.text
    assert workspace(place).name == "Boats"


def test_others_see_the_settings_without_a_form(logged_in: LogIn) -> None:
    page = logged_in("developer").get("/settings").text
    assert "Europe/Berlin" in page and 'action="/settings"' not in page and "/members" not in page


def test_the_owner_sees_the_workers(place: Place, logged_in: LogIn) -> None:
    owner = logged_in("owner")
    assert "No worker is present" in owner.get("/settings/system").text
    with place.database.writing() as connection:
        rows.worker(connection, place.clock(), warm_trouble="workers.warm_mb is 30, and that is too little.")
    page = unescape(owner.get("/settings/system").text)
    assert "256 MB for each worker" in page and "workers.warm_mb is 30, and that is too little." in page
    assert "Node.js 24" in page and "4711" in page and "SQLite" in page
