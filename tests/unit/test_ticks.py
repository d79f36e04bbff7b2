"""What becomes of due moments: the plan is a pure function."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hexasched.domain.policies import Policy
from hexasched.domain.ticks import CATCH_UP_CAP, Blackout, DueJob, Plan, calendar_of, paused_window, plan
from hexasched.domain.timetables import Calendar

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
        "active": 0,
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
    assert verdicts(plan(due_job(active=1), DUE)) == [(0, "skipped", "overlap")]
    assert verdicts(plan(due_job(active=1, concurrency_policy="Allow"), DUE)) == [(0, "queued", None)]


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
    window = paused_window(calendar("*/10 * * * *"), DUE, DUE + timedelta(hours=1))
    assert window is not None
    assert (window.from_at, window.to_at, window.count) == (DUE, DUE + timedelta(hours=1), 7)
    assert paused_window(calendar("0 9 * * *"), DUE + timedelta(hours=1), DUE) is None


def calendar(expression: str) -> Calendar:
    return calendar_of(Policy(), expression, "UTC")


def at(*minutes: int) -> list[datetime]:
    return [DUE + timedelta(minutes=minute) for minute in minutes]


def test_forbid_lets_as_many_wait_as_its_queue_has_room_for() -> None:
    def verdict(active: int) -> tuple[str, str | None]:
        [(_, status, reason)] = verdicts(plan(due_job(queue_limit=2, active=active), DUE))
        return status, reason

    assert [verdict(active) for active in (0, 1, 2, 3)] == [("queued", None)] * 3 + [("skipped", "queue_full")]


def test_allow_queues_up_to_a_bound() -> None:
    made = plan(due_job(concurrency_policy="Allow", active=99), DUE + timedelta(seconds=60))
    assert verdicts(made) == [(0, "queued", None), (1, "skipped", "queue_full")]


def test_replace_queues_the_newest_only_and_makes_room() -> None:
    made = plan(due_job(concurrency_policy="Replace", active=1), DUE + timedelta(seconds=60))
    assert verdicts(made) == [(0, "cancelled", "replaced"), (1, "queued", None)]
    assert made.replaces
    assert not plan(due_job(concurrency_policy="Replace", live_version_id=None), DUE).replaces


def test_all_that_was_missed_within_a_day_is_caught_up_where_that_is_wanted() -> None:
    made = plan(due_job(catch_up="all", active=1, expression="0 * * * *"), DUE + timedelta(hours=26, minutes=30))
    assert [status for _, status, _ in verdicts(made)] == ["missed"] * 3 + ["queued"] * 24
    many = plan(due_job(catch_up="all"), DUE + timedelta(hours=9))
    assert [status for _, status, _ in verdicts(many)].count("queued") == CATCH_UP_CAP
    assert all_moments(many) == 9 * 60 + 1


def test_what_is_later_than_its_deadline_is_missed() -> None:
    late = due_job(expression="0 * * * *", starting_deadline_s=600)
    assert verdicts(plan(late, DUE + timedelta(minutes=9))) == [(0, "queued", None)]
    assert verdicts(plan(late, DUE + timedelta(minutes=11))) == [(0, "missed", "deadline")]


def test_moments_in_a_blackout_are_a_window_with_its_name() -> None:
    dark = Blackout(name="Inventory", from_at=at(1)[0], to_at=at(3)[0])
    made = plan(due_job(blackouts=(dark,), expression="*/1 * * * *", catch_up="all"), DUE + timedelta(minutes=4))
    assert [(minute, status) for minute, status, _ in verdicts(made)] == [(0, "queued"), (3, "queued"), (4, "skipped")]
    [window] = made.windows
    assert (window.from_at, window.to_at, window.count) == (*at(1, 2), 2)
    assert (window.reason, window.note) == ("blackout", "Inventory")


def test_nothing_is_due_before_the_start_and_after_the_end() -> None:
    bounded = due_job(starts_at=at(2)[0], ends_at=at(4)[0], due_at=at(2)[0])
    made = plan(bounded, at(4)[0])
    assert [minute for minute, _, _ in verdicts(made)] == [2, 3, 4]
    assert made.next_run_at is None
    assert calendar_of(bounded, "* * * * *", "UTC").next_after(DUE) == at(2)[0]
