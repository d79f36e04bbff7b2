"""The moments of a schedule in words: in its own zone, and beside it in UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime

from hexasched.domain.zones import load_zone
from web import show

ALSO_UTC = frozenset({"UTC", "UCT", "Universal", "Zulu", "GMT", "Greenwich"})


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One moment of a schedule; `utc` is empty for a schedule in UTC."""

    at: datetime
    local: str
    utc: str


def moments(found: tuple[datetime, ...], zone: str) -> list[Moment]:
    """Each of `found` in `zone` (`Mon 30 Nov 2026, 09:00`) and in UTC (`08:00`, with its day if that is another)."""
    return [Moment(at=at, local=in_zone(at, zone), utc=in_utc(at, zone)) for at in found]


def in_zone(at: datetime, zone: str) -> str:
    """`Mon 30 Nov 2026, 09:00`, as clocks in `zone` show it."""
    return show.full_time(at, load_zone(zone)).rpartition(" ")[0]


def in_utc(at: datetime, zone: str) -> str:
    """`08:00`, or `Sun 29 Nov, 23:30` where it is another day than in `zone`; empty for UTC itself."""
    if zone.removeprefix("Etc/") in ALSO_UTC:
        return ""
    utc = at.astimezone(UTC)
    day = "" if utc.date() == at.astimezone(load_zone(zone)).date() else f"{utc:%a} {utc.day} {utc:%b}, "
    return f"{day}{utc:%H:%M}"


def next_execution(at: datetime | None, zone: str, now: datetime) -> str:
    """`Next execution: Mon 30 Nov 2026, 09:00 Europe/Berlin (in 6 days, 08:00 UTC).`"""
    if at is None:
        return "It has no further execution."
    utc = in_utc(at, zone)
    far = ", ".join([show.relative(at, now), *([f"{utc} UTC"] if utc else [])])
    return f"Next execution: {in_zone(at, zone)} {zone} ({far})."
