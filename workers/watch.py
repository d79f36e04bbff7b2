"""Tells a keeper that hangs from one that is only not looked at: each beat wants an answer within two seconds."""

SILENCE_S = 2.0
LOOK_S = 1.0


class KeeperWatch:
    """Counts how long a beat has been unanswered; all moments are on the monotonic clock.

    Time in which the worker itself did not look (it was frozen, or waited for the database) counts as LOOK_S at most:
    the whole machine may have been stopped, and the keeper has not come to answer yet.
    """

    def __init__(self) -> None:
        self._asked_at: float | None = None
        self._looked_at = self._silence = 0.0

    def asked(self, now: float) -> None:
        """A beat was sent."""
        if self._asked_at is None:
            self._asked_at, self._looked_at, self._silence = now, now, 0.0

    def is_mute(self, now: float, heard_at: float) -> bool:
        """Whether the keeper hangs; to be asked after each look at what it said, the last of it at `heard_at`."""
        if self._asked_at is None:
            return False
        if heard_at >= self._asked_at:
            self._asked_at = None
            return False
        self._silence += min(now - self._looked_at, LOOK_S)
        self._looked_at = now
        return self._silence >= SILENCE_S
