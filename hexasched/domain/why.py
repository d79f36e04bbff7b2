"""Why a CronJob did not run at some time: one answer out of what is stored and what the schedule says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from hexasched.domain.explain import Ended, explain
from hexasched.domain.lateness import Begun, late_by
from hexasched.domain.outcomes import ACTIVE, Reason, Status
from hexasched.domain.ticks import Blackout, Window
from hexasched.domain.timetables import Calendar
from hexasched.domain.wall_times import NoTime, instants, length_words, read_wall, wall_text

_MINUTE = timedelta(minutes=1)
_INSTANT = timedelta(milliseconds=1)


class Attempt(Begun, Ended, Protocol):
    """A run of the moment in question."""

    @property
    def id(self) -> int: ...
    @property
    def started_at(self) -> datetime | None: ...


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a CronJob around a moment. `attempts` are in their order, `window` is the one over it.

    `changes` counts how often the CronJob was edited, paused or resumed.
    """

    calendar: Calendar
    created_at: datetime
    changes: int
    next_run_at: datetime | None
    suspended: bool
    suspend_reason: str
    owed_from: datetime | None
    attempts: Sequence[Attempt] = ()
    window: Window | None = None
    blackouts: Sequence[Blackout] = ()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One sentence or two. `kind` is a word for programs; `near` are the moments before and after, if they help."""

    kind: str
    at: datetime
    sentence: str
    run_id: int | None = None
    near: tuple[datetime, ...] = ()


def read_moments(text: str, zone: str) -> tuple[tuple[datetime, ...], str | None]:
    """The instants at which clocks in `zone` showed a time, two where the clock was set back; and what is wrong."""
    wall = read_wall(text.strip(), zone)
    return ((), wall.reason) if isinstance(wall, NoTime) else (instants(wall, zone), None)


def why(known: Known, moment: datetime, now: datetime) -> Answer:
    """What became of `moment` (aware UTC, a whole minute), or will."""
    is_due = known.calendar.next_after(moment - _INSTANT)
    scheduled = is_due is not None and is_due < moment + _MINUTE
    if known.attempts:
        return _ran(known.attempts, moment)
    if moment > now:
        return _to_come(known, moment) if scheduled else _no_moment(known, moment)
    if moment <= known.created_at:
        return _answer("before", moment, "The CronJob was made later: at that time there was none.")
    if known.window is not None and (scheduled or known.changes):
        return _in_window(known.window, known.calendar.zone, moment, certain=scheduled)
    if not scheduled:
        return _no_moment(known, moment)
    return _nothing(known, moment)


def _answer(kind: str, at: datetime, sentence: str, run_id: int | None = None) -> Answer:
    return Answer(kind=kind, at=at, sentence=sentence, run_id=run_id)


def _ran(attempts: Sequence[Attempt], moment: datetime) -> Answer:
    last = attempts[-1]
    if all(attempt.started_at is None for attempt in attempts):
        waits = last.status in ACTIVE
        lead = "It is due and waits." if waits else f"It did not run: run {last.id} was {last.status.value}."
        return _answer("waits" if waits else last.status.value, moment, f"{lead} {explain(last)}", last.id)
    late = late_by(attempts[0])
    began = f"It ran, late by {length_words(late)}" if late else "It ran in time"
    tries = f" and was retried, {len(attempts)} attempts so far" if len(attempts) > 1 else ""
    return _answer("retried" if tries else "ran", moment, f"{began}{tries}: {_end(last)}", last.id)


def _end(last: Attempt) -> str:
    match last.status:
        case Status.QUEUED:
            return f"run {last.id} is the next."
        case Status.RUNNING:
            return f"run {last.id} is running."
        case Status.SUCCEEDED:
            return f"run {last.id} succeeded."
        case _:
            return f"run {last.id} {last.status.value.replace('_', ' ')}. {explain(last)}"


def _to_come(known: Known, moment: datetime) -> Answer:
    if dark := _blackout(known, moment):
        return _answer("to_come", moment, f"It is to come, and lies in the blackout {dark.name}: it will not run.")
    if known.suspended:
        return _answer("to_come", moment, "It is to come, but the CronJob is paused: it runs if it is resumed by then.")
    return _answer("to_come", moment, "It is to come: the CronJob is due then.")


def _blackout(known: Known, moment: datetime) -> Blackout | None:
    return next((one for one in known.blackouts if one.covers(moment)), None)


_WINDOWS = {
    Reason.PAUSED: "the CronJob was paused",
    Reason.SERVER_DOWN: "HexaSched was not running",
    Reason.CATCH_UP: "later runs stood for them",
}


def _in_window(window: Window, zone: str, moment: datetime, *, certain: bool) -> Answer:
    what = _WINDOWS.get(window.reason) or f"the blackout {window.note} held"
    span = f"from {wall_text(window.from_at, zone)} to {wall_text(window.to_at, zone)}"
    runs = "1 run" if window.count == 1 else f"{window.count:,} runs"
    lead = "It did not run" if certain else "If it was a moment of the schedule as it was then, it did not run"
    return _answer(str(window.reason), moment, f"{lead}: {what} {span} ({runs} did not happen).")


def _no_moment(known: Known, moment: datetime) -> Answer:
    before = _before(known, moment)
    after = known.calendar.next_after(moment)
    sentence = "It is no moment of the schedule as it is now."
    if known.changes and moment > known.created_at:
        sentence += f" {_changed(known)}"
    return Answer(kind="no_moment", at=moment, sentence=sentence, near=tuple(filter(None, [before, after])))


def _before(known: Known, moment: datetime) -> datetime | None:
    """The last moment before: the search goes back in growing steps, since a schedule may be sparse."""
    for days in (1, 40, 400, 3000):
        found = known.calendar.latest_until(moment - timedelta(days=days), moment - _INSTANT, 1)
        if found.last is not None:
            return found.last
    return None


def _changed(known: Known) -> str:
    times = "once" if known.changes == 1 else f"{known.changes} times"
    return (
        f"The CronJob was changed since it was made ({times}, pauses counted): its schedule may have been another then."
    )


def _nothing(known: Known, moment: datetime) -> Answer:
    if known.suspended and known.owed_from is not None and known.owed_from <= moment:
        reason = f" ({known.suspend_reason})" if known.suspend_reason else ""
        return _answer("paused", moment, f"It did not run: the CronJob is paused{reason}.")
    if known.next_run_at is not None and known.next_run_at <= moment:
        return _answer("due", moment, "It is due, and the scheduler has not come to it yet.")
    if known.changes:
        return _answer("changed", moment, f"There is no record of it. {_changed(known)}")
    sentence = "There is no record of it: it is older than what the history keeps, or the record was lost."
    return _answer("unknown", moment, sentence)
