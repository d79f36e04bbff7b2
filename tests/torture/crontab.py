"""When a cron expression is due, by walking over every minute of UTC: the oracle's own reading of Debian's rules.

Imports nothing of the product and shares nothing with it but the rules (docs/decisions/001-cron-by-stretches.md).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
CORRECTION = timedelta(hours=3)  # a clock that moves so far was corrected: nothing is made up, nothing left out
SPANS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
NAMES = ("", "", "", "jan feb mar apr may jun jul aug sep oct nov dec", "sun mon tue wed thu fri sat")
MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


def due(expression: str, zone: str, after: datetime, until: datetime) -> list[datetime]:
    """The moments (aware UTC) with `after` < moment ≤ `until` at which the expression is due in that zone."""
    begin = after.astimezone(UTC).replace(second=0, microsecond=0)
    minutes = int((until - begin) / MINUTE) + 1
    walk = (begin + number * MINUTE for number in range(minutes + 1))
    fields, place = MACROS.get(expression, expression), ZoneInfo(zone)
    return [minute for minute in walk if after < minute <= until and _is_due(fields, place, minute)]


def _is_due(fields: str, place: ZoneInfo, minute: datetime) -> bool:
    wall = minute.astimezone(place)
    if any(field.startswith("*") for field in fields.split()[:2]):
        return _matches(fields, wall)
    if wall.fold and _offset(wall.replace(fold=0)) - _offset(wall) < CORRECTION:
        return False  # the first pass had it
    return any(_matches(fields, shown) for shown in _shown_at(place, wall, minute))


def _shown_at(place: ZoneInfo, wall: datetime, minute: datetime) -> Iterator[datetime]:
    """The wall time of a minute, and before it those that were skipped by a clock that was just set forward."""
    jump = _offset(wall) - _offset((minute - MINUTE).astimezone(place))
    if timedelta() < jump < CORRECTION:
        naive = wall.replace(tzinfo=None)
        yield from (naive - back * MINUTE for back in range(int(jump / MINUTE), 0, -1))
    yield wall


def _offset(wall: datetime) -> timedelta:
    offset = wall.utcoffset()
    assert offset is not None
    return offset


def _matches(fields: str, wall: datetime) -> bool:
    minute, hour, day, month, weekday = (_values(number, text) for number, text in enumerate(fields.split()))
    if wall.minute not in minute or wall.hour not in hour or wall.month not in month:
        return False
    on_day, on_weekday = wall.day in day, bool({wall.isoweekday(), wall.isoweekday() % 7} & weekday)
    both = any(fields.split()[number].startswith("*") for number in (2, 4))
    return (on_day and on_weekday) if both else (on_day or on_weekday)


@cache
def _values(number: int, text: str) -> frozenset[int]:
    found: set[int] = set()
    for term in text.lower().split(","):
        span, _, step = term.partition("/")
        low, _, high = span.partition("-")
        first, last = SPANS[number] if low == "*" else (_number(number, low), _number(number, high or low))
        found.update(range(first, last + 1, int(step or 1)))
    return frozenset(found)


def _number(field: int, text: str) -> int:
    names = NAMES[field].split()
    return names.index(text) + SPANS[field][0] if text in names else int(text)
