"""What becomes of the moments at which a CronJob was due: a pure plan, written in one transaction by the store."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hexasched.domain.cron_clock import Due, latest_until, next_after
from hexasched.domain.cron_fields import Schedule
from hexasched.domain.cron_parser import parse
from hexasched.domain.outcomes import Reason, Status

LATE_AFTER = timedelta(seconds=60)
"""Older moments were missed by a server that was down; what then happens is the catch-up policy's business."""

CATCH_UP_WINDOW = timedelta(hours=24)
CATCH_UP_CAP = 100
"""At most so many missed moments get a row each; more that share one reason are one window."""

_INSTANT = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True)
class DueJob:
    """A CronJob with the facts that decide what its due moments become.

    `due_at` is its next_run_at; `active` tells whether a run of it is queued or running; `live_version_id`
    is None when its function can't run.
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
    concurrency_policy: str
    catch_up: str
    max_attempts: int
    due_at: datetime
    active: bool


@dataclass(frozen=True, kw_only=True)
class Tick:
    """One moment and its verdict; a queued tick has no reason."""

    scheduled_for: datetime
    status: Status
    reason: Reason | None = None


@dataclass(frozen=True, kw_only=True)
class Window:
    """`count` moments from `from_at` to `to_at` (both included) that share one reason."""

    from_at: datetime
    to_at: datetime
    count: int
    reason: Reason


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be written for one CronJob: every due moment is in exactly one tick or window."""

    job: DueJob
    ticks: tuple[Tick, ...]
    windows: tuple[Window, ...]
    next_run_at: datetime | None


def stored_schedule(expression: str) -> Schedule:
    """The schedule of an expression that was checked before it was stored. Raises ValueError for any other."""
    schedule = parse(expression)
    if not isinstance(schedule, Schedule):
        raise ValueError(f"not a cron expression: {expression!r}")  # noqa: TRY004 - the text is wrong, not its type
    return schedule


def plan(job: DueJob, now: datetime) -> Plan:
    """Give each moment from `job.due_at` to `now` its verdict, and find the next one after `now`."""
    schedule = stored_schedule(job.expression)
    late_until = now - LATE_AFTER
    late = _with_promised(
        job, late_until, latest_until(schedule, job.timezone, job.due_at, late_until, CATCH_UP_CAP + 1)
    )
    after = max(job.due_at, late_until)
    on_time = set(latest_until(schedule, job.timezone, after, now, CATCH_UP_CAP).newest)
    if job.due_at > late_until:
        on_time.add(job.due_at)
    wanted = on_time | _caught_up(job, late.newest, now)
    missed = [moment for moment in late.newest if moment not in wanted]
    windows: tuple[Window, ...] = ()
    if late.count > CATCH_UP_CAP:
        assert late.first is not None
        windows = (_window(late.first, missed[-1], late.count - len(late.newest) + len(missed)),)
        missed = []
    ticks = [Tick(scheduled_for=m, status=Status.MISSED, reason=Reason.SERVER_DOWN) for m in missed]
    return Plan(
        job=job,
        ticks=(*ticks, *_verdicts(job, sorted(wanted))),
        windows=windows,
        next_run_at=next_after(schedule, job.timezone, now),
    )


def _with_promised(job: DueJob, until: datetime, found: Due) -> Due:
    """What was found after `job.due_at`, with that moment itself: it was promised, whatever the schedule says now."""
    if job.due_at > until:
        return found
    newest = (job.due_at, *found.newest)[-(CATCH_UP_CAP + 1) :]
    return Due(count=found.count + 1, first=job.due_at, last=newest[-1], newest=newest)


def paused_window(expression: str, timezone: str, owed_from: datetime, now: datetime) -> Window | None:
    """The moments of a pause that ends now, the first of them being `owed_from`; None if there were none."""
    found = latest_until(stored_schedule(expression), timezone, owed_from - _INSTANT, now, 1)
    if found.first is None:
        return None
    return Window(from_at=found.first, to_at=found.newest[-1], count=found.count, reason=Reason.PAUSED)


def _window(first: datetime, last: datetime, count: int) -> Window:
    return Window(from_at=first, to_at=last, count=count, reason=Reason.SERVER_DOWN)


def _caught_up(job: DueJob, late: tuple[datetime, ...], now: datetime) -> set[datetime]:
    """The late moments that the catch-up policy still wants to run: the newest, if it is not too old."""
    if job.catch_up == "skip" or not late or now - late[-1] > CATCH_UP_WINDOW:
        return set()
    return {late[-1]}


def _verdicts(job: DueJob, moments: list[datetime]) -> list[Tick]:
    if job.live_version_id is None:
        return [Tick(scheduled_for=m, status=Status.SKIPPED, reason=Reason.DISABLED) for m in moments]
    ticks: list[Tick] = []
    busy = job.active
    for moment in moments:
        if busy and job.concurrency_policy == "Forbid":
            ticks.append(Tick(scheduled_for=moment, status=Status.SKIPPED, reason=Reason.OVERLAP))
        else:
            ticks.append(Tick(scheduled_for=moment, status=Status.QUEUED))
            busy = True
    return ticks
