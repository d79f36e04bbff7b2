"""How late a run began: after the moment that it was due, or that it was asked for."""

from datetime import datetime, timedelta
from typing import Protocol

from hexasched.domain.policies import Policy

LATE_AFTER = timedelta(seconds=60)
"""Less than that is not worth a word."""


class Begun(Protocol):
    """What lateness is made of."""

    @property
    def attempt(self) -> int: ...
    @property
    def cron_job_id(self) -> int | None: ...
    @property
    def spread_s(self) -> int: ...
    @property
    def scheduled_for(self) -> datetime | None: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def trigger(self) -> str: ...
    @property
    def started_at(self) -> datetime | None: ...


def late_by(run: Begun) -> timedelta | None:
    """How much later than it should a run began, None if it was in time or has not begun.

    A spread CronJob's own delay does not count, and neither do the waits between attempts, nor what a person
    made up for.
    """
    if run.started_at is None or run.attempt > 1:
        return None
    due = run.created_at
    if run.scheduled_for is not None and run.trigger != "backfill":
        due = run.scheduled_for + Policy(spread_s=run.spread_s).delay_of(run.cron_job_id or 0)
    late = run.started_at - due
    return late if late > LATE_AFTER else None
