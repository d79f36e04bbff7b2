"""One set of questions for every kind of schedule: when next, how often until now, and in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from hexasched.domain import cron_clock, cron_parser, cron_words, intervals
from hexasched.domain.cron_clock import Due
from hexasched.domain.cron_fields import Mistake, Schedule
from hexasched.domain.intervals import Interval, Once
from hexasched.domain.limits import MAX_EXPRESSION_CHARS
from hexasched.domain.wall_times import in_utc
from hexasched.domain.zones import shown_zone

Timetable = Schedule | Interval | Once

_INSTANT = timedelta(milliseconds=1)
_NOTHING = Due(count=0, first=None, last=None, newest=())


def read(text: str, zone: str, now: datetime | None) -> Timetable | tuple[Mistake, ...]:
    """The timetable that a person wrote, or all that is wrong with it; the zone must be valid.

    Without `now` a moment that has passed is no mistake; only for what was stored.
    """
    if len(text) <= MAX_EXPRESSION_CHARS and intervals.is_meant(text):
        found = intervals.parse(text, zone, now)
        return (found,) if isinstance(found, Mistake) else found
    return cron_parser.parse(text)


@lru_cache(maxsize=16384)
def stored(text: str, zone: str) -> Timetable:
    """The timetable of a text that was checked before it was stored. Raises ValueError for any other.

    Only its moments need the zone: what it means can be said where that is gone.
    """
    found = intervals.parse(text, shown_zone(zone), None) if intervals.is_meant(text) else cron_parser.parse(text)
    if isinstance(found, tuple | Mistake):
        raise ValueError(f"not a schedule: {text!r}")  # noqa: TRY004 - the text is wrong, not its type
    return found


def describe(table: Timetable) -> str:
    """What it means, in one sentence without its end."""
    match table:
        case Interval():
            return f"{table.pace.capitalize()}, counted from {table.anchor:%Y-%m-%d %H:%M}"
        case Once():
            return f"Once, at {table.wall:%Y-%m-%d %H:%M}"
        case _:
            return cron_words.describe(table)


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """A timetable in a zone, between its start and its end (aware UTC, both included; None is no bound)."""

    table: Timetable
    zone: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def next_after(self, after: datetime) -> datetime | None:
        """The first instant (aware UTC) strictly later than `after`; None if there is none.

        Raises ZoneInfoNotFoundError for a zone that is gone.
        """
        found = _next_after(self.table, self.zone, self._begin(after))
        return None if found is None or (self.ends_at and found > self.ends_at) else found

    def upcoming(self, after: datetime, count: int) -> tuple[datetime, ...]:
        """The next `count` instants later than `after`, fewer if there are no more."""
        found: list[datetime] = []
        while len(found) < count and (due := self.next_after(found[-1] if found else after)):
            found.append(due)
        return tuple(found)

    def latest_until(self, after: datetime, until: datetime, count: int) -> Due:
        """The newest `count` instants with `after` < instant ≤ `until`, and how many there are."""
        begin, end = self._begin(after), min(until, self.ends_at or until)
        return _latest_until(self.table, self.zone, begin, end, count) if begin < end else _NOTHING

    def _begin(self, after: datetime) -> datetime:
        return max(after, self.starts_at - _INSTANT) if self.starts_at else after


def _next_after(table: Timetable, zone: str, after: datetime) -> datetime | None:
    match table:
        case Interval():
            return table.instant(table.steps_until(after, zone), zone)
        case Once():
            moment = in_utc(table.wall, zone)
            return moment if moment > after else None
        case _:
            return cron_clock.next_after(table, zone, after)


def _latest_until(table: Timetable, zone: str, after: datetime, until: datetime, count: int) -> Due:
    match table:
        case Interval():
            begin, end = table.steps_until(after, zone), table.steps_until(until, zone)
            return _due(
                [table.instant(number, zone) for number in range(max(begin, end - count), end)],
                end - begin,
                (table.instant(begin, zone)),
            )
        case Once():
            moment = in_utc(table.wall, zone)
            return _due([moment] if after < moment <= until else [], 1, moment)
        case _:
            return cron_clock.latest_until(table, zone, after, until, count)


def _due(newest: list[datetime], count: int, first: datetime) -> Due:
    return Due(count=count, first=first, last=newest[-1], newest=tuple(newest)) if newest else _NOTHING
