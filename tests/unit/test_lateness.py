"""How late a run began: measured from what it was due for, without the delays that were asked for."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from hexasched.domain.lateness import late_by
from hexasched.domain.policies import Policy

DUE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Begun:
    attempt: int = 1
    cron_job_id: int | None = 7
    spread_s: int = 0
    scheduled_for: datetime | None = DUE
    created_at: datetime = DUE
    started_at: datetime | None = None
    trigger: str = "cron"


@pytest.mark.parametrize(("seconds", "late"), [(0, False), (60, False), (61, True), (200, True)])
def test_only_more_than_a_minute_is_late(seconds: int, late: bool) -> None:
    run = Begun(started_at=DUE + timedelta(seconds=seconds))
    assert late_by(run) == (timedelta(seconds=seconds) if late else None)


def test_what_a_person_made_up_for_is_not_late() -> None:
    made_up = DUE + timedelta(days=3)
    assert late_by(Begun(trigger="backfill", created_at=made_up, started_at=made_up)) is None


def test_a_spread_does_not_count_and_neither_do_the_waits_of_retries() -> None:
    delay = Policy(spread_s=3600).delay_of(7)
    run = Begun(spread_s=3600, started_at=DUE + delay + timedelta(seconds=70))
    assert late_by(run) == timedelta(seconds=70)
    assert late_by(replace(run, attempt=2)) is None
    assert late_by(Begun()) is None


def test_what_nobody_scheduled_is_late_after_it_was_asked_for() -> None:
    asked = Begun(scheduled_for=None, cron_job_id=None, created_at=DUE, started_at=DUE + timedelta(minutes=5))
    assert late_by(asked) == timedelta(minutes=5)
