"""One answer for form, scheduler and command line: what an expression in a zone means, or all that is wrong with it."""

from dataclasses import dataclass
from datetime import datetime

from hexasched.domain.cron_clock import upcoming
from hexasched.domain.cron_fields import Mistake, Schedule
from hexasched.domain.cron_mistakes import printable
from hexasched.domain.cron_notes import notes
from hexasched.domain.cron_parser import parse
from hexasched.domain.cron_words import describe
from hexasched.domain.zones import check_zone, suggest_zone


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a valid expression will do. `canonical` is what to store; `next` are aware UTC, oldest first."""

    schedule: Schedule
    canonical: str
    sentence: str
    next: tuple[datetime, ...]
    notes: tuple[str, ...]


def preview(expression: str, zone: str, after: datetime, count: int) -> Preview | tuple[Mistake, ...]:
    """What `expression` in `zone` does later than `after` (aware UTC): the next `count` instants and what to know.

    Or every mistake in the expression and the zone; never raises for what a person wrote.
    """
    schedule, wrong_zone = parse(expression), zone_mistakes(zone)
    if not isinstance(schedule, Schedule):
        return schedule + wrong_zone
    if wrong_zone:
        return wrong_zone
    return Preview(
        schedule=schedule,
        canonical=schedule.text,
        sentence=describe(schedule),
        next=upcoming(schedule, zone, after, count),
        notes=tuple(notes(schedule, zone, after)),
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
