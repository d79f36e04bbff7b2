"""Schedules of every kind answer the same questions; intervals and single moments against an independent walk."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexasched.domain.cron_fields import Mistake
from hexasched.domain.policies import Policy
from hexasched.domain.schedules import Preview, preview
from hexasched.domain.ticks import calendar_of
from hexasched.domain.timetables import describe, stored

NOW = datetime(2026, 11, 23, 14, 0, 20, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")


def shown(expression: str, zone: str = "UTC", now: datetime = NOW) -> Preview:
    found = preview(expression, zone, now, 4)
    assert isinstance(found, Preview), found
    return found


def refused(expression: str, zone: str = "UTC", now: datetime = NOW) -> Mistake:
    found = preview(expression, zone, now, 4)
    assert not isinstance(found, Preview)
    return found[0]


def test_an_interval_counts_from_now_unless_it_has_an_anchor() -> None:
    found = shown("every 15 minutes")
    assert found.canonical == "every 15 minutes from 2026-11-23 14:00"
    assert [moment.strftime("%H:%M") for moment in found.next] == ["14:15", "14:30", "14:45", "15:00"]
    assert shown(found.canonical, now=NOW + timedelta(hours=5)).next[0] == datetime(2026, 11, 23, 19, 15, tzinfo=UTC)
    assert shown("every 2 hours from 2026-12-01 00:30").next[0] == datetime(2026, 12, 1, 0, 30, tzinfo=UTC)
    assert found.sentence == "Every 15 minutes, counted from 2026-11-23 14:00"
    assert shown("Every  day").canonical == "every day from 2026-11-23 14:00"


def test_days_keep_the_wall_time_of_their_anchor_and_hours_do_not() -> None:
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)
    days = shown("every day from 2026-10-24 09:00", "Europe/Berlin", before)
    assert [moment.hour for moment in days.next] == [8, 8, 8, 8]
    hours = shown("every 24 hours from 2026-10-24 09:00", "Europe/Berlin", before)
    assert [moment.hour for moment in hours.next] == [7, 7, 7, 7]


def test_one_moment_happens_once() -> None:
    found = shown("at 2026-12-24 18:00", "Europe/Berlin")
    assert found.next == (datetime(2026, 12, 24, 17, tzinfo=UTC),)
    assert found.canonical == "at 2026-12-24 18:00"
    calendar = calendar_of(Policy(), found.canonical, "Europe/Berlin")
    assert calendar.next_after(found.next[0]) is None
    assert calendar.latest_until(NOW, found.next[0], 5).count == 1
    assert calendar.latest_until(found.next[0], found.next[0] + timedelta(days=1), 5).count == 0
    assert describe(stored("at 2020-01-01 00:00", "UTC")) == "Once, at 2020-01-01 00:00"


@pytest.mark.parametrize(
    ("expression", "words", "suggestion"),
    [
        ("at 2026-03-29 02:30", "does not exist in Europe/Berlin", "at 2026-03-29 03:30"),
        ("every day from 2027-03-28 02:30", "Use 01:30 or 03:30", "every day from 2027-03-28 03:30"),
        ("at 2026-11-23 15:00", "has passed in Europe/Berlin", None),
        ("at 2026-02-30 10:00", "not in the calendar", None),
        ("at noon tomorrow", "not a date and a time", None),
        ("every 0 minutes", "from 1 to 1000", None),
        ("every 99999 days", "from 1 to 1000", None),
        ("every other day", "can't be read", None),
        ("every 5 fortnights", "can't be read", None),
        ("at 2026-12-24 18:00 " + "x" * 300, "at most 256 characters", None),
        ("at 2026-12-24\n18:00\x00", "plain ASCII on one line", None),
    ],
)
def test_what_is_wrong_is_said(expression: str, words: str, suggestion: str | None) -> None:
    mistake = refused(expression, "Europe/Berlin", NOW)
    assert words in mistake.reason
    assert mistake.field == "schedule"
    assert mistake.written.isascii()
    assert mistake.suggestion == suggestion


anchors = st.datetimes(datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2027-01-01"))


@given(
    count=st.integers(1, 40),
    unit=st.sampled_from(("minute", "hour", "day")),
    anchor=anchors.map(lambda moment: moment.replace(second=0, microsecond=0)),
    zone=st.sampled_from(ZONES),
    steps=st.integers(-3, 300),
    offset=st.integers(-90_000, 90_000),
)
def test_an_interval_is_what_a_walk_from_its_anchor_finds(
    count: int, unit: str, anchor: datetime, zone: str, steps: int, offset: int
) -> None:
    length = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}[unit] * count
    first = anchor.replace(tzinfo=ZoneInfo(zone))
    if first.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != anchor:
        return  # such an anchor is refused
    if unit == "day":
        walked = [(anchor + n * length).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for n in range(310)]
    else:
        walked = [first.astimezone(UTC) + n * length for n in range(310)]
    calendar = calendar_of(Policy(), f"every {count} {unit}s from {anchor:%Y-%m-%d %H:%M}", zone)
    after = walked[max(0, steps)] + timedelta(seconds=offset)
    later = [moment for moment in walked if moment > after]
    if later:
        assert calendar.next_after(after) == later[0]
    until = after + 5 * length
    between = [moment for moment in walked if after < moment <= until]
    if walked[-1] > until:
        due = calendar.latest_until(after, until, 3)
        assert (due.count, due.newest) == (len(between), tuple(between[-3:]))
        assert (due.first, due.last) == ((between[0], between[-1]) if between else (None, None))
