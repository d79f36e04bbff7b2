"""What the parser accepts, its canonical text, and the words of every refusal."""

import time
from datetime import UTC, datetime

import pytest
from cronsim import CronSim
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hexasched.domain.cron_fields import Mistake, Schedule
from hexasched.domain.cron_parser import MACROS, parse
from tests.unit.cron_reference import Wanted, expressions

bounded = settings(max_examples=300, deadline=None, derandomize=True, database=None)
COUNT = "A schedule has 5 fields: minute, hour, day of month, month, weekday. This one has {}."
WEEKDAYS = "0–7 (0 and 7 are Sunday) or sun to sat"
UNREADABLE = "cannot be read. Write `*`, a value (0–59), a range with `-`, a list with `,`, or a step such as `*/2`."
NO_L = (
    "`L` (last day of the month) is not supported. Write `28`, which every month has, "
    "or `1` to run when the month is over."
)
NO_W = (
    "`W` (nearest working day) is not supported. Write the day itself, for example `15`, "
    "or all working days with `1-5` as weekday."
)

# Written; field; reason; the whole text that is offered instead.
REFUSALS = [
    ("", "schedule", "Write a schedule, for example `0 9 * * *` for every day at 09:00.", None),
    (" \t ", "schedule", "Write a schedule, for example `0 9 * * *` for every day at 09:00.", None),
    ("0 9 * *", "schedule", COUNT.format(4), None),
    ("0 0 9 * * * 2027", "schedule", COUNT.format(7), None),
    (
        "0 0 9 ? * MON",
        "schedule",
        "HexaSched has no seconds field. Did you mean `0 9 * * MON`?",
        "0 9 * * MON",
    ),
    (
        "0 9 * * * root",
        "schedule",
        "A schedule has 5 fields. Did you mean `0 9 * * *`?",
        "0 9 * * *",
    ),
    ("a b c d e f", "schedule", COUNT.format(6), None),
    ("0 25 * * *", "hour", "Hour must be 0–23; you wrote 25.", None),
    ("0 24 * * *", "hour", "Hour must be 0–23; you wrote 24. Midnight is hour 0.", "0 0 * * *"),
    ("60 9 * * *", "minute", "Minute must be 0–59; you wrote 60.", None),
    ("0 9 0 * *", "day of month", "Day of month must be 1–31; you wrote 0.", None),
    ("0 9 * 13 *", "month", "Month must be 1–12 or jan to dec; you wrote 13.", None),
    ("0 9 * * 8", "weekday", f"Weekday must be {WEEKDAYS}; you wrote 8.", None),
    ("0 9 * * mo", "weekday", f"Weekday `mo` is unknown. Use {WEEKDAYS}. Did you mean `mon`?", "0 9 * * mon"),
    (
        "0 9 * january *",
        "month",
        "Month `january` is unknown. Use 1–12 or jan to dec. Did you mean `jan`?",
        "0 9 * jan *",
    ),
    ("0 9 * * mondays", "weekday", f"Weekday `mondays` is unknown. Use {WEEKDAYS}. Did you mean `mon`?", "0 9 * * mon"),
    ("0 9 * * satisfied", "weekday", f"Weekday `satisfied` is unknown. Use {WEEKDAYS}.", None),
    ("0 9 * * t", "weekday", f"Weekday `t` is unknown. Use {WEEKDAYS}.", None),
    ("0 mon * * *", "hour", "Hour must be 0–23; you wrote `mon`.", None),
    ("0 9 ? * *", "day of month", "`?` is Quartz syntax. Write `*`.", "0 9 * * *"),
    ("0 9 L * *", "day of month", NO_L, None),
    ("0 9 L-3 * *", "day of month", NO_L, None),
    ("0 9 15W * *", "day of month", NO_W, None),
    ("0 9 LW * *", "day of month", NO_W, None),
    (
        "0 9 * * 5L",
        "weekday",
        "`L` (one certain week of the month) is not supported. Write `5` and let the function check the date.",
        None,
    ),
    (
        "0 9 * * wed#2",
        "weekday",
        "`#` (one certain week of the month) is not supported. Write `wed` and let the function check the date.",
        None,
    ),
    ("0 22-2 * * *", "hour", "`22-2` runs backwards. Write `22,23,0-2`.", "0 22,23,0-2 * * *"),
    ("0 22-2/2 * * *", "hour", "`22-2/2` runs backwards. Write `22,0,2`.", "0 22,0,2 * * *"),
    ("0 9 * * fri-mon", "weekday", "`fri-mon` runs backwards. Write `5-7,1`.", "0 9 * * 5-7,1"),
    ("0 9 * * sat-sun", "weekday", "`sat-sun` runs backwards. Write `6,7`.", "0 9 * * 6,7"),
    (
        "1/20 * * * *",
        "minute",
        "A step needs `*` or a range before it; you wrote `1/20`. Write `1-59/20`.",
        "1-59/20 * * * *",
    ),
    ("*/0 * * * *", "minute", "A step is at least 1; you wrote `*/0`. Write `*`.", "* * * * *"),
    ("1,,2 * * * *", "minute", "Minute has a comma with nothing before or after it. Remove the comma.", None),
    ("-5 * * * *", "minute", f"Minute `-5` {UNREADABLE}", None),
    ("1-2-3 * * * *", "minute", f"Minute `1-2-3` {UNREADABLE}", None),
    ("*-5 * * * *", "minute", f"Minute `*-5` {UNREADABLE}", None),
    ("*/+5 * * * *", "minute", f"Minute `*/+5` {UNREADABLE}", None),
    ("@reboot", "schedule", "`@reboot` is not supported: HexaSched runs by the clock.", None),
    (
        "@every 15m",
        "schedule",
        "`@every` is unknown. Use 5 fields or one of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, "
        "@annually.",
        None,
    ),
    ("@Daily", "schedule", "Write `@daily`, alone and in small letters.", "@daily"),
    ("@daily 5", "schedule", "Write `@daily`, alone and in small letters.", "@daily"),
    ("0 0 31 2 *", "day of month", "31 February does not exist, so this would never run.", None),
    ("0 0 30,31 2 */2", "day of month", "30 and 31 February do not exist, so this would never run.", None),
    (
        "0 0 31 4,6,9,11 *",
        "day of month",
        "31 April, June, September and November do not exist, so this would never run.",
        None,
    ),
    (
        "0 9 * * *\n",
        "schedule",
        "A schedule is plain ASCII on one line. Remove U+000A (a control character).",
        "0 9 * * *",
    ),
    (
        "0\u00a09 * * *",
        "schedule",
        "A schedule is plain ASCII on one line. Remove U+00A0 (no-break space).",
        "0 9 * * *",
    ),
    (
        "٣ 9 * * ſun",
        "schedule",
        "A schedule is plain ASCII on one line. Remove U+0663 (arabic-indic digit three) and U+017F "
        "(latin small letter long s).",
        None,
    ),
    (
        "9" * 4300,
        "schedule",
        "A schedule has at most 256 characters; this one has 4,300. Split it into several CronJobs.",
        None,
    ),
]

HOSTILE = [
    "9" * 10_000_000,
    "9" * 4301 + " * * * *",
    "9" * 240 + " * * * *",
    "*/" + "9" * 240 + " * * * *",
    "1," * 128,
    "," * 256,
    "-" * 256,
    "*/" * 128,
    "L" * 256,
    "#" * 256,
    "a " * 128,
    "1-" * 124 + "1 * * * *",
    "٣" * 256,
    "\ufdfa" * 256,
    "\u1680" * 256,
    "0 9 * * *" + "\n" * 247,
    "\x00",
    "\ud800 * * * *",
    "\u202e0 9 * * *",
]


def refused(text: str) -> tuple[Mistake, ...]:
    found = parse(text)
    assert not isinstance(found, Schedule), found.text
    return found


@pytest.mark.parametrize(("text", "field", "reason", "suggestion"), REFUSALS)
def test_it_says_what_is_wrong_where_and_what_to_write(
    text: str, field: str, reason: str, suggestion: str | None
) -> None:
    assert [(one.field, one.reason, one.suggestion) for one in refused(text)] == [(field, reason, suggestion)]


@pytest.mark.parametrize("text", [suggestion for *_, suggestion in REFUSALS if suggestion])
def test_it_suggests_only_what_it_accepts(text: str) -> None:
    assert isinstance(parse(text), Schedule)


def test_it_names_all_mistakes_at_once_in_the_order_of_the_text() -> None:
    found = refused("60,5,70-80/0 24 0 13 8")

    assert [(one.field, one.written) for one in found] == [
        ("minute", "60"),
        ("minute", "70-80/0"),
        ("minute", "70-80/0"),
        ("minute", "70-80/0"),
        ("hour", "24"),
        ("day of month", "0"),
        ("month", "13"),
        ("weekday", "8"),
    ]
    assert [one.allowed for one in found[4:]] == ["0–23", "1–31", "1–12 or jan to dec", WEEKDAYS]
    assert found[4].suggestion == "60,5,70-80/0 0 0 13 8"
    assert (found[3].reason, found[3].suggestion) == ("A step is at least 1; you wrote `70-80/0`.", None)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: f"{text[:6]!a} and {len(text)} characters")
def test_it_answers_hostile_texts_quickly_and_shows_them_harmlessly(text: str) -> None:
    start = time.process_time()
    found = parse(text)

    assert time.process_time() - start < 0.05
    for mistake in found if isinstance(found, tuple) else ():
        assert mistake.written.isascii()
        assert mistake.written.isprintable()
        assert len(mistake.written) <= 60
        assert mistake.reason.encode()


@bounded
@given(st.text(max_size=40) | st.text("0123456789*/-,?LW#@ \tmonjafeb", max_size=40))
def test_it_answers_any_text_with_a_schedule_or_with_reasons(text: str) -> None:
    found = parse(text)

    assert isinstance(found, Schedule) or (found and all(mistake.reason for mistake in found))


@bounded
@given(expressions())
def test_it_reads_every_valid_expression_and_prints_it_the_same_way_again(wanted: Wanted) -> None:
    schedule = parse(wanted.text)
    if not isinstance(schedule, Schedule):
        assert schedule[0].reason.endswith("so this would never run.")
        return
    again = parse(schedule.text)

    assert isinstance(again, Schedule)
    assert again.text == schedule.text
    assert (again.fixed, again.both_days) == (schedule.fixed, schedule.both_days)
    for read in (schedule, again):
        values = (read.minutes, read.hours, read.days, read.months)
        assert [set(one) for one in values] == [wanted.minutes, wanted.hours, wanted.days, wanted.months]
        assert set(read.weekdays) == {day % 7 for day in wanted.weekdays}


@bounded
@given(expressions())
def test_its_canonical_text_means_the_same_to_cronsim(wanted: Wanted) -> None:
    schedule = parse(wanted.text)
    assume(isinstance(schedule, Schedule))
    assert isinstance(schedule, Schedule)
    theirs = CronSim(schedule.text, datetime(2026, 11, 23, tzinfo=UTC))
    assert (theirs.minutes, theirs.hours) == (set(schedule.minutes), set(schedule.hours))
    assert (theirs.days, theirs.months) == (set(schedule.days), set(schedule.months))
    assert {day % 7 for day in theirs.weekdays if isinstance(day, int)} == set(schedule.weekdays)
    assert theirs.day_and == schedule.both_days


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("  0\t09  * * *  ", "0 9 * * *"),
        ("0 9 * JAN-mar,oct Mon-5", "0 9 * 1-3,10 1-5"),
        ("5-5/10 * * * *", "5 * * * *"),
        ("*/1 1,1 * * *", "* 1 * * *"),
        ("*/100 0-23/90 * * *", "*/100 0-23/90 * * *"),
        ("0-59 9 * * 7", "0-59 9 * * 7"),
        *MACROS.items(),
    ],
)
def test_it_prints_one_way_to_write_each_schedule(text: str, canonical: str) -> None:
    schedule = parse(text)

    assert isinstance(schedule, Schedule)
    assert schedule.text == canonical


@pytest.mark.parametrize(
    ("text", "fixed", "both_days"),
    [
        ("0 9 1 * 1", True, False),
        ("*/15 9 * * *", False, True),
        ("0 */2 1 * *", False, True),
        ("0-59 0-23 1-31 * 1", True, False),
        ("5,*/20 9,* 1,* * 1,*", True, False),
        ("0 9 */2 * 5", True, True),
    ],
)
def test_it_looks_only_at_how_a_field_begins(text: str, fixed: bool, both_days: bool) -> None:
    schedule = parse(text)

    assert isinstance(schedule, Schedule)
    assert (schedule.fixed, schedule.both_days) == (fixed, both_days)


def test_it_takes_256_characters_and_no_more() -> None:
    text = "0 9 * * *".ljust(256)

    assert isinstance(parse(text), Schedule)
    assert "at most 256" in refused(f"{text} ")[0].reason


def test_it_lets_a_weekday_save_a_date_that_never_comes() -> None:
    assert isinstance(parse("0 9 31 2 mon"), Schedule)
    assert isinstance(parse("0 9 29 2 *"), Schedule)
    assert isinstance(parse("0 9 30,31 2,4 *"), Schedule)
