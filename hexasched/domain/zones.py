"""Time zones: which names are accepted, which one was meant, and their rules from the tzdata package.

The rules come from the package rather than from the host, so that every machine with one installation of
HexaSched computes the same times.
"""

from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MAX_ZONE_CHARS = 64
ABBREVIATIONS = {
    "CET": "Europe/Brussels",
    "CST6CDT": "America/Chicago",
    "EET": "Europe/Athens",
    "EST": "America/New_York",
    "EST5EDT": "America/New_York",
    "HST": "Pacific/Honolulu",
    "MET": "Europe/Brussels",
    "MST": "America/Phoenix",
    "MST7MDT": "America/Denver",
    "PST8PDT": "America/Los_Angeles",
    "WET": "Europe/Lisbon",
}
"""Names in the database that say an offset, not a place, and so leave open whose summer time holds."""

EXAMPLE = "Write a place, for example Europe/Berlin, or UTC"


@cache
def zone_names() -> frozenset[str]:
    """All names that `load_zone` takes."""
    listed = (files("tzdata") / "zones").read_text(encoding="ascii").split()
    return frozenset(listed) - ABBREVIATIONS.keys() - {"Factory"}


@cache
def load_zone(name: str) -> ZoneInfo:
    """The zone called `name`. Raises ZoneInfoNotFoundError if it is not in `zone_names`."""
    if name not in zone_names():
        raise ZoneInfoNotFoundError(f"no time zone {name[:MAX_ZONE_CHARS]!r} in the installed tzdata")
    with (files("tzdata") / "zoneinfo").joinpath(*name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


def check_zone(name: str) -> str | None:
    """Why `name` can't be a schedule's time zone, with the name that was probably meant; None if it can."""
    if len(name) <= MAX_ZONE_CHARS and name in zone_names():
        return None
    if not name.strip():
        return f"Choose a time zone. {EXAMPLE}."
    shown = name if len(name) <= MAX_ZONE_CHARS and name.isascii() and name.isprintable() else "This"
    meant = suggest_zone(name)
    advice = f"Did you mean {meant}?" if meant else f"{EXAMPLE}."
    if name in ABBREVIATIONS:
        return f"{shown} names an offset, not a place with its own summer time. {advice}"
    return f"{shown} is not a time zone of the IANA database. {advice}"


def shown_zone(name: str) -> str:
    """The zone that times are shown in where `name` was chosen: UTC while that is no zone (any more)."""
    return "UTC" if check_zone(name) else name


def suggest_zone(name: str) -> str | None:
    """The accepted name closest to `name`, or None: by abbreviation, by city, by spelling."""
    if len(name) > MAX_ZONE_CHARS:
        return None
    if name.strip().upper() in ABBREVIATIONS:
        return ABBREVIATIONS[name.strip().upper()]
    wanted = name.strip().removeprefix("posix/").removeprefix("right/").replace(" ", "_").lower()
    spelled = _by_spelling()
    if wanted in spelled:
        return spelled[wanted]
    close = get_close_matches(wanted, spelled, n=1, cutoff=0.8)
    return spelled[close[0]] if close else None


@cache
def _by_spelling() -> dict[str, str]:
    """Small-letter names, and cities alone where just one zone has them, to the names themselves."""
    # Without Etc/GMT+1 and its kind: their sign is the other way round than people mean it.
    names = sorted(name for name in zone_names() if not name.startswith(("Etc/", "GMT")))
    cities: dict[str, list[str]] = {}
    for name in names:
        cities.setdefault(name.rpartition("/")[2].lower(), []).append(name)
    alone = {city: found[0] for city, found in cities.items() if len(found) == 1}
    return alone | {name.lower(): name for name in names}
