"""When schedules are due, held against a minute-by-minute reference, mostly around changes of the clock."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hexasched.domain.cron_clock import latest_until, next_after, upcoming
from hexasched.domain.cron_fields import Schedule
from hexasched.domain.cron_parser import parse
from hexasched.domain.zone_stretches import changes
from hexasched.domain.zones import zone_names
from tests.unit.cron_reference import Wanted, due, expressions, utc

# Zone and the UTC time of a change: forward and back, whole and half hours, at midnight, over a whole day.
CHANGES = (
    ("Europe/Berlin", "2024-03-31T01:00"),
    ("Europe/Berlin", "2024-10-27T01:00"),
    ("America/New_York", "2024-03-10T07:00"),
    ("America/New_York", "2024-11-03T06:00"),
    ("America/Sao_Paulo", "2018-11-04T03:00"),
    ("America/Sao_Paulo", "2018-02-18T02:00"),
    ("Australia/Lord_Howe", "2024-10-05T15:30"),
    ("Australia/Lord_Howe", "2024-04-06T15:00"),
    ("Pacific/Apia", "2011-12-30T10:00"),
    ("Pacific/Apia", "2011-09-24T14:00"),
    ("Pacific/Kwajalein", "1993-08-21T12:00"),
    ("America/St_Johns", "2010-03-14T03:31"),
    ("America/St_Johns", "2010-11-07T02:31"),
    ("America/Havana", "2024-03-10T05:00"),
    ("America/Caracas", "2007-12-09T07:00"),
    ("America/Caracas", "2016-05-01T07:00"),
    ("Asia/Pyongyang", "2015-08-14T15:00"),
    ("Asia/Pyongyang", "2018-05-04T15:00"),
    ("Antarctica/Troll", "2024-03-31T01:00"),
    ("Antarctica/Casey", "2010-03-04T15:00"),
    ("Africa/Cairo", "2024-04-25T22:00"),
    ("Asia/Beirut", "2024-03-30T22:00"),
    ("Asia/Manila", "1990-05-20T16:00"),
    ("Africa/Casablanca", "1985-12-31T23:00"),
    ("Africa/Sao_Tome", "2019-01-01T01:00"),
    ("Africa/Casablanca", "2024-04-14T02:00"),
)
AROUND = timedelta(hours=27)

bounded = settings(
    max_examples=120, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)


def read(text: str) -> Schedule:
    schedule = parse(text)
    assert isinstance(schedule, Schedule), schedule
    return schedule


def chain(schedule: Schedule, zone: str, after: datetime, until: datetime) -> list[datetime]:
    """What a scheduler sees that asks again and again."""
    found: list[datetime] = []
    while (found[-1] if found else after) <= until:
        instant = next_after(schedule, zone, found[-1] if found else after)
        if instant is None or instant > until:
            break
        assert instant > (found[-1] if found else after)
        found.append(instant)
    return found


@pytest.mark.parametrize(("zone", "at"), CHANGES)
def test_the_table_names_real_changes(zone: str, at: str) -> None:
    moment = utc(at)
    found = list(changes(zone, moment - timedelta(days=2), moment + timedelta(days=2)))

    assert [change.at for change in found] == [moment]


def test_it_gives_a_change_at_new_year_to_the_new_year() -> None:
    eve, new_year, day_after = utc("1968-12-31"), utc("1969-01-01"), utc("1969-01-02")

    assert list(changes("Antarctica/Casey", eve, new_year)) == []
    assert [change.at for change in changes("Antarctica/Casey", new_year, day_after)] == [new_year]


@bounded
@given(st.sampled_from(CHANGES), expressions(hours=(0, 4)))
def test_it_follows_the_rules_around_a_change_of_the_clock(change: tuple[str, str], wanted: Wanted) -> None:
    zone, moment = change[0], utc(change[1])
    start, end = moment - AROUND, moment + AROUND

    assert chain(_valid(wanted), zone, start, end) == due(wanted, zone, start, end)


@bounded
@given(st.sampled_from(CHANGES), expressions(hours=(0, 4)), st.integers(-240, 240), st.integers(0, 59))
def test_it_answers_a_question_from_any_moment_with_the_future(
    change: tuple[str, str], wanted: Wanted, minutes: int, seconds: int
) -> None:
    zone, moment = change[0], utc(change[1])
    after = moment + timedelta(minutes=minutes, seconds=seconds, microseconds=seconds)
    until = after + AROUND
    found = next_after(_valid(wanted), zone, after)

    expected = due(wanted, zone, after, until)
    assert (found if found and found <= until else None) == (expected[0] if expected else None)
    assert found is None or found > after


@bounded
@given(
    st.sampled_from(CHANGES), expressions(hours=(0, 4)), st.integers(-1600, 0), st.integers(0, 1600), st.integers(1, 9)
)
def test_it_finds_the_newest_and_counts_all_in_a_span(
    change: tuple[str, str], wanted: Wanted, back: int, ahead: int, count: int
) -> None:
    zone, moment = change[0], utc(change[1])
    after, until = moment + timedelta(minutes=back), moment + timedelta(minutes=ahead)
    found = latest_until(_valid(wanted), zone, after, until, count)

    expected = due(wanted, zone, after, until)
    assert found.newest == tuple(expected[-count:])
    assert found.count == len(expected)
    assert (found.first, found.last) == ((expected[0], expected[-1]) if expected else (None, None))


@settings(bounded, max_examples=60)
@given(
    st.sampled_from(("UTC", "Asia/Kolkata", "Europe/Berlin", "America/New_York", "Pacific/Chatham", "Asia/Kathmandu")),
    expressions(),
    st.datetimes(datetime(1996, 1, 1), datetime(2045, 1, 1)),  # noqa: DTZ001 hypothesis wants naive bounds
)
def test_it_follows_the_rules_on_any_days(zone: str, wanted: Wanted, moment: datetime) -> None:
    start = moment.replace(tzinfo=UTC)
    end = start + timedelta(hours=30)

    assert chain(_valid(wanted), zone, start, end) == due(wanted, zone, start, end)


@pytest.mark.parametrize("text", ["*/20 0-3 * * *", "7,30 0-3 * * *", "0 */3 * * *", "59 23 * * *"])
def test_it_follows_the_rules_at_each_different_change_of_a_year_in_the_whole_world(text: str) -> None:
    start, end = utc("2027-01-01"), utc("2028-01-01")
    different = {
        (change.at, change.old, change.new): (zone, change.at)
        for zone in sorted(zone_names())
        for change in changes(zone, start, end)
    }
    wanted = _wanted(text)

    assert len(different) > 20
    for zone, moment in different.values():
        span = (zone, moment - timedelta(hours=5), moment + timedelta(hours=5))
        assert chain(read(text), *span) == due(wanted, *span), (zone, moment)


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        # Skipped times run right after the jump, several as one, together with a real one at that minute.
        ("30 2 * * *", "Europe/Berlin", "2027-03-28T00:00", "2027-03-28T01:00"),
        ("30 2 * * *", "Europe/Berlin", "2027-03-28T00:59:59", "2027-03-28T01:00"),
        ("5,25,45 2 * * *", "Europe/Berlin", "2027-03-28T01:00", "2027-03-29T00:05"),
        ("0,30 2-3 * * *", "Europe/Berlin", "2027-03-28T01:00", "2027-03-28T01:30"),
        # A repeated time runs at its first pass only, also for who asks during the second.
        ("30 2 * * *", "Europe/Berlin", "2027-10-30T12:00", "2027-10-31T00:30"),
        ("30 2 * * *", "Europe/Berlin", "2027-10-31T00:30", "2027-11-01T01:30"),
        ("30 2 * * *", "Europe/Berlin", "2027-10-31T01:10", "2027-11-01T01:30"),
        ("0 3 * * *", "Europe/Berlin", "2027-10-31T01:10", "2027-10-31T02:00"),
        # Wildcard jobs take the clock as it is.
        ("*/30 2 * * *", "Europe/Berlin", "2027-03-28T00:00", "2027-03-29T00:00"),
        ("*/30 2 * * *", "Europe/Berlin", "2027-10-31T00:30", "2027-10-31T01:00"),
        ("0 */3 * * *", "Australia/Lord_Howe", "2024-10-05T14:00", "2024-10-05T16:00"),
        ("*/30 0 * * *", "America/Sao_Paulo", "2018-11-04T02:45", "2018-11-05T02:00"),
        # Half an hour skipped, half an hour repeated.
        ("15 2 * * *", "Australia/Lord_Howe", "2024-10-05T15:00", "2024-10-05T15:30"),
        ("45 1 * * *", "Australia/Lord_Howe", "2024-04-06T14:45", "2024-04-07T15:15"),
        # A day that never was: 30 December 2011 in Apia.
        ("0 12 30 12 *", "Pacific/Apia", "2011-12-29T00:00", "2012-12-29T22:00"),
        ("0 0 * * *", "Pacific/Apia", "2011-12-29T10:00", "2011-12-30T10:00"),
        # Three hours back are a correction already: the time runs again.
        ("30 23 * * *", "Antarctica/Casey", "2010-03-04T13:00", "2010-03-04T15:30"),
        # The old year's last hour twice, and leap days on both sides of a year without one.
        ("30 23 * * *", "Africa/Casablanca", "1985-12-31T22:30", "1986-01-01T23:30"),
        ("0 0 29 2 *", "Europe/Berlin", "2096-03-01T00:00", "2104-02-28T23:00"),
        ("0 0 29 2 */7", "UTC", "2088-03-01T00:00", "2128-02-29T00:00"),
        # `*/2` begins with a star: both days must match. `5-5/10` is 5 alone.
        ("0 9 */2 * fri", "UTC", "2026-11-23T06:00", "2026-11-27T09:00"),
        ("5-5/10 9 * * *", "UTC", "2026-11-23T09:05", "2026-11-24T09:05"),
    ],
)
def test_it_knows_the_next_time(text: str, zone: str, after: str, expected: str) -> None:
    assert next_after(read(text), zone, utc(after)) == utc(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5,25 2 * * *", ["2027-03-28T01:00"]),
        ("5,25 2-3 * * *", ["2027-03-28T01:00", "2027-03-28T01:05", "2027-03-28T01:25"]),
        ("0,30 2-3 * * *", ["2027-03-28T01:00", "2027-03-28T01:30"]),
        ("0,30 3 * * *", ["2027-03-28T01:00", "2027-03-28T01:30"]),
        ("*/30 2-3 * * *", ["2027-03-28T01:00", "2027-03-28T01:30"]),
    ],
)
def test_it_takes_skipped_times_and_a_real_one_at_their_minute_as_one(text: str, expected: list[str]) -> None:
    found = latest_until(read(text), "Europe/Berlin", utc("2027-03-28T00:00"), utc("2027-03-28T02:00"), 9)

    assert found.newest == tuple(utc(one) for one in expected)
    assert found.count == len(expected)


def test_it_counts_ten_years_of_minutes_without_visiting_them() -> None:
    start, end = utc("2024-01-01"), utc("2034-01-01")
    found = latest_until(read("* * * * *"), "Europe/Berlin", start, end, 100)

    assert found.count == (end - start) // timedelta(minutes=1)
    assert (found.first, found.last) == (start + timedelta(minutes=1), end)
    assert found.newest == tuple(end - timedelta(minutes=back) for back in range(99, -1, -1))


def test_it_finds_nothing_in_an_empty_span() -> None:
    found = latest_until(read("0 9 * * *"), "UTC", utc("2026-11-23T09:00"), utc("2026-11-23T09:00"), 5)

    assert (found.count, found.first, found.last, found.newest) == (0, None, None, ())


def test_it_takes_the_time_of_another_zone_as_the_same_instant() -> None:
    after = utc("2026-11-23T06:00").astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert next_after(read("0 9 * * *"), "UTC", after) == utc("2026-11-23T09:00")


def test_it_lists_what_is_coming_up_and_stops_at_the_end_of_the_calendar() -> None:
    schedule = read("0 9 1 1 *")

    assert [one.year for one in upcoming(schedule, "UTC", utc("2026-11-23"), 3)] == [2027, 2028, 2029]
    assert [one.year for one in upcoming(schedule, "UTC", utc("8997-11-23"), 3)] == [8998, 8999]


def _valid(wanted: Wanted) -> Schedule:
    """Dates that no year has are refused, and not the matter here."""
    schedule = parse(wanted.text)
    assume(isinstance(schedule, Schedule) or "never run" not in schedule[0].reason)
    return read(wanted.text)


def _wanted(text: str) -> Wanted:
    everything = (frozenset(range(1, 32)), frozenset(range(1, 13)), frozenset(range(8)))
    values = {
        "*/20 0-3": ({0, 20, 40}, {0, 1, 2, 3}),
        "7,30 0-3": ({7, 30}, {0, 1, 2, 3}),
        "0 */3": ({0}, set(range(0, 24, 3))),
        "59 23": ({59}, {23}),
    }[text.removesuffix(" * * *")]
    return Wanted(text, frozenset(values[0]), frozenset(values[1]), *everything)
