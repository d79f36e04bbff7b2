"""Which past moments of a CronJob may be run afterwards, and what a person is told about each: pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hexasched.domain.outcomes import Reason, Status
from hexasched.domain.ticks import Window
from hexasched.domain.timetables import Calendar

MAX_MOMENTS = 500

_INSTANT = timedelta(milliseconds=1)

_DID_NOT_HAPPEN = frozenset({Status.MISSED, Status.SKIPPED})
_ENDED = {
    Status.QUEUED: "waits",
    Status.RUNNING: "is running",
    Status.SUCCEEDED: "ran",
    Status.FAILED: "ran and failed",
    Status.TIMED_OUT: "ran and timed out",
    Status.LOST: "was lost",
    Status.CANCELLED: "was cancelled",
}
_WINDOWS = {
    Reason.PAUSED: "lies in a pause",
    Reason.SERVER_DOWN: "missed while the server was down",
    Reason.CATCH_UP: "was not caught up",
}


@dataclass(frozen=True, kw_only=True)
class Newest:
    """The newest run that a moment has: its id and attempt, how it ended, and what all its attempts share."""

    run_id: int
    attempt: int
    status: Status
    reason: Reason | None
    occurrence_id: str


@dataclass(frozen=True, kw_only=True)
class Past:
    """A past moment with what is known of it; `to_come` is one whose turn the scheduler still has."""

    at: datetime
    newest: Newest | None = None
    window: Window | None = None
    to_come: bool = False

    @property
    def would_run(self) -> bool:
        """Whether a backfill runs it: what has run, runs or was cancelled is left as it is."""
        return not self.to_come and (self.newest is None or self.newest.status in _DID_NOT_HAPPEN)

    @property
    def verdict(self) -> str:
        """`ran, run 12`, `missed: would run`, `lies in a pause: would run`."""
        if self.to_come:
            return "is due now"
        if self.newest is not None and self.newest.status not in _DID_NOT_HAPPEN:
            return f"{_ENDED[self.newest.status]}, run {self.newest.run_id}"
        return f"{self._why_not()}: would run"

    def _why_not(self) -> str:
        if self.newest is not None:
            reason = f" ({self.newest.reason.replace('_', ' ')})" if self.newest.reason else ""
            return f"{self.newest.status}{reason}"
        if self.window is None:
            return "no record"
        if self.window.reason is Reason.BLACKOUT:
            return f"lies in the blackout {self.window.note}"
        return _WINDOWS[self.window.reason]


def moments_between(calendar: Calendar, start: datetime, end: datetime, now: datetime) -> list[datetime] | str:
    """The moments from `start` to `end` (both included) that are past; or why they can't be shown, in one sentence."""
    if start > end:
        return "It ends before it begins."
    found = calendar.latest_until(start - _INSTANT, min(end, now), MAX_MOMENTS)
    if found.count > MAX_MOMENTS:
        return f"These are {found.count:,} moments; at most {MAX_MOMENTS} are possible at once. Choose a shorter span."
    return list(found.newest)
