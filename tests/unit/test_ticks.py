"""What becomes of due moments: the plan is a pure function."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hexasched.domain.ticks import CATCH_UP_CAP, DueJob, Plan, paused_window, plan

DUE = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def due_job(**overrides: Any) -> DueJob:
    values: dict[str, Any] = {
        "id": 1,
        "workspace_id": 1,
        "function_id": 1,
        "live_version_id": 7,
        "newest_version_id": 7,
        "revision": 1,
        "expression": "* * * * *",
        "timezone": "UTC",
        "event": "{}",
        "concurrency_policy": "Forbid",
        "catch_up": "last",
        "max_attempts": 1,
        "due_at": DUE,
        "active": False,
    }
    return DueJob(**(values | overrides))


def verdicts(made: Plan) -> list[tuple[int, str, str | None]]:
    """Minutes after DUE, status and reason of each tick."""
    return [((tick.scheduled_for - DUE) // timedelta(minutes=1), tick.status, tick.reason) for tick in made.ticks]


def all_moments(made: Plan) -> int:
    return len(made.ticks) + sum(window.count for window in made.windows)


def test_it_queues_a_moment_that_is_on_time() -> None:
    made = plan(due_job(), DUE + timedelta(milliseconds=3))
    assert verdicts(made) == [(0, "queued", None)]
    assert made.next_run_at == DUE + timedelta(minutes=1)


def test_it_skips_with_a_reason_when_the_run_before_is_still_active() -> None:
    assert verdicts(plan(due_job(active=True), DUE)) == [(0, "skipped", "overlap")]
    assert verdicts(plan(due_job(active=True, concurrency_policy="Allow"), DUE)) == [(0, "queued", None)]


def test_it_does_not_overlap_two_moments_of_one_round() -> None:
    made = plan(due_job(), DUE + timedelta(seconds=60))
    assert verdicts(made) == [(0, "queued", None), (1, "skipped", "overlap")]


def test_it_says_so_when_the_function_can_not_run() -> None:
    assert verdicts(plan(due_job(live_version_id=None), DUE)) == [(0, "skipped", "disabled")]


def test_it_runs_the_latest_missed_moment_and_records_the_others() -> None:
    made = plan(due_job(), DUE + timedelta(minutes=5, seconds=30))
    assert verdicts(made) == [
        (0, "missed", "server_down"),
        (1, "missed", "server_down"),
        (2, "missed", "server_down"),
        (3, "missed", "server_down"),
        (4, "queued", None),
        (5, "skipped", "overlap"),
    ]


def test_it_records_all_as_missed_when_told_to_skip() -> None:
    made = plan(due_job(catch_up="skip", expression="0 * * * *"), DUE + timedelta(hours=2, minutes=30))
    assert [(status, reason) for _, status, reason in verdicts(made)] == [("missed", "server_down")] * 3


def test_it_does_not_catch_up_what_is_older_than_a_day() -> None:
    made = plan(due_job(expression="0 8 * * 1"), DUE + timedelta(hours=25))
    assert verdicts(made) == [(0, "missed", "server_down")]
    made = plan(due_job(expression="0 8 * * 1"), DUE + timedelta(hours=23))
    assert verdicts(made) == [(0, "queued", None)]


@pytest.mark.parametrize("hours", [1, 2, 9, 24 * 40])
def test_it_accounts_for_every_moment_of_an_outage_exactly_once(hours: int) -> None:
    now = DUE + timedelta(hours=hours, seconds=20)
    made = plan(due_job(), now)
    assert all_moments(made) == hours * 60 + 1
    moments = [tick.scheduled_for for tick in made.ticks]
    assert len(set(moments)) == len(moments) <= CATCH_UP_CAP + 2
    for window in made.windows:
        assert not [moment for moment in moments if window.from_at <= moment <= window.to_at]
        assert (window.to_at - window.from_at) // timedelta(minutes=1) + 1 == window.count
    assert made.next_run_at == DUE + timedelta(hours=hours, minutes=1)


def test_it_puts_a_long_outage_into_one_window() -> None:
    made = plan(due_job(), DUE + timedelta(days=1))
    assert [(window.from_at, window.reason) for window in made.windows] == [(DUE, "server_down")]
    assert [status for _, status, _ in verdicts(made)] == ["queued", "skipped"]


def test_it_finds_the_next_moment_years_ahead() -> None:
    made = plan(due_job(expression="0 8 29 2 *"), DUE)
    assert made.next_run_at == datetime(2028, 2, 29, 8, tzinfo=UTC)


def test_it_keeps_the_promise_of_a_moment_that_the_schedule_does_not_have() -> None:
    """A new release of the time zone database may move a schedule: what was shown as the next run still runs."""
    odd = DUE + timedelta(seconds=7)
    made = plan(due_job(expression="0 9 * * *", due_at=odd), odd)
    assert [tick.scheduled_for for tick in made.ticks] == [odd]
    assert made.next_run_at == DUE + timedelta(hours=1)
    late = plan(due_job(expression="0 9 * * *", due_at=odd), odd + timedelta(hours=3))
    assert [(tick.scheduled_for, tick.status) for tick in late.ticks] == [
        (odd, "missed"),
        (DUE + timedelta(hours=1), "queued"),
    ]


def test_it_makes_one_window_of_a_pause() -> None:
    window = paused_window("*/10 * * * *", "UTC", DUE, DUE + timedelta(hours=1))
    assert window is not None
    assert (window.from_at, window.to_at, window.count) == (DUE, DUE + timedelta(hours=1), 7)
    assert paused_window("0 9 * * *", "UTC", DUE + timedelta(hours=1), DUE) is None
