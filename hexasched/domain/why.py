"""Why a CronJob did not run at some time: one answer out of what is stored and what the schedule says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hexasched.domain.ticks import Blackout, Window
from hexasched.domain.timetables import Calendar, describe
from hexasched.domain.wall_times import NoTime, instants, read_wall
from hexasched.domain.why_words import Attempt, of_attempts, of_window

_MINUTE = timedelta(minutes=1)
_INSTANT = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a CronJob around a moment. `attempts` are in their order, `window` is the one over it.

    `calendar` is the schedule as it is now, `then` as it was at the moment, None if nobody noted it. `changes` counts
    how often the CronJob was edited, paused or resumed.
    """

    calendar: Calendar
    then: Calendar | None
    created_at: datetime
    changes: int
    next_run_at: datetime | None
    suspended: bool
    suspend_reason: str
    owed_from: datetime | None
    attempts: Sequence[Attempt] = ()
    window: Window | None = None
    blackouts: Sequence[Blackout] = ()

    @property
    def uncertain(self) -> bool:
        """Whether the CronJob may have had another schedule than the one that is known."""
        return self.then is None and self.changes > 0


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
    rule = known.then if known.then is not None and moment <= now else known.calendar
    scheduled = _is_due(rule, moment)
    if known.attempts:
        kind, sentence = of_attempts(known.attempts)
        return _answer(kind, moment, sentence, known.attempts[-1].id)
    if moment > now:
        return _to_come(known, moment) if scheduled else _no_moment(known, rule, moment)
    if moment <= known.created_at:
        return _answer("before", moment, "The CronJob was made later: at that time there was none.")
    if known.window is not None and (scheduled or known.uncertain):
        sentence = of_window(known.window, known.calendar.zone, certain=scheduled)
        return _answer(known.window.reason.value, moment, sentence)
    if not scheduled:
        return _no_moment(known, rule, moment)
    return _nothing(known, moment)


def _is_due(calendar: Calendar, moment: datetime) -> bool:
    found = calendar.next_after(moment - _INSTANT)
    return found is not None and found < moment + _MINUTE


def _answer(kind: str, at: datetime, sentence: str, run_id: int | None = None) -> Answer:
    return Answer(kind=kind, at=at, sentence=sentence, run_id=run_id)


def _to_come(known: Known, moment: datetime) -> Answer:
    if dark := _blackout(known, moment):
        return _answer("to_come", moment, f"It is to come, and lies in the blackout {dark.name}: it will not run.")
    if known.suspended:
        return _answer("to_come", moment, "It is to come, but the CronJob is paused: it runs if it is resumed by then.")
    return _answer("to_come", moment, "It is to come: the CronJob is due then.")


def _blackout(known: Known, moment: datetime) -> Blackout | None:
    return next((one for one in known.blackouts if one.covers(moment)), None)


def _no_moment(known: Known, rule: Calendar, moment: datetime) -> Answer:
    sentence = "It is no moment of the schedule as it is now."
    if rule != known.calendar:
        sentence = f"It was no moment of the schedule as it was then: {describe(rule.table)} in {rule.zone}."
        if _is_due(known.calendar, moment):
            sentence += " The schedule was edited since."
    elif known.uncertain:
        sentence += f" {_changed(known)}"
    near = (_before(rule, moment), rule.next_after(moment))
    return Answer(kind="no_moment", at=moment, sentence=sentence, near=tuple(filter(None, near)))


def _before(calendar: Calendar, moment: datetime) -> datetime | None:
    """The last moment before: the search goes back in growing steps, since a schedule may be sparse."""
    for days in (1, 40, 400, 3000):
        found = calendar.latest_until(moment - timedelta(days=days), moment - _INSTANT, 1)
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
    if known.uncertain:
        return _answer("changed", moment, f"There is no record of it. {_changed(known)}")
    sentence = "There is no record of it: it is older than what the history keeps, or the record was lost."
    return _answer("unknown", moment, sentence)
