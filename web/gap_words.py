"""Silences of the scheduler and jumps of the clock in words."""

from hexasched.domain.gaps import CLOCK_BACK, CLOCK_FORWARD, Gap
from web import show


def size(gap: Gap) -> str:
    """`2 min 5 s`, `1 h 12 min`, `3 days 2 h`."""
    days, rest = divmod(int(gap.size.total_seconds()), 86400)
    if days == 0:
        return show.duration(gap.size.total_seconds() * 1000)
    hours = f" {rest // 3600} h" if rest >= 3600 else ""
    return f"{days} day{'s' if days > 1 else ''}{hours}"


def sentence(gap: Gap) -> str:
    """What happened, without its end."""
    if gap.kind == CLOCK_FORWARD:
        return f"The server's clock was set forward by {size(gap)}"
    if gap.kind == CLOCK_BACK:
        return f"The server's clock was set back by {size(gap)}"
    return f"Nothing could start for {size(gap)}: HexaSched was not running, or the machine slept"
