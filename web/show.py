"""How times, lengths and sizes are put into words, in the reader's zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape


def full_time(moment: datetime, zone: ZoneInfo) -> str:
    """`Mon 30 Nov 2026, 09:00 Europe/Berlin`; the seconds are left out where they are none."""
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y}, {_clock(local)} {zone.key}"


def short_time(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """`30 Nov 09:00`, `Today 09:00:05`; with the year where it is not this one."""
    local, today = moment.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"Today {_clock(local)}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {local:%b}{year} {_clock(local)}"


def _clock(local: datetime) -> str:
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def iso(moment: datetime) -> str:
    """`2026-11-30T08:00:00Z`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def relative(moment: datetime, now: datetime) -> str:
    """`in 6 min`, `3 h ago`, `in 2 days`, `now`, `just now`; the page's script says the same."""
    seconds = (moment - now).total_seconds()
    size = abs(seconds)
    if size < 5:
        return "now" if seconds > 0 else "just now"
    unit, length = next((unit, length) for unit, length in _UNITS if size >= length)
    count = int(size // length)
    words = f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return f"in {words}" if seconds > 0 else f"{words} ago"


_UNITS = (("day", 86400), ("h", 3600), ("min", 60), ("s", 1))


def duration(milliseconds: float | None) -> str:
    """`840 ms`, `3.2 s`, `2 min 5 s`, `1 h 12 min`; a dash for None."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(int(milliseconds // 1000), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    return f"{minutes // 60} h {minutes % 60} min"


def size(count: int | None) -> str:
    """`312 B`, `4.5 KB`, `41 MB` (of 1,048,576 bytes, as in the limits); a dash for None."""
    if count is None:
        return "–"
    if count < 1024:
        return f"{count} B"
    if count < 1024 * 1024:
        return f"{count / 1024:.1f} KB"
    return f"{count / 1024 / 1024:.0f} MB" if count >= 10 * 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"


def with_code(text: str) -> Markup:
    """A message whose `pieces of code` stand between backticks, for a page: the pieces as code, all else escaped."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # an odd backtick is one of the text's own
        return escape(text)
    return Markup().join(
        Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts)
    )
