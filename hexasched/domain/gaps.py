"""When the scheduler was silent and when the clock jumped, told from two heartbeats: pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

STOPPED, CLOCK_FORWARD, CLOCK_BACK = KINDS = ("stopped", "clock_forward", "clock_back")

SILENT_AFTER = timedelta(seconds=60)
"""A shorter silence makes no moment late."""

FORWARD_JUMP = timedelta(seconds=60)
BACK_JUMP = timedelta(seconds=5)


@dataclass(frozen=True, kw_only=True)
class Beat:
    """A heartbeat: the wall clock (aware UTC), and seconds of a clock that only ever goes on, through a suspend too."""

    at: datetime
    steady_s: float


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A silence, or a jump of the clock.

    Times are the wall clock's: of a jump forward those that it left out, of a jump back those that it shows twice.
    """

    kind: str
    from_at: datetime
    to_at: datetime

    @property
    def size(self) -> timedelta:
        """How long the silence was, or how far the clock jumped."""
        return self.to_at - self.from_at


def gaps(mine: Beat | None, last: datetime | None, beat: Beat) -> list[Gap]:
    """What lies between the heartbeats before and this one.

    `mine` is this process's own heartbeat before, None at its start: only against it can a jump of the clock be told
    from a silence. `last` is the newest heartbeat of any scheduler, None if there never was one.
    """
    if mine is None:
        return [_back(beat.at, last)] if last and last - beat.at > BACK_JUMP else _silence(last, beat.at)
    passed = timedelta(seconds=beat.steady_s - mine.steady_s)
    expected = mine.at + passed
    jump = beat.at - expected
    makes_late = jump > BACK_JUMP and passed <= SILENT_AFTER < beat.at - mine.at
    if jump > FORWARD_JUMP or makes_late:
        forward = Gap(kind=CLOCK_FORWARD, from_at=expected, to_at=beat.at)
        return [*_silence(last, expected), forward]
    if jump < -BACK_JUMP:
        return [*_silence(last, expected), _back(beat.at, expected)]
    return _silence(last, beat.at)


def _silence(last: datetime | None, until: datetime) -> list[Gap]:
    if last is None or until - last <= SILENT_AFTER:
        return []
    return [Gap(kind=STOPPED, from_at=last, to_at=until)]


def _back(shown: datetime, expected: datetime) -> Gap:
    return Gap(kind=CLOCK_BACK, from_at=shown, to_at=expected)
