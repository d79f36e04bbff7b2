"""The sentences about a moment that has runs, or lies in a window."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hexasched.domain.explain import Ended, explain
from hexasched.domain.lateness import Begun, late_by
from hexasched.domain.outcomes import ACTIVE, Reason, Status
from hexasched.domain.ticks import Window
from hexasched.domain.wall_times import length_words, wall_text


class Attempt(Begun, Ended, Protocol):
    """A run of the moment in question."""

    @property
    def id(self) -> int: ...
    @property
    def started_at(self) -> datetime | None: ...


def of_attempts(attempts: Sequence[Attempt]) -> tuple[str, str]:
    """The word and the sentence for a moment that has runs, which are in their order."""
    first, last = attempts[0], attempts[-1]
    if all(_never_began(attempt) for attempt in attempts):
        if last.status in ACTIVE:
            waits = "It is due and waits." if last.status is Status.QUEUED else "It is due."
            return "waits", f"{waits} {explain(last)}"
        return last.status.value, f"It did not run: {_end(last)}"
    if first.started_at is None:
        lead = "It did not run" if _never_began(first) else "It may have run"
        if first is last:
            return last.status.value, f"{lead}: {_end(last)}"
        return "retried", f"{lead} at first: {_became(first)}. Later {_end(last)}"
    late = late_by(first)
    began = f"It ran, late by {length_words(late)}" if late else "It ran in time"
    tries = f" and was retried, {len(attempts)} attempts so far" if len(attempts) > 1 else ""
    return ("retried" if tries else "ran"), f"{began}{tries}: {_end(last)}"


def _never_began(attempt: Attempt) -> bool:
    return attempt.started_at is None and not attempt.may_have_run


def _end(last: Attempt) -> str:
    match last.status:
        case Status.QUEUED:
            return f"run {last.id} is the next."
        case Status.RUNNING:
            return f"run {last.id} is running."
        case Status.SUCCEEDED:
            return f"run {last.id} succeeded."
        case _:
            return f"{_became(last)}. {explain(last)}"


def _became(run: Attempt) -> str:
    was = "" if run.status in (Status.FAILED, Status.TIMED_OUT) else "was "
    return f"run {run.id} {was}{run.status.value.replace('_', ' ')}"


_WINDOWS = {
    Reason.PAUSED: "the CronJob was paused",
    Reason.SERVER_DOWN: "HexaSched was not running",
    Reason.CATCH_UP: "later runs stood for them",
}


def of_window(window: Window, zone: str, *, certain: bool) -> str:
    """The sentence for a moment inside a window; not `certain` is one that may have been no moment at all."""
    what = _WINDOWS.get(window.reason) or f"the blackout {window.note} held"
    span = f"from {wall_text(window.from_at, zone)} to {wall_text(window.to_at, zone)}"
    runs = "1 run" if window.count == 1 else f"{window.count:,} runs"
    lead = "It did not run" if certain else "If it was a moment of the schedule as it was then, it did not run"
    return f"{lead}: {what} {span} ({runs} did not happen)."
