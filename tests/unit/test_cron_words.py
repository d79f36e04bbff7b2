"""Schedules in English, and what a person is told about them."""

import pytest

from hexasched.domain.cron_fields import Schedule
from hexasched.domain.cron_notes import notes
from hexasched.domain.cron_parser import parse
from hexasched.domain.cron_words import describe
from hexasched.domain.schedules import Preview, preview
from tests.unit.cron_reference import utc

NOW = utc("2026-11-23T06:00")


def read(text: str) -> Schedule:
    schedule = parse(text)
    assert isinstance(schedule, Schedule), schedule
    return schedule


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("* * * * *", "Every minute"),
        ("0-59 * * * *", "Every minute"),
        ("*/5 * * * *", "Every 5 minutes"),
        ("0 * * * *", "Every hour, on the hour"),
        ("*/100 * * * *", "Every hour, on the hour"),
        ("15 * * * *", "At minute 15 of every hour"),
        ("0,15,30 * * * *", "At minutes 0, 15 and 30 of every hour"),
        ("*/7 * * * *", "At every 7th minute from 0 to 56 of every hour"),
        ("0 9 * * *", "At 09:00 every day"),
        ("30 9,17 * * *", "At 09:30 and 17:30 every day"),
        ("0 9 * * 1-5", "At 09:00 on Monday to Friday"),
        ("0 9 * * 0,6", "At 09:00 on Saturday and Sunday"),
        ("0 9 * * fri-7", "At 09:00 on Friday to Sunday"),
        ("0 9 * * */2", "At 09:00 on Tuesday, Thursday, Saturday and Sunday"),
        ("0 9 13 * 5", "At 09:00 on the 13th and on every Friday (either matches)"),
        ("0 9 1-31 * 5", "At 09:00 every day"),
        (
            "0 9 */2 * 5",
            "At 09:00 on every 2nd day of the month from the 1st to the 31st, but only on Friday",
        ),
        ("0 9 1 * *", "At 09:00 on the 1st of every month"),
        ("0 9 1,15,22 * *", "At 09:00 on the 1st, 15th and 22nd of every month"),
        ("0 9 11-13 * *", "At 09:00 on the 11th to 13th of every month"),
        ("30 8 1 1 *", "At 08:30 every year on 1 January"),
        ("0 0 1 */3 *", "At 00:00 on the 1st in January, April, July and October"),
        ("0 0 * 6-8 *", "At 00:00 every day in June to August"),
        ("*/15 9-17 * * 1-5", "Every 15 minutes from 09:00 to 17:45 on Monday to Friday"),
        ("* 9 * * *", "Every minute from 09:00 to 09:59"),
        ("0-30 9 * * *", "Every minute from 09:00 to 09:30"),
        ("0 */2 * * *", "Every 2 hours from 00:00 to 22:00"),
        ("30 9-17 * * *", "Every hour from 09:30 to 17:30"),
        ("*/5 */2 * * *", "Every 5 minutes of every 2nd hour from 00:00 to 22:00"),
        ("0 22,23,0-2 * * *", "At minute 0 of the hours 00:00 to 02:00, 22:00 and 23:00"),
        ("5,10,20,25,31 9 * * *", "At minutes 5, 10, 20, 25 and 31 past 09:00"),
    ],
)
def test_it_says_a_schedule_in_words(text: str, sentence: str) -> None:
    assert describe(read(text)) == sentence


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("0 9 * * *", "Europe/Berlin", []),
        ("*/5 * * * *", "Europe/Berlin", []),
        ("*/5 * * * *", "Australia/Lord_Howe", []),
        (
            "30 2 * * *",
            "Europe/Berlin",
            [
                "On Sun 28 Mar 2027 02:30 does not exist in Europe/Berlin; it will run at 03:00.",
                "On Sun 31 Oct 2027 02:30 happens twice in Europe/Berlin; it will run once, at the first.",
            ],
        ),
        (
            "5,25 1-2 * * *",
            "America/New_York",
            [
                "On Sun 14 Mar 2027 02:05 and 02:25 do not exist in America/New_York; it will run at 03:00, "
                "once for all of them.",
                "On Sun 7 Nov 2027 01:05 and 01:25 happen twice in America/New_York; it will run once, at the first.",
            ],
        ),
        (
            "*/15 2 * * *",
            "Europe/Berlin",
            [
                "On Sun 28 Mar 2027 02:00 to 02:45 (4 times) do not exist in Europe/Berlin; it will not run then.",
                "On Sun 31 Oct 2027 02:00 to 02:45 (4 times) happen twice in Europe/Berlin; it will run both times.",
            ],
        ),
        (
            "0 * * * *",
            "Australia/Lord_Howe",
            ["On Sun 3 Oct 2027 02:00 does not exist in Australia/Lord_Howe; it will not run then."],
        ),
        (
            "0,10,30 * * * *",
            "Australia/Lord_Howe",
            [
                "On Sun 4 Apr 2027 01:30 happens twice in Australia/Lord_Howe; it will run both times.",
                "On Sun 3 Oct 2027 02:00 and 02:10 do not exist in Australia/Lord_Howe; it will not run then.",
            ],
        ),
        ("0 9 13 * 5", "UTC", ["Runs on the 13th and on every Friday: cron fires when either matches."]),
        (
            "0 9 13 * */5",
            "UTC",
            [
                "Runs only when both match, the 13th and Friday and Sunday, because one of the two fields begins "
                "with `*`.",
                "`*/5` in weekday does not divide evenly: it starts again at 0 each week, so the step from 5 to 0 "
                "is shorter than the others.",
            ],
        ),
        (
            "*/7 * * * *",
            "UTC",
            [
                "`*/7` in minute does not divide evenly: it starts again at 0 each hour, so the step from 56 to 0 "
                "is shorter than the others."
            ],
        ),
        ("*/100 * * * *", "UTC", ["`*/100` in minute never steps: it is the same as `0`."]),
        ("* * * * *", "UTC", ["Runs 1,440 times a day."]),
        ("0-49 0-19 * * *", "UTC", []),
        ("0 0 31 * *", "UTC", ["Months without a 31st are left out."]),
        ("0 0 31 1,3 *", "UTC", []),
        ("0 0 29 * *", "UTC", ["Months without a 29th are left out."]),
        ("0 0 29 2 *", "UTC", ["29 February exists in leap years only."]),
    ],
)
def test_it_notes_what_may_surprise(text: str, zone: str, expected: list[str]) -> None:
    assert notes(read(text), zone, NOW) == expected


@pytest.mark.parametrize(
    ("text", "times"), [("0 9 * * *", "09:00 does"), ("0 * * * *", "00:00 to 23:00 (24 times) do")]
)
def test_it_notes_a_day_that_a_country_leaves_out(text: str, times: str) -> None:
    expected = f"On Fri 30 Dec 2011 {times} not exist in Pacific/Apia; it will not run then."

    assert notes(read(text), "Pacific/Apia", utc("2011-12-01")) == [expected]


def test_it_previews_a_valid_schedule() -> None:
    shown = preview("0 9 * * mon-fri", "Europe/Berlin", NOW, 3)

    assert isinstance(shown, Preview)
    assert shown.canonical == "0 9 * * 1-5"
    assert shown.sentence == "At 09:00 on Monday to Friday"
    assert shown.next == (utc("2026-11-23T08:00"), utc("2026-11-24T08:00"), utc("2026-11-25T08:00"))
    assert shown.notes == ()


def test_it_reports_the_expression_and_the_zone_together() -> None:
    found = preview("0 25 * * *", "Europe/Berln", NOW, 3)

    assert isinstance(found, tuple)
    assert [(one.field, one.suggestion) for one in found] == [("hour", None), ("timezone", "Europe/Berlin")]
