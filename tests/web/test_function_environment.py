"""The page of a function's environment variables."""

from collections.abc import Callable
from html import unescape

import pytest

from hexasched.domain.functions import EnvVar
from hexasched.store import env_vars
from tests.web import deploys
from tests.web.browser import Browser
from tests.web.conftest import Place

LogIn = Callable[[str], Browser]
PAGE = "/functions/hello/environment"
ANALYSIS = {
    "env": [
        {"name": "MAIL_TO", "line": 7, "optional": False},
        {"name": "SMTP_HOST", "line": 3, "optional": False},
        {"name": "SMTP_HOST", "line": 9, "optional": True},
        {"name": "PORT", "line": 4, "optional": True},
    ]
}


@pytest.fixture
def stored(place: Place, people: dict[str, int]) -> None:
    """A live function with one plain variable and one secret."""
    function = deploys.live(place, analysis=ANALYSIS)
    variables = [
        EnvVar(name="SMTP_HOST", value="smtp.example.org", secret=False),
        EnvVar(name="SMTP_PASS", value="hush-hush", secret=True),
    ]
    with place.database.writing() as connection:
        env_vars.save(connection, place.keys, function.id, {v.name: v for v in variables}, place.clock())


def _values(place: Place) -> dict[str, str]:
    with place.database.reading() as connection:
        return env_vars.values(connection, place.keys, deploys.find(place).id)


def _secrets(place: Place) -> set[str]:
    with place.database.reading() as connection:
        return set(env_vars.secret_names(connection, deploys.find(place).id))


def _form(place: Place, **changes: str) -> dict[str, str]:
    """The form as the page has it, with `changes` to its fields ("env_0_name" is env-0-name; None is left out)."""
    form = {
        "revision": str(deploys.find(place).env_revision),
        "env-0-name": "SMTP_HOST",
        "env-0-value": "smtp.example.org",
        "env-0-stored": "SMTP_HOST",
        "env-1-name": "SMTP_PASS",
        "env-1-value": "",
        "env-1-stored": "SMTP_PASS",
        "env-1-secret": "yes",
    }
    form |= {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in form.items() if value != "(none)"}


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("name", ["owner", "developer", "viewer"])
def test_it_shows_values_but_never_a_secret(logged_in: LogIn, name: str) -> None:
    browser = logged_in(name)
    page = browser.get(PAGE).text
    assert "smtp.example.org" in page and "••••••••" in page
    for path in ("", "/environment", "/environment?add=SMTP_PASS", "/versions", "/versions/1", "/settings"):
        assert "hush-hush" not in browser.get(f"/functions/hello{path}").text


@pytest.mark.usefixtures("stored")
def test_a_viewer_reads_and_can_change_nothing(place: Place, logged_in: LogIn) -> None:
    viewer = logged_in("viewer")
    assert ">Save<" not in viewer.get(PAGE).text
    assert viewer.post(PAGE, _form(place)).status_code == 403


@pytest.mark.usefixtures("stored")
def test_it_begins_with_what_is_missing_and_says_where_each_is_used(logged_in: LogIn) -> None:
    page = logged_in("developer").get(PAGE).text
    assert page.index('value="MAIL_TO"') < page.index('value="SMTP_HOST"') < page.index('value="SMTP_PASS"')
    assert '<a href="/functions/hello?line=7">line 7</a>' in page
    assert '<a href="/functions/hello?line=3">line 3</a>, <a href="/functions/hello?line=9">line 9</a>' in page
    assert "not used" in page and "Not set" in page
    assert 'value="PORT"' not in page
    assert "Applies to the next run; no redeploy is needed." in page


@pytest.mark.usefixtures("stored")
def test_a_link_can_begin_a_row(logged_in: LogIn) -> None:
    page = logged_in("developer").get(f"{PAGE}?add=API_TOKEN").text
    assert page.index('value="API_TOKEN"') < page.index('value="MAIL_TO"')
    assert 'name="env-0-secret" id="env-0-secret" value="yes" checked' in page
    assert page.count("autofocus") == 1


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("name", ["1X", "PATH", "<b>", "", "SMTP_HOST"])
def test_a_link_begins_no_row_for_what_can_not_be_or_is_there(logged_in: LogIn, name: str) -> None:
    developer = logged_in("developer")
    rows = developer.get(PAGE).text.count("data-env-row>")
    assert developer.get(f"{PAGE}?add={name}").text.count("data-env-row>") == rows >= 3


@pytest.mark.usefixtures("stored")
def test_it_saves_all_in_one_step_and_keeps_secrets_that_were_left_empty(place: Place, logged_in: LogIn) -> None:
    before = deploys.find(place).env_revision
    developer = logged_in("developer")
    form = _form(place, env_0_value="mail.example.org", env_2_name="MAIL_TO", env_2_value="a@example.org")
    answer = developer.post(PAGE, form)
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert _values(place) == {"SMTP_HOST": "mail.example.org", "SMTP_PASS": "hush-hush", "MAIL_TO": "a@example.org"}
    assert deploys.find(place).env_revision == before + 1
    assert "It applies to the next run; no redeploy is needed." in developer.get(PAGE).text


@pytest.mark.usefixtures("stored")
def test_it_counts_no_revision_when_nothing_was_changed(place: Place, logged_in: LogIn) -> None:
    before = deploys.find(place).env_revision
    developer = logged_in("developer")
    suggested = {"env_2_name": "MAIL_TO", "env_2_value": "", "env_2_suggested": "yes"}
    assert developer.post(PAGE, _form(place, **suggested)).status_code == 303
    assert deploys.find(place).env_revision == before
    assert "Nothing was changed." in developer.get(PAGE).text
    assert "MAIL_TO" not in _values(place)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"env_0_remove": "yes"}, {"SMTP_PASS": "hush-hush"}),
        ({"env_1_remove": "yes"}, {"SMTP_HOST": "smtp.example.org"}),
        ({"env_1_remove": "yes", "env_2_name": "SMTP_PASS", "env_2_value": ""},
         {"SMTP_HOST": "smtp.example.org", "SMTP_PASS": ""}),
        ({"env_0_name": "RENAMED"}, {"RENAMED": "smtp.example.org", "SMTP_PASS": "hush-hush"}),
        ({"env_1_value": "new"}, {"SMTP_HOST": "smtp.example.org", "SMTP_PASS": "new"}),
        ({"env_1_value": "one\r\ntwo"}, {"SMTP_HOST": "smtp.example.org", "SMTP_PASS": "one\ntwo"}),
    ],
)  # fmt: skip
def test_it_removes_renames_and_replaces(
    place: Place, logged_in: LogIn, changes: dict[str, str], left: dict[str, str]
) -> None:
    assert logged_in("developer").post(PAGE, _form(place, **changes)).status_code == 303
    assert _values(place) == left


@pytest.mark.usefixtures("stored")
def test_a_secret_becomes_visible_only_with_a_new_value(place: Place, logged_in: LogIn) -> None:
    developer = logged_in("developer")
    answer = developer.post(PAGE, _form(place, env_1_secret="(none)"))
    assert answer.status_code == 422
    assert "A stored secret is never shown again: type its value to make it visible." in answer.text
    assert _secrets(place) == {"SMTP_PASS"}
    assert developer.post(PAGE, _form(place, env_1_secret="(none)", env_1_value="plain")).status_code == 303
    assert (_secrets(place), _values(place)["SMTP_PASS"]) == (set(), "plain")


@pytest.mark.usefixtures("stored")
def test_a_secret_is_not_lost_by_renaming_it(place: Place, logged_in: LogIn) -> None:
    answer = logged_in("developer").post(PAGE, _form(place, env_1_name="MAIL_PASS"))
    assert answer.status_code == 422
    assert "type its value to rename it" in answer.text
    assert _values(place)["SMTP_PASS"] == "hush-hush"


@pytest.mark.usefixtures("stored")
def test_a_plain_value_can_be_made_a_secret(place: Place, logged_in: LogIn) -> None:
    assert logged_in("developer").post(PAGE, _form(place, env_0_secret="yes")).status_code == 303
    assert (_secrets(place), _values(place)["SMTP_HOST"]) == ({"SMTP_HOST", "SMTP_PASS"}, "smtp.example.org")


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"env_0_name": "1X"}, "env-0-name", "is not a variable name"),
        ({"env_0_name": ""}, "env-0-name", "Name this variable"),
        ({"env_2_name": "SMTP_HOST"}, "env-2-name", "in the list twice"),
        ({"env_2_name": "LD_PRELOAD", "env_2_value": "x"}, "env-2-name", "is set by HexaSched"),
        ({"env_2_name": "BIG", "env_2_value": "x" * 32769}, "env-2-value", "longer than 32 KB"),
        ({"env_2_name": "NUL", "env_2_value": "a\0b"}, "env-2-value", "NUL character"),
    ],
)
def test_it_says_what_is_wrong_beside_the_field_and_saves_nothing(
    place: Place, logged_in: LogIn, changes: dict[str, str], field: str, message: str
) -> None:
    before = _values(place)
    form = _form(place, env_3_name="KEPT", env_3_value="what was typed", **changes)
    answer = logged_in("developer").post(PAGE, form)
    assert answer.status_code == 422
    error = unescape(answer.text).partition(f'id="{field}-error"')[2]
    assert message in error.partition("</div>")[0]
    assert "what was typed" in answer.text and "hush-hush" not in answer.text
    assert _values(place) == before


@pytest.mark.usefixtures("stored")
def test_it_counts_kept_secrets_when_all_together_are_too_big(place: Place, logged_in: LogIn) -> None:
    big = {f"env_{n}_{part}": value for n in range(2, 6) for part, value in (("name", f"V{n}"), ("value", "x" * 32759))}
    answer = logged_in("developer").post(PAGE, _form(place, **big))
    assert answer.status_code == 422
    assert "All variables together are over 128 KB." not in answer.text.partition("data-env-rows")[0]
    assert "All variables together are over 128 KB." in answer.text
    many = {f"env_{n}_name": f"V{n}" for n in range(2, 131)}
    assert "at most 128 variables" in logged_in("developer").post(PAGE, _form(place, **many)).text


@pytest.mark.usefixtures("stored")
def test_it_overwrites_nothing_that_its_author_has_not_seen(place: Place, logged_in: LogIn) -> None:
    old = _form(place, env_2_name="MINE", env_2_value="typed")
    owner = logged_in("owner")
    assert owner.post(PAGE, _form(place, env_2_name="THEIRS", env_2_value="x")).status_code == 303
    developer = logged_in("developer")
    answer = developer.post(PAGE, old)
    assert answer.status_code == 409
    assert "Nothing of yours was saved" in answer.text and "Save anyway" in answer.text
    assert 'value="MINE"' in answer.text
    assert "MINE" not in _values(place)
    assert developer.post(PAGE, old | {"revision": str(deploys.find(place).env_revision)}).status_code == 303
    assert set(_values(place)) == {"MINE", "SMTP_HOST", "SMTP_PASS"}


@pytest.mark.usefixtures("stored")
def test_a_secret_that_is_gone_meanwhile_needs_its_value_again(place: Place, logged_in: LogIn) -> None:
    old = _form(place)
    developer = logged_in("developer")
    assert developer.post(PAGE, _form(place, env_1_remove="yes")).status_code == 303
    answer = developer.post(PAGE, old | {"revision": str(deploys.find(place).env_revision)})
    assert answer.status_code == 422
    assert "This secret was removed meanwhile. Type its value again." in answer.text
