"""When a failed attempt is tried again."""

from datetime import timedelta

MAX_DRAINS = 3
"""How many times in a row a run that a stopping worker interrupted is queued again."""


def retry_delay(attempt: int) -> timedelta:
    """The wait before the attempt after `attempt` (counted from 1): 10 s, doubled each time, at most an hour."""
    return timedelta(seconds=min(10 * 2 ** (attempt - 1), 3600))
