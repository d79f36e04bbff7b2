"""The schedules that are no cron expressions: a steady interval from an anchor, and one moment.

`every 15 minutes from 2026-11-23 14:00` counts elapsed time; `every 2 days from …` keeps the wall time of its anchor,
in the job's zone. `at 2026-12-24 18:00` happens once.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hexasched.domain.cron_fields import Mistake
from hexasched.domain.cron_mistakes import printable
from hexasched.domain.wall_times import FORMAT, in_utc, read_wall
from hexasched.domain.zones import load_zone

MAX_COUNT = 1000
UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
SHAPE = "every N minutes, hours or days (from YYYY-MM-DD HH:MM), or at YYYY-MM-DD HH:MM"

_EVERY = re.compile(r"every(?: (\d{1,6}))? (minute|hour|day)s?(?: from (\S+[ T]\S+))?", re.ASCII | re.IGNORECASE)
_AT = re.compile(r"at (\S+[ T]\S+)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Every `count` units ("minute", "hour", "day") from the wall time `anchor` on, which is the first of them."""

    count: int
    unit: str
    anchor: datetime

    @property
    def text(self) -> str:
        """The canonical form."""
        return f"{self.pace} from {self.anchor:{FORMAT}}"

    @property
    def pace(self) -> str:
        """ "every 15 minutes"."""
        return f"every {self.unit}" if self.count == 1 else f"every {self.count} {self.unit}s"

    def instant(self, number: int, zone: str) -> datetime:
        """The moment after `number` steps, in UTC."""
        if self.unit == "day":
            return in_utc(self.anchor + number * self.count * UNITS["day"], zone)
        return in_utc(self.anchor, zone) + number * self.count * UNITS[self.unit]

    def steps_until(self, moment: datetime, zone: str) -> int:
        """How many of its moments are not later than `moment`."""
        passed = moment - in_utc(self.anchor, zone)
        number = int(passed / (self.count * UNITS[self.unit])) + 2  # a day may have 25 hours, or none
        while number >= 0 and self.instant(number, zone) > moment:
            number -= 1
        return max(0, number + 1)


@dataclass(frozen=True, kw_only=True)
class Once:
    """One moment, as a wall time of the job's zone."""

    wall: datetime

    @property
    def text(self) -> str:
        """The canonical form."""
        return f"at {self.wall:{FORMAT}}"


def is_meant(text: str) -> bool:
    """Whether a text is of this kind rather than a cron expression, or than what is no schedule at all."""
    return (
        text.isascii() and text.isprintable() and bool(re.match(r"\s*(?:every|at)\b", text, re.ASCII | re.IGNORECASE))
    )


def parse(text: str, zone: str, now: datetime | None) -> Interval | Once | Mistake:
    """Read a text that `is_meant`. An interval without an anchor begins with the minute of `now` (aware UTC).

    With `now` a moment that has passed is a mistake; None takes what is stored as it is. The zone must be valid.
    """
    words = " ".join(text.split())
    if found := _EVERY.fullmatch(words):
        return _interval(words, int(found[1] or 1), found[2].lower(), found[3], zone, now)
    if found := _AT.fullmatch(words):
        wall = _read_wall(words, found[1], zone)
        if isinstance(wall, datetime) and now is not None and in_utc(wall, zone) <= now:
            here = f"it is {now.astimezone(load_zone(zone)):{FORMAT}} there now"
            return _wrong(words, f"{wall:{FORMAT}} has passed in {zone}: {here}. Write a time to come.")
        return Once(wall=wall) if isinstance(wall, datetime) else wall
    return _wrong(words, f"This can't be read. Write `{SHAPE}`, for example `every 15 minutes`.")


def _interval(
    words: str, count: int, unit: str, anchor: str | None, zone: str, now: datetime | None
) -> Interval | Mistake:
    if not 1 <= count <= MAX_COUNT:
        return _wrong(words, f"Write a number from 1 to {MAX_COUNT}; you wrote {count}.")
    if anchor is None:
        begin = now or datetime.fromtimestamp(0, UTC)
        wall: datetime | Mistake = begin.astimezone(load_zone(zone)).replace(tzinfo=None, second=0, microsecond=0)
    else:
        wall = _read_wall(words, anchor, zone)
    return Interval(count=count, unit=unit, anchor=wall) if isinstance(wall, datetime) else wall


def _read_wall(words: str, text: str, zone: str) -> datetime | Mistake:
    wall = read_wall(text, zone)
    if isinstance(wall, datetime):
        return wall
    better = f"{words[: words.index(text)]}{wall.around[1]:{FORMAT}}" if wall.around else None
    return _wrong(words, wall.reason, better)


def _wrong(words: str, reason: str, suggestion: str | None = None) -> Mistake:
    return Mistake(field="schedule", written=printable(words), reason=reason, allowed=SHAPE, suggestion=suggestion)
