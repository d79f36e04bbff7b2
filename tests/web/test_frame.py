"""What surrounds every page: navigation, zone and theme, the system strip, how times are written."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, flash, render_template_string

from hexasched.config import Mail, Sandbox
from hexasched.domain.outcomes import Reason, Status
from hexasched.store import settings, workers
from tests.web.browser import Browser
from tests.web.conftest import Place
from web import show, words
from web.access import require

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def test_it_marks_the_section_that_one_is_in(logged_in: Callable[[str], Browser]) -> None:
    page = logged_in("viewer").get("/").text
    assert page.count('aria-current="page"') == 1
    for label in ("Home", "Functions", "CronJobs", "Runs", "Alerts", "Settings"):
        assert f"</svg>{label}</a>" in page


def test_it_says_on_every_page_that_failures_reach_nobody(place: Place, people: dict[str, int]) -> None:
    owner = Browser(place.app(mail=Mail()))
    owner.log_in("owner@example.org")
    assert "failures will not be sent to anyone" in owner.get("/").text
    assert "failures will not be sent to anyone" in owner.get("/account").text


def test_it_says_on_every_page_that_there_is_no_sandbox(place: Place, people: dict[str, int]) -> None:
    owner = Browser(place.app(sandbox=Sandbox(mode="none")))
    owner.log_in("owner@example.org")
    assert "Functions run without a sandbox" in owner.get("/").text


def test_it_has_no_strip_when_all_is_well(place: Place, logged_in: Callable[[str], Browser]) -> None:
    owner, now = logged_in("owner"), place.clock()
    assert 'class="strip"' in owner.get("/account").text
    with place.database.writing() as connection:
        settings.save(connection, "scheduler_tick", now.isoformat())
        workers.register(
            connection,
            workers.Worker(id="w", host="here", pid=1, slots=1, facts={}, started_at=now, seen_at=now, draining=False),
        )
    assert 'class="strip"' not in owner.get("/account").text


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [("", "Europe/Berlin"), ("UTC", "UTC"), ("Asia/Tokyo", "Asia/Tokyo"), ("../x", "Europe/Berlin")],
)
def test_it_shows_times_in_the_zone_that_the_reader_chose(
    logged_in: Callable[[str], Browser], chosen: str, shown: str
) -> None:
    viewer = logged_in("viewer")
    assert viewer.post("/preferences", {"zone": chosen, "back": "/account"}).location == "/account"
    assert f"times in {shown}" in viewer.get("/").text


def test_it_forgets_a_cookie_that_names_no_zone(logged_in: Callable[[str], Browser]) -> None:
    viewer = logged_in("viewer")
    viewer.client.set_cookie("zone", "localtime")
    assert "times in Europe/Berlin" in viewer.get("/").text


@pytest.mark.parametrize(("chosen", "theme"), [("dark", "dark"), ("light", "light"), ("auto", "auto"), ("x", "auto")])
def test_it_keeps_the_theme_that_the_reader_chose(logged_in: Callable[[str], Browser], chosen: str, theme: str) -> None:
    viewer = logged_in("viewer")
    viewer.post("/preferences", {"theme": chosen, "back": "https://evil.example"})
    assert f'data-theme="{theme}" data-bs-theme="{"dark" if theme == "dark" else "light"}"' in viewer.get("/").text


def test_it_escapes_hostile_names_and_messages(app: Flask, logged_in: Callable[[str], Browser]) -> None:
    hostile = "<script>alert(1)</script>\"'"

    @require("viewer")
    def show_hostile() -> str:
        message = {"text": hostile, "detail": hostile, "links": [(hostile, "/x")]}
        flash(message, "success")  # type: ignore[arg-type] # Flask stores any JSON
        return render_template_string(
            '{% extends "base.html" %}{% block title %}{{ t }}{% endblock %}{% block content %}'
            '{{ m.status(t, t) }}{{ m.badge(t, title=t) }}{{ m.message("failed", t) }}{{ m.empty(t, t) }}'
            '{{ m.text_field(t, "a", t, {"a": t}, help=t, attributes={"placeholder": t, "data-x": [t]}) }}'
            '{{ m.select_field(t, "b", t, [(t, t)], {}) }}{{ m.code_field(t, "c", t, {}) }}{% endblock %}',
            t=hostile,
        )

    app.add_url_rule("/hostile", "hostile", show_hostile)
    page = logged_in("owner").get("/hostile").text
    assert page.count("&lt;script&gt;") >= 12
    assert "<script>alert" not in page


def test_a_text_in_the_editor_keeps_its_first_empty_line(app: Flask, logged_in: Callable[[str], Browser]) -> None:
    @require("viewer")
    def show_code() -> str:
        return render_template_string(
            '{% import "_macros.html" as m with context %}{{ m.code_field("Code", "c", "\\n\\n  a", {}) }}'
        )

    app.add_url_rule("/code", "code", show_code)
    assert ">\n\n\n  a</textarea>" in logged_in("owner").get("/code").text


def test_every_status_and_reason_has_words_and_every_status_its_own_shape() -> None:
    assert set(words.LOOKS) == set(Status)
    assert set(words.REASONS) == set(Reason) - {Reason.OK}
    assert len({look.icon for look in words.LOOKS.values()}) == len(Status)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (4, "now"),
        (4, "now"),
        (40, "in 40 s"),
        (-59, "59 s ago"),
        (60, "in 1 min"),
        (-3601, "1 h ago"),
        (86400, "in 1 day"),
        (-200000, "2 days ago"),
    ],
)
def test_it_says_how_far_a_moment_is(seconds: int, text: str) -> None:
    assert show.relative(NOW + timedelta(seconds=seconds), NOW) == text


def test_it_writes_times_in_the_readers_zone() -> None:
    moment = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
    assert show.full_time(moment, BERLIN) == "Mon 30 Nov 2026, 09:00 Europe/Berlin"
    assert show.short_time(moment, BERLIN, NOW) == "30 Nov 09:00"
    assert show.short_time(moment.replace(year=2027, second=5), BERLIN, NOW) == "30 Nov 2027 09:00:05"
    assert show.short_time(datetime(2026, 11, 22, 23, 30, tzinfo=UTC), BERLIN, NOW) == "Today 00:30"
    assert show.iso(datetime(2026, 11, 30, 9, 0, tzinfo=BERLIN)) == "2026-11-30T08:00:00Z"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(None, "–"), (0, "0 ms"), (999, "999 ms"), (3200, "3.2 s"), (125_000, "2 min 5 s"), (4_320_000, "1 h 12 min")],
)
def test_it_writes_lengths(milliseconds: int | None, text: str) -> None:
    assert show.duration(milliseconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(None, "–"), (312, "312 B"), (4608, "4.5 KB"), (1572864, "1.5 MB"), (42991616, "41 MB")]
)
def test_it_writes_sizes(count: int | None, text: str) -> None:
    assert show.size(count) == text
