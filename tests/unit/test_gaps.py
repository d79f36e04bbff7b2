"""Two heartbeats tell a silence from a jump of the clock, and ordinary life from both."""

from datetime import UTC, datetime, timedelta

import pytest

from hexasched.domain.gaps import Beat, Gap, gaps

T0 = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
MINE = Beat(at=T0, steady_s=1000)


def after(*, wall_s: float, steady_s: float) -> Beat:
    return Beat(at=T0 + timedelta(seconds=wall_s), steady_s=1000 + steady_s)


def seen(found: list[Gap]) -> list[tuple[str, float, float]]:
    return [(g.kind, (g.from_at - T0).total_seconds(), (g.to_at - T0).total_seconds()) for g in found]


@pytest.mark.parametrize(
    ("wall_s", "steady_s", "expected"),
    [
        (5, 5, []),
        (60, 60, []),
        (61, 61, [("stopped", 0, 61)]),  # suspended, or a database that did not answer
        (59, 5, []),  # no moment is late
        (64, 5, [("clock_forward", 5, 64)]),
        (66, 5, [("clock_forward", 5, 66)]),
        (1, 5, []),
        (-1, 5, [("clock_back", -1, 5)]),
        (-7200, 5, [("clock_back", -7200, 5)]),
        (7305, 105, [("stopped", 0, 105), ("clock_forward", 105, 7305)]),
        (-7095, 105, [("stopped", 0, 105), ("clock_back", -7095, 105)]),
    ],
)
def test_a_running_scheduler_tells_silence_and_jumps_apart(
    wall_s: float, steady_s: float, expected: list[tuple[str, float, float]]
) -> None:
    assert seen(gaps(MINE, T0, after(wall_s=wall_s, steady_s=steady_s))) == expected


@pytest.mark.parametrize(
    ("wall_s", "expected"),
    [(3, []), (60, []), (3600, [("stopped", 0, 3600)]), (-5, []), (-6, [("clock_back", -6, 0)])],
)
def test_a_starting_scheduler_compares_with_the_last_heartbeat_of_any(
    wall_s: float, expected: list[tuple[str, float, float]]
) -> None:
    assert seen(gaps(None, T0, after(wall_s=wall_s, steady_s=0))) == expected


def test_the_very_first_start_and_a_gap_that_another_scheduler_filled_are_nothing() -> None:
    assert gaps(None, None, MINE) == []
    other = T0 + timedelta(seconds=98)
    assert gaps(MINE, other, after(wall_s=100, steady_s=100)) == []


def test_a_gap_has_its_size() -> None:
    [gap] = gaps(MINE, T0, after(wall_s=-7200, steady_s=5))
    assert gap.size == timedelta(seconds=7205)
