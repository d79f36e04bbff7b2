"""When a schedule is due: the instants of its wall times in a zone, by the rules of Debian's cron.

A *wildcard* job (minute or hour begins with `*`) follows the wall clock as it is: a skipped time is not made up, a
repeated time runs again. A *fixed-time* job whose time is skipped by a jump of less than three hours runs right
after the jump, and runs only at the first pass of a repeated time. Longer jumps are corrections of the clock: the
new time simply holds for both.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import takewhile

from hexasched.domain.cron_fields import Schedule
from hexasched.domain.cron_walls import count_walls, first_wall, walls_backwards
from hexasched.domain.zone_stretches import SECOND, Stretch, stretches


@dataclass(frozen=True, kw_only=True)
class Due:
    """What was due in a span of time: how many instants, the first, the last, and the newest ones, oldest first."""

    count: int
    first: datetime | None
    last: datetime | None
    newest: tuple[datetime, ...]


def next_after(schedule: Schedule, zone: str, after: datetime) -> datetime | None:
    """The first instant (aware UTC) strictly later than `after` (aware UTC) at which `schedule` is due in `zone`.

    None if there is none within about 50 years. Raises ZoneInfoNotFoundError for a zone that `check_zone` refuses.
    """
    wall = reached = None
    for stretch in stretches(zone, schedule.fixed, _second_after(after)):
        # A wall time found earlier still is the next one, unless the clock went back or it was skipped.
        if wall is None or wall < stretch.first or stretch.first != reached:
            wall = first_wall(schedule, stretch.first)
        if wall is None:
            return None
        reached = stretch.high
        if wall < reached:
            return stretch.instant(wall)
    return None


def upcoming(schedule: Schedule, zone: str, after: datetime, count: int) -> tuple[datetime, ...]:
    """The next `count` instants (aware UTC) later than `after`, fewer if there are no more; errors as next_after."""
    found: list[datetime] = []
    while len(found) < count and (due := next_after(schedule, zone, found[-1] if found else after)):
        found.append(due)
    return tuple(found)


def latest_until(schedule: Schedule, zone: str, after: datetime, until: datetime, count: int) -> Due:
    """The newest `count` (at least 1) instants with `after` < instant ≤ `until` (aware UTC), and how many there are.

    Costs microseconds for each day between and each instant returned, not for each instant between; errors as
    next_after.
    """
    end = _second_after(until)
    spans = [
        replace(stretch, end=min(stretch.end, end))
        for stretch in takewhile(
            lambda stretch: stretch.start < end, stretches(zone, schedule.fixed, _second_after(after))
        )
    ]
    newest: list[datetime] = []
    for span in reversed(spans):
        _collect(schedule, span, newest, count)
    if not newest:
        return Due(count=0, first=None, last=None, newest=())
    return Due(
        count=sum(_count(schedule, span) for span in spans),
        first=next_after(schedule, zone, after),
        last=newest[0],
        newest=tuple(reversed(newest)),
    )


def _second_after(moment: datetime) -> datetime:
    """The first whole second later than `moment`, in UTC; nothing is due between whole seconds."""
    assert moment.tzinfo is not None, "a time without a zone is no instant"
    return moment.astimezone(UTC).replace(microsecond=0) + SECOND


def _collect(schedule: Schedule, span: Stretch, newest: list[datetime], count: int) -> None:
    """Appends the instants of `span`, newest first, until there are `count`; made-up times are one instant."""
    for wall in walls_backwards(schedule, span.first, span.high):
        if len(newest) >= count:
            return
        instant = span.instant(wall)
        if not newest or instant < newest[-1]:
            newest.append(instant)


def _count(schedule: Schedule, span: Stretch) -> int:
    """How many instants `span` has: all skipped times, and the real one at their minute, are one."""
    made_up = count_walls(schedule, span.first, span.low) > 0
    real_too = count_walls(schedule, span.low, min(span.low + SECOND, span.high)) > 0
    return count_walls(schedule, span.low, span.high) + (made_up and not real_too)
