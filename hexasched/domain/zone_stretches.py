"""Cuts time in a zone into stretches of one offset, on each of which a wall clock simply runs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from hexasched.domain.zones import load_zone

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
SAMPLE = timedelta(hours=12)
CORRECTION = timedelta(hours=3)
"""A jump of this size or more is a correction of the clock: the new time simply holds."""

YEARS = range(1900, 9000)
"""Years that are looked at; a wall clock there is never near the ends of what datetime can hold."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """The clock is moved at `at` (UTC): the offset from UTC goes from `old` to `new`."""

    at: datetime
    old: timedelta
    new: timedelta

    @property
    def short(self) -> bool:
        """Whether fixed-time jobs are kept whole across it: made up when skipped, not repeated."""
        return abs(self.new - self.old) < CORRECTION

    @property
    def left(self) -> datetime:
        """What the wall clock would have shown at `at` (naive)."""
        return (self.at + self.old).replace(tzinfo=None)

    @property
    def landed(self) -> datetime:
        """What the wall clock shows at `at` instead (naive)."""
        return (self.at + self.new).replace(tzinfo=None)


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """UTC times `start` ≤ t < `end` of one offset.

    It covers the wall times (naive) `first` ≤ w < `high`. Those before `low` don't exist and run at `low`.
    """

    start: datetime
    end: datetime
    offset: timedelta
    first: datetime
    low: datetime

    @property
    def high(self) -> datetime:
        """The wall time at which it ends (naive)."""
        return (self.end + self.offset).replace(tzinfo=None)

    def instant(self, wall: datetime) -> datetime:
        """When (aware UTC) the wall time `wall` of this stretch is due."""
        return (max(wall, self.low) - self.offset).replace(tzinfo=UTC)

    def starting(self, earliest: datetime) -> "Stretch":
        """What is left of it from `earliest` (UTC) on."""
        if earliest <= self.start:
            return self
        wall = max(self.first, (earliest + self.offset).replace(tzinfo=None))
        return replace(self, start=earliest, first=wall, low=wall)


def stretches(zone: str, fixed: bool, earliest: datetime) -> Iterator[Stretch]:
    """The stretches of `zone` from `earliest` (aware UTC) on, for fixed-time jobs or for wildcard jobs.

    They end with the last of YEARS. Raises ZoneInfoNotFoundError for an unknown zone.
    """
    for year in range(max(earliest.year, YEARS.start), YEARS.stop):
        for stretch in _stretches_of(zone, year, fixed):
            if stretch.end > earliest:
                yield stretch.starting(earliest)


def changes(zone: str, start: datetime, end: datetime) -> Iterator[Change]:
    """The changes of the clock in `zone` with `start` ≤ at < `end` (aware UTC), oldest first."""
    for year in range(start.year, end.year + 1):
        yield from (change for change in _changes_of(zone, year) if start <= change.at < end)


@lru_cache(maxsize=8192)
def _changes_of(zone: str, year: int) -> tuple[Change, ...]:
    """The changes of one UTC year, found by halving between samples."""
    rules = load_zone(zone)
    begin, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    # A second early: the first sample is before a change at `begin`, the last before one at `end`.
    samples = [(at, _offset(rules, at)) for at in _grid(begin - SECOND, end - SECOND)]
    found = []
    for (low, old), (high, new) in pairwise(samples):
        if old != new:
            found.append(Change(at=_halve(rules, low, high), old=old, new=new))
    return tuple(found)


@lru_cache(maxsize=8192)
def _stretches_of(zone: str, year: int, fixed: bool) -> tuple[Stretch, ...]:
    """The stretches of one UTC year; a new one also begins with the year, which changes nothing."""
    begin, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    offset = _offset(load_zone(zone), begin - DAY)
    # From a day earlier: the year may begin inside a repeated stretch.
    found = list(changes(zone, begin - DAY, end))
    edges = [Change(at=begin - DAY, old=offset, new=offset), *found]
    ends = [*(change.at for change in found), end]
    return tuple(
        _stretch(change, stop, fixed).starting(begin) for change, stop in zip(edges, ends, strict=True) if stop > begin
    )


def _stretch(change: Change, end: datetime, fixed: bool) -> Stretch:
    """A short change doesn't move what fixed-time jobs go by: their wall times go on from where they were."""
    first = change.left if fixed and change.short else change.landed
    return Stretch(start=change.at, end=end, offset=change.new, first=first, low=max(first, change.landed))


def _grid(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += SAMPLE
    yield end


def _offset(rules: ZoneInfo, at: datetime) -> timedelta:
    offset = at.astimezone(rules).utcoffset()
    assert offset is not None
    return offset


def _halve(rules: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The second at which the offset of `low` ends, known to be over at `high`."""
    old = _offset(rules, low)
    while high - low > SECOND:
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        low, high = (middle, high) if _offset(rules, middle) == old else (low, middle)
    return high
