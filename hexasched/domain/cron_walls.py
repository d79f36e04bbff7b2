"""The plain calendar: which wall times a schedule names, whatever the zone.

Wall times are naive datetimes without seconds. cronsim finds them, and sees only canonical texts and no zones.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache

from cronsim import CronSim

from hexasched.domain.cron_fields import Schedule

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def first_wall(schedule: Schedule, earliest: datetime) -> datetime | None:
    """The first wall time that is not before `earliest`, or None if 50 years have none."""
    return _first_wall(schedule.text, earliest)


@lru_cache(maxsize=4096)
def _first_wall(text: str, earliest: datetime) -> datetime | None:
    # What is due in one moment mostly has few schedules: a thousand CronJobs at the full hour ask the same.
    found: datetime | None = next(CronSim(text, earliest - SECOND), None)
    return found


def walls(schedule: Schedule, low: datetime, high: datetime) -> Iterator[datetime]:
    """All wall times with `low` ≤ wall < `high`, oldest first."""
    for wall in CronSim(schedule.text, low - SECOND):
        if wall >= high:
            return
        yield wall


def walls_backwards(schedule: Schedule, low: datetime, high: datetime) -> Iterator[datetime]:
    """All wall times with `low` ≤ wall < `high`, newest first."""
    for wall in CronSim(schedule.text, high, reverse=True):
        if wall < low:
            return
        yield wall


def count_walls(schedule: Schedule, low: datetime, high: datetime) -> int:
    """How many wall times there are with `low` ≤ wall < `high`; costs about a microsecond for each day between."""
    if low >= high:
        return 0
    first, last = low.date(), high.date()
    whole = sum(matches_day(schedule, first + DAY * index) for index in range((last - first).days))
    total = whole * len(schedule.minutes) * len(schedule.hours)
    return total - _before(schedule, low) + _before(schedule, high)


def matches_day(schedule: Schedule, day: date) -> bool:
    """Whether the schedule runs on `day`: by either day field, or by both where one begins with `*`."""
    if day.month not in schedule.months:
        return False
    by_date, by_weekday = day.day in schedule.days, day.isoweekday() % 7 in schedule.weekdays
    return by_date and by_weekday if schedule.both_days else by_date or by_weekday


def _before(schedule: Schedule, wall: datetime) -> int:
    """How many wall times the day of `wall` has before `wall`."""
    if not matches_day(schedule, wall.date()):
        return 0
    hours = sum(hour < wall.hour for hour in schedule.hours)
    if wall.hour not in schedule.hours:
        return hours * len(schedule.minutes)
    limit = wall.minute + (wall.second > 0)
    return hours * len(schedule.minutes) + sum(minute < limit for minute in schedule.minutes)
