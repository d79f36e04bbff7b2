"""One answer for form, scheduler and command line: what an expression in a zone means, or all that is wrong with it."""

from dataclasses import dataclass
from datetime import datetime

from hexasched.domain.cron_fields import Mistake, Schedule
from hexasched.domain.cron_mistakes import printable
from hexasched.domain.cron_notes import notes
from hexasched.domain.policies import Policy
from hexasched.domain.timetables import Calendar, Timetable, describe, read
from hexasched.domain.zones import check_zone, suggest_zone


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a valid expression will do. `canonical` is what to store; `next` are aware UTC, oldest first."""

    table: Timetable
    canonical: str
    sentence: str
    next: tuple[datetime, ...]
    notes: tuple[str, ...]


def preview(
    expression: str,
    zone: str,
    after: datetime,
    count: int,
    policy: Policy | None = None,
    kept: tuple[str, str] | None = None,
) -> Preview | tuple[Mistake, ...]:
    """What `expression` in `zone` does later than `after` (aware UTC): the next `count` instants and what to know.

    They lie between the policy's start and end. An interval without an anchor begins with the minute of `after`.
    `kept` are expression and zone of a CronJob that exists: what stays as it was may have passed.
    Or every mistake in the expression and the zone; never raises for what a person wrote.
    """
    wrong_zone = zone_mistakes(zone)
    table = read(expression, "UTC" if wrong_zone else zone, None if (expression, zone) == kept else after)
    if isinstance(table, tuple):
        return table + wrong_zone
    if wrong_zone:
        return wrong_zone
    bounds = policy or Policy()
    calendar = Calendar(table=table, zone=zone, starts_at=bounds.starts_at, ends_at=bounds.ends_at)
    return Preview(
        table=table,
        canonical=table.text,
        sentence=describe(table),
        next=calendar.upcoming(after, count),
        notes=tuple(notes(table, zone, after)) if isinstance(table, Schedule) else (),
    )


def zone_mistakes(zone: str) -> tuple[Mistake, ...]:
    """What is wrong with a time zone, as mistakes of the field "timezone"; empty if nothing is."""
    reason = check_zone(zone)
    if reason is None:
        return ()
    return (
        Mistake(
            field="timezone",
            written=printable(zone),
            reason=reason,
            allowed="a place such as Europe/Berlin, or UTC",
            suggestion=suggest_zone(zone),
        ),
    )
