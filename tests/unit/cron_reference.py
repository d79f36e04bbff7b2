"""Debian cron's rules as its daemon lives them, minute by minute: what the tests hold the product against.

It imports nothing of the product. A clock ticks through every minute of UTC; a second, *virtual* clock remembers
which wall times fixed-time jobs have seen.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

MINUTE = timedelta(minutes=1)
HOURS_3 = timedelta(hours=3)
SIZES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
NAMES = {
    3: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    4: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
}
RESTRICTED_OF_TEN = (9, 8, 3, 1, 3)


@dataclass(frozen=True)
class Wanted:
    """An expression with the values it means; weekdays as written, 0..7."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def matches(self, wall: datetime) -> bool:
        if wall.minute not in self.minutes or wall.hour not in self.hours or wall.month not in self.months:
            return False
        fields = self.text.split()
        weekday = wall.isoweekday()
        day = wall.day in self.days
        week = weekday in self.weekdays or weekday % 7 in self.weekdays
        return (day and week) if fields[2][0] == "*" or fields[4][0] == "*" else (day or week)

    @property
    def wildcard(self) -> bool:
        minute, hour = self.text.split()[:2]
        return minute[0] == "*" or hour[0] == "*"


@cache
def rules(zone: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *zone.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=zone)


def wall_at(zone: str, at: datetime) -> datetime:
    return at.astimezone(rules(zone)).replace(tzinfo=None)


def due(wanted: Wanted, zone: str, after: datetime, until: datetime) -> list[datetime]:
    """Every minute (UTC) later than `after` and not later than `until` at which the daemon starts the job."""
    now = (after - timedelta(hours=6)).replace(second=0, microsecond=0)
    shown = wall_at(zone, now)
    seen = shown
    found = []
    while now < until:
        now += MINUTE
        before, shown = shown, wall_at(zone, now)
        if abs(shown - before - MINUTE) >= HOURS_3:
            seen = shown - MINUTE
        if _starts(wanted, shown, seen) and after < now <= until:
            found.append(now)
        seen = max(seen, shown)
    return found


def _starts(wanted: Wanted, shown: datetime, seen: datetime) -> bool:
    if wanted.wildcard:
        return wanted.matches(shown)
    while seen < shown:
        seen += MINUTE
        if wanted.matches(seen):
            return True
    return False


@st.composite
def _terms(draw: st.DrawFn, index: int, near: tuple[int, int]) -> tuple[str, frozenset[int]]:
    """One term of field `index` whose written values are within `near`."""
    low, high = SIZES[index]
    start = draw(st.integers(*near))
    stop = draw(st.integers(start, near[1]))
    step = draw(st.sampled_from((1, 2, 3, 5, 10, 15, 100)))
    kind = draw(st.sampled_from(("one", "one", "range", "range/step", "*/step", "*")))
    if kind == "one":
        return draw(_spellings(index, start)), frozenset({start})
    if kind.startswith("*"):
        span, values = "*", range(low, high + 1)
    else:
        span, values = f"{draw(_spellings(index, start))}-{draw(_spellings(index, stop))}", range(start, stop + 1)
    if "step" not in kind:
        return span, frozenset(values)
    return f"{span}/{step}", frozenset(values[::step])


def _spellings(index: int, value: int) -> st.SearchStrategy[str]:
    names = NAMES.get(index, [])
    place = value - SIZES[index][0]
    spellings = [str(value), f"{value:02}"]
    if place < len(names):
        spellings += [names[place], names[place].upper(), names[place].title()]
    return st.sampled_from(spellings)


@st.composite
def expressions(draw: st.DrawFn, hours: tuple[int, int] = (0, 23)) -> Wanted:
    """Valid expressions, mostly due on many days; most hours written in them are within `hours`."""
    fields = []
    for index, size in enumerate(SIZES):
        if draw(st.integers(1, 10)) > RESTRICTED_OF_TEN[index]:
            fields.append([("*", frozenset(range(size[0], size[1] + 1)))])
            continue
        near = hours if index == 1 and draw(st.integers(0, 3)) else size
        fields.append(draw(st.lists(_terms(index, near), min_size=1, max_size=draw(st.sampled_from((1, 3))))))
    blank = draw(st.sampled_from((" ", "  ", "\t")))
    text = blank.join(",".join(term for term, _ in field) for field in fields)
    return Wanted(text, *(frozenset().union(*(values for _, values in field)) for field in fields))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
