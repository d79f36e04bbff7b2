"""What a person should know about a schedule before relying on it: changes of the clock, the day rule, uneven steps."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from hexasched.domain.cron_fields import FIELDS, LONGEST_MONTH, Schedule
from hexasched.domain.cron_walls import walls
from hexasched.domain.cron_words import day_words, listed, ordinal, weekday_words
from hexasched.domain.zone_stretches import Change, changes

AHEAD = timedelta(days=366)
MINUTE = timedelta(minutes=1)
BUSY_RUNS_A_DAY = 1000
SHOWN_TIMES = 3
FEBRUARY = 2
UNITS = ("each hour", "each day", "each month", "each year", "each week")


def notes(schedule: Schedule, zone: str, after: datetime) -> list[str]:
    """Sentences for the person who writes it, the general ones first, then the next year's changes of the clock.

    `after` is aware UTC. Raises ZoneInfoNotFoundError for a zone that `check_zone` refuses.
    """
    found = [*_days(schedule), *_steps(schedule), *_load(schedule)]
    for change in changes(zone, after, after + AHEAD):
        found += _clock_change(schedule, zone, change)
    return found


def _days(schedule: Schedule) -> Iterator[str]:
    if len(schedule.days) < 31 and len(schedule.weekdays) < 7:
        days, weekdays = day_words(schedule), weekday_words(schedule)
        if schedule.both_days:
            yield f"Runs only when both match, {days} and {weekdays}, because one of the two fields begins with `*`."
        else:
            yield f"Runs on {days} and on every {weekdays}: cron fires when either matches."
    if not schedule.both_days:
        return
    if schedule.days[0] == 29 and schedule.months == (FEBRUARY,):
        yield "29 February exists in leap years only."
    elif any(schedule.days[0] > LONGEST_MONTH[month - 1] - (month == FEBRUARY) for month in schedule.months):
        yield f"Months without a {ordinal(schedule.days[0])} are left out."


def _steps(schedule: Schedule) -> Iterator[str]:
    """Steps that start again sooner than they would come round, or that never step."""
    for field, terms, unit in zip(FIELDS, schedule.terms, UNITS, strict=True):
        for term in terms:
            size = 7 if field.name == "weekday" else field.high - field.low + 1
            if not term.star or term.step == 1:
                continue
            if len(term.values) == 1:
                yield f"`{term}` in {field.name} never steps: it is the same as `{field.low}`."
            elif size % term.step or field.name == "day of month":
                yield (
                    f"`{term}` in {field.name} does not divide evenly: it starts again at {field.low} {unit}, "
                    f"so the step from {term.values[-1]} to {field.low} is shorter than the others."
                )


def _load(schedule: Schedule) -> Iterator[str]:
    runs = len(schedule.minutes) * len(schedule.hours)
    if runs > BUSY_RUNS_A_DAY:
        yield f"Runs {runs:,} times a day."


def _clock_change(schedule: Schedule, zone: str, change: Change) -> Iterator[str]:
    made_whole = schedule.fixed and change.short
    if not made_whole and _same_rhythm(schedule, change):
        return
    low, high = sorted((change.left, change.landed))
    touched = list(walls(schedule, low, high))
    if not touched:
        return
    times = _times(touched)
    one = len(touched) == 1
    if change.new > change.old:
        then = f"will run at {change.landed:%H:%M}" + ("" if one else ", once for all of them")
        then = then if made_whole else "will not run then"
        yield f"On {_date(touched[0])} {times} {'does' if one else 'do'} not exist in {zone}; it {then}."
    else:
        then = "once, at the first" if made_whole else "both times"
        yield f"On {_date(touched[0])} {times} {'happens' if one else 'happen'} twice in {zone}; it will run {then}."


def _same_rhythm(schedule: Schedule, change: Change) -> bool:
    """Whether the change goes unnoticed: the minutes it moves to are those of every hour anyway."""
    shift = (change.new - change.old) // MINUTE
    all_hours = change.short and len(schedule.hours) == 24
    return all_hours and all((minute + shift) % 60 in schedule.minutes for minute in schedule.minutes)


def _date(wall: datetime) -> str:
    return f"{wall:%a} {wall.day} {wall:%b %Y}"


def _times(touched: list[datetime]) -> str:
    if len(touched) > SHOWN_TIMES:
        return f"{touched[0]:%H:%M} to {touched[-1]:%H:%M} ({len(touched)} times)"
    return listed(f"{wall:%H:%M}" for wall in touched)
