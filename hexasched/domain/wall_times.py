"""A time that a person reads off a clock, and the instant that it is in a zone; some do not exist, some come twice."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hexasched.domain.cron_mistakes import printable
from hexasched.domain.zones import load_zone

FORMAT = "%Y-%m-%d %H:%M"

_SHAPE = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}", re.ASCII)
_ADVICE = "Write YYYY-MM-DD HH:MM, for example 2026-12-24 18:00."


@dataclass(frozen=True, kw_only=True)
class NoTime:
    """What was written is no time of the zone. `around`: the last time before a gap, the first after."""

    reason: str
    around: tuple[datetime, datetime] | None = None


def read_wall(text: str, zone: str) -> datetime | NoTime:
    """The wall time (naive) that `text` says, `2026-12-24 18:00` or with a T; the zone must be valid."""
    if not _SHAPE.fullmatch(text):
        return NoTime(reason=f"`{printable(text)}` is not a date and a time. {_ADVICE}")
    try:
        wall = datetime.fromisoformat(text)
        before, after = _around_gap(wall, zone)
    except (ValueError, OverflowError):
        return NoTime(reason=f"`{printable(text)}` is not in the calendar. {_ADVICE}")
    if before != after:
        why = f"{wall:{FORMAT}} does not exist in {zone}: the clock is set forward then."
        return NoTime(reason=f"{why} Use {before:%H:%M} or {after:%H:%M}.", around=(before, after))
    return wall


def read_instant(text: str, zone: str) -> tuple[datetime | None, str | None]:
    """The instant (aware UTC) of a wall time, None for no text; and what is wrong with it (None: nothing)."""
    if not text.strip():
        return None, None
    wall = read_wall(text.strip(), zone)
    return (None, wall.reason) if isinstance(wall, NoTime) else (in_utc(wall, zone), None)


def wall_text(moment: datetime | None, zone: str) -> str:
    """The text that `read_instant` reads as `moment`, to the minute; empty for None."""
    return "" if moment is None else f"{moment.astimezone(load_zone(zone)):{FORMAT}}"


def in_utc(wall: datetime, zone: str) -> datetime:
    """The instant of a wall time: the first of a repeated one; for a skipped one, as if the clock had not changed.

    So does RFC 5545, 3.3.5.
    """
    return wall.replace(tzinfo=load_zone(zone), fold=0).astimezone(UTC)


def instants(wall: datetime, zone: str) -> tuple[datetime, ...]:
    """All instants (aware UTC) at which clocks show the wall time: one, or two when the clock is set back over it."""
    second = wall.replace(tzinfo=load_zone(zone), fold=1).astimezone(UTC)
    return tuple(sorted({in_utc(wall, zone), second}))


def _around_gap(wall: datetime, zone: str) -> tuple[datetime, datetime]:
    """The last wall time that exists before `wall` and the first after it; both are `wall` if it exists itself."""
    rules = load_zone(zone)
    if wall.year < 1970 or wall.year > 9000:
        raise ValueError("outside of the years that schedules have")
    if _exists(wall, zone):
        return wall, wall
    # Both readings of a time in the gap lie on its other sides, a gap's length apart.
    early = wall.replace(tzinfo=rules, fold=1).astimezone(UTC).astimezone(rules).replace(tzinfo=None)
    late = wall.replace(tzinfo=rules, fold=0).astimezone(UTC).astimezone(rules).replace(tzinfo=None)
    return early, late


def _exists(wall: datetime, zone: str) -> bool:
    rules = load_zone(zone)
    return wall.replace(tzinfo=rules).astimezone(UTC).astimezone(rules).replace(tzinfo=None) == wall


_UNITS = ((86400, "day"), (3600, "h"), (60, "min"), (1, "s"))


def length_words(length: timedelta) -> str:
    """`45 s`, `3 min`, `1 h 30 min`, `2 days`: the largest unit and, if there is any, the next; below a second 0 s."""
    rest = int(length.total_seconds())
    words: list[str] = []
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count and len(words) < 2:
            words.append(f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}")
        elif words:
            break
    return " ".join(words) or "0 s"
