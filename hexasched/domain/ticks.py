"""What becomes of the moments at which a CronJob was due: a pure plan, written in one transaction by the store."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from hexasched.domain.cron_clock import Due
from hexasched.domain.outcomes import Reason, Status
from hexasched.domain.policies import MAX_QUEUE, Policy
from hexasched.domain.timetables import Calendar, stored

LATE_AFTER = timedelta(seconds=60)
"""Older moments were missed by a server that was down; what then happens is the catch-up policy's business."""

CATCH_UP_WINDOW = timedelta(hours=24)
CATCH_UP_CAP = 100
"""At most so many missed moments get a row each; more that share one reason are one window."""

_INSTANT = timedelta(milliseconds=1)
_NONE_LATE = Due(count=0, first=None, last=None, newest=())


@dataclass(frozen=True, kw_only=True)
class Blackout:
    """A named period in which nothing is started; `to_at` is no longer part of it."""

    name: str
    from_at: datetime
    to_at: datetime

    def covers(self, moment: datetime) -> bool:
        """Whether `moment` lies in it."""
        return self.from_at <= moment < self.to_at


@dataclass(frozen=True, kw_only=True)
class DueJob(Policy):
    """A CronJob with the facts that decide what its due moments become.

    `due_at` is its next_run_at; `active` counts its runs that are queued or running; `live_version_id` is None when
    its function can't run: then rows of moments that don't run name `newest_version_id`, else the same one.
    """

    id: int
    workspace_id: int
    function_id: int
    live_version_id: int | None
    newest_version_id: int | None
    revision: int
    expression: str
    timezone: str
    event: str
    due_at: datetime
    active: int
    blackouts: tuple[Blackout, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tick:
    """One moment and its verdict; a queued tick has no reason."""

    scheduled_for: datetime
    status: Status
    reason: Reason | None = None


@dataclass(frozen=True, kw_only=True)
class Window:
    """`count` moments from `from_at` to `to_at` (both included) that share one reason; `note` names a blackout."""

    from_at: datetime
    to_at: datetime
    count: int
    reason: Reason
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be written for one CronJob: every due moment is in exactly one tick or window."""

    job: DueJob
    ticks: tuple[Tick, ...]
    windows: tuple[Window, ...]
    next_run_at: datetime | None

    @property
    def replaces(self) -> bool:
        """Whether what is still going makes room for a run of this plan."""
        queued = any(tick.status is Status.QUEUED for tick in self.ticks)
        return queued and self.job.concurrency_policy == "Replace"


def calendar_of(job: Policy, expression: str, timezone: str) -> Calendar:
    """When a CronJob is due. Raises ValueError for an expression that was never checked."""
    table = stored(expression, timezone)
    return Calendar(table=table, zone=timezone, starts_at=job.starts_at, ends_at=job.ends_at)


def plan(job: DueJob, now: datetime) -> Plan:
    """Give each moment from `job.due_at` to `now` its verdict, and find the next one after `now`."""
    calendar = calendar_of(job, job.expression, job.timezone)
    following = calendar.next_after(job.due_at)
    if job.due_at > now - LATE_AFTER and (following is None or following > now):
        return _settled(job, _NONE_LATE, {job.due_at}, following, now)  # the usual case, which is to be quick
    late, on_time = _due(job, calendar, now)
    return _settled(job, late, on_time, calendar.next_after(now), now)


def _settled(job: DueJob, late: Due, on_time: set[datetime], next_run_at: datetime | None, now: datetime) -> Plan:
    wanted = on_time | _caught_up(job, late.newest, now)
    listed = sorted({*late.newest, *on_time})
    windows: list[Window] = []
    if late.count > CATCH_UP_CAP:
        assert late.first is not None
        rest = [moment for moment in late.newest if moment not in wanted]
        windows = [_window(late.first, rest[-1], late.count - len(late.newest) + len(rest))]
        listed = sorted(wanted)
    dark = [moment for moment in listed if _blackout(job, moment)]
    windows += _dark_windows(job, dark)
    ticks = _verdicts(job, [moment for moment in listed if moment not in dark], wanted, set(late.newest), now)
    return Plan(job=job, ticks=tuple(ticks), windows=tuple(windows), next_run_at=next_run_at)


def _due(job: DueJob, calendar: Calendar, now: datetime) -> tuple[Due, set[datetime]]:
    """The moments that were missed by a server that was down, and those that are due now."""
    late_until = now - LATE_AFTER
    late = _with_promised(job, late_until, calendar.latest_until(job.due_at, late_until, CATCH_UP_CAP + 1))
    on_time = set(calendar.latest_until(max(job.due_at, late_until), now, CATCH_UP_CAP).newest)
    return late, on_time | ({job.due_at} if job.due_at > late_until else set())


def _with_promised(job: DueJob, until: datetime, found: Due) -> Due:
    """What was found after `job.due_at`, with that moment itself: it was promised, whatever the schedule says now."""
    if job.due_at > until:
        return found
    newest = (job.due_at, *found.newest)[-(CATCH_UP_CAP + 1) :]
    return Due(count=found.count + 1, first=job.due_at, last=newest[-1], newest=newest)


def paused_window(calendar: Calendar, owed_from: datetime, now: datetime) -> Window | None:
    """The moments of a pause that ends now, the first of them being `owed_from`; None if there were none."""
    found = calendar.latest_until(owed_from - _INSTANT, now, 1)
    if found.first is None:
        return None
    return Window(from_at=found.first, to_at=found.newest[-1], count=found.count, reason=Reason.PAUSED)


def _window(first: datetime, last: datetime, count: int) -> Window:
    return Window(from_at=first, to_at=last, count=count, reason=Reason.SERVER_DOWN)


def _blackout(job: DueJob, moment: datetime) -> Blackout | None:
    return next((blackout for blackout in job.blackouts if blackout.covers(moment)), None)


def _dark_windows(job: DueJob, moments: list[datetime]) -> Iterable[Window]:
    for blackout, group in groupby(moments, key=lambda moment: _blackout(job, moment)):
        assert blackout is not None
        dark = list(group)
        yield Window(from_at=dark[0], to_at=dark[-1], count=len(dark), reason=Reason.BLACKOUT, note=blackout.name)


def _caught_up(job: DueJob, late: tuple[datetime, ...], now: datetime) -> set[datetime]:
    """The late moments that the catch-up policy still wants to run: those that are not too old, or the newest."""
    recent = [moment for moment in late if now - moment <= CATCH_UP_WINDOW][-CATCH_UP_CAP:]
    return {"skip": set(), "last": set(recent[-1:]), "all": set(recent)}[job.catch_up]


def _verdicts(
    job: DueJob, moments: list[datetime], wanted: set[datetime], late: set[datetime], now: datetime
) -> list[Tick]:
    newest = max((moment for moment in moments if moment in wanted), default=None)
    ticks: list[Tick] = []
    active = job.active
    for moment in moments:
        if moment not in wanted:
            tick = Tick(scheduled_for=moment, status=Status.MISSED, reason=Reason.SERVER_DOWN)
        else:
            tick = _verdict(job, moment, active, now, newest=moment == newest, caught_up=moment in late)
        active += tick.status is Status.QUEUED
        ticks.append(tick)
    return ticks


def _verdict(job: DueJob, moment: datetime, active: int, now: datetime, *, newest: bool, caught_up: bool) -> Tick:
    """What a moment becomes that is wanted, while `active` runs are queued or running."""
    status, reason = Status.QUEUED, None
    if job.live_version_id is None:
        status, reason = Status.SKIPPED, Reason.DISABLED
    elif job.starting_deadline_s is not None and now - moment > timedelta(seconds=job.starting_deadline_s):
        status, reason = Status.MISSED, Reason.DEADLINE
    elif job.concurrency_policy == "Replace" and not newest:
        status, reason = Status.CANCELLED, Reason.REPLACED
    elif job.concurrency_policy == "Allow" and active >= MAX_QUEUE:
        status, reason = Status.SKIPPED, Reason.QUEUE_FULL
    # What is caught up was asked for, all of it: it waits its turn.
    elif job.concurrency_policy == "Forbid" and active > job.queue_limit and not (caught_up and job.catch_up == "all"):
        status, reason = Status.SKIPPED, Reason.QUEUE_FULL if job.queue_limit else Reason.OVERLAP
    return Tick(scheduled_for=moment, status=status, reason=reason)
