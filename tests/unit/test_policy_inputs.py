"""The policies of a CronJob as typed texts: what is taken, what is refused and where, and what they mean in words."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexasched.domain.cron_job_inputs import Typed, check
from hexasched.domain.policies import CATCH_UP, CONCURRENCY, MAX_QUEUE, RETRYABLE, Policy
from hexasched.domain.policy_inputs import policy_texts, read_policy
from hexasched.domain.policy_words import WHEN, sentences
from hexasched.domain.schedules import Preview, preview
from hexasched.domain.wall_times import instants, length_words, read_instant

NOW = datetime(2026, 11, 23, 14, 0, 20, tzinfo=UTC)
ALL = tuple(reason.value for reason in RETRYABLE)


def wrong(typed: dict[str, str], retry_on: tuple[str, ...] = ALL, zone: str = "UTC") -> dict[str, str]:
    return read_policy(typed, retry_on, zone)[1]


def test_nothing_typed_is_the_default() -> None:
    assert read_policy({}, ALL, "UTC") == (Policy(), {})
    assert read_policy(policy_texts(Policy(), "UTC"), ALL, "UTC") == (Policy(), {})
    assert sentences(Policy(), "UTC") == []


moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - wall times
    lambda wall: wall.replace(second=0, microsecond=0, tzinfo=UTC)
)


@given(
    st.builds(
        Policy,
        concurrency_policy=st.sampled_from(CONCURRENCY),
        catch_up=st.sampled_from(CATCH_UP),
        starting_deadline_s=st.none() | st.integers(4000, 86400),
        max_attempts=st.integers(1, 20),
        retry_delay_s=st.integers(0, 3600),
        retry_on=st.sets(st.sampled_from(ALL), min_size=1).map(
            lambda some: tuple(word for word in ALL if word in some)
        ),
        spread_s=st.integers(0, 3600),
        starts_at=st.none() | moments,
        successful_history_limit=st.none() | st.integers(1, 10_000),
    )
)
def test_what_is_shown_in_a_form_is_read_as_the_same_policy(policy: Policy) -> None:
    assert read_policy(policy_texts(policy, "Asia/Tokyo"), policy.retry_on, "Asia/Tokyo") == (policy, {})
    assert all(sentence.endswith(".") for sentence in sentences(policy, "Asia/Tokyo", 7))


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"concurrency_policy": "forbid"}, "concurrency_policy", "Allow, Forbid, Replace"),
        ({"queue_limit": str(MAX_QUEUE + 1)}, "queue_limit", "from 0 to 100; you wrote “101”"),
        ({"queue_limit": "3", "concurrency_policy": "Allow"}, "queue_limit", "with Allow write 0"),
        ({"starting_deadline_s": "0"}, "starting_deadline_s", "from 1 to 604800"),
        ({"starting_deadline_s": "60", "spread_s": "60"}, "starting_deadline_s", "longer than the spread of 60"),
        ({"max_attempts": "٣"}, "max_attempts", "from 1 to 20"),
        ({"retry_delay_s": "60", "retry_max_delay_s": "30"}, "retry_max_delay_s", "first wait, 60 seconds"),
        ({"starts_at": "tomorrow"}, "starts_at", "`tomorrow` is not a date and a time"),
        ({"starts_at": "2026-02-30 09:00"}, "starts_at", "not in the calendar"),
        ({"starts_at": "2026-12-02T09:00", "ends_at": "2026-12-01 09:00"}, "ends_at", "ends before it starts"),
        ({"failed_history_limit": "0"}, "failed_history_limit", "from 1 to 10000"),
    ],
)
def test_each_mistake_is_told_at_its_field(typed: dict[str, str], field: str, words: str) -> None:
    found = wrong(typed)
    assert list(found) == [field]
    assert words in found[field]


def test_a_start_in_a_gap_of_the_clock_is_refused_with_the_times_beside_it() -> None:
    found = wrong({"starts_at": "2026-03-29 02:30"}, zone="Europe/Berlin")["starts_at"]
    assert "does not exist in Europe/Berlin" in found and "Use 01:30 or 03:30" in found
    assert wrong({"starts_at": "2026-03-29 02:30"}) == {}


def test_retries_need_a_reason_that_exists() -> None:
    assert "at least one reason" in wrong({"max_attempts": "2"}, ())["retry_on"]
    assert wrong({"max_attempts": "1"}, ()) == {}
    assert "“load” is no reason to try again" in wrong({}, ("load",))["retry_on"]
    assert set(WHEN) == set(RETRYABLE)


def test_a_time_that_comes_twice_is_the_first_of_them() -> None:
    assert read_instant("2026-10-25 02:30", "Europe/Berlin") == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), None)
    wall = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001 - a wall time
    assert [moment.hour for moment in instants(wall, "Europe/Berlin")] == [0, 1]


def test_the_sentences_say_what_differs_from_the_default() -> None:
    start = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    policy = Policy(
        queue_limit=5, starting_deadline_s=90, max_attempts=3, retry_on=("error", "time"), spread_s=60, starts_at=start
    )
    assert sentences(policy, "Europe/Berlin", 7) == [
        "While a run is going, up to 5 more wait for their turn; others are skipped.",
        "A run that has not begun 1 min 30 s after its moment is missed.",
        "A run that fails is tried up to 3 times: after 10 s, then later each time, up to 1 h.",
        "It is tried again only when the code throws an error or it takes longer than its timeout.",
        f"Runs start up to 60 s later; those of this CronJob +{policy.delay_of(7).total_seconds():.0f} s.",
        "It starts at 2026-12-01 09:00.",
    ]


def test_lengths_have_two_units_at_most() -> None:
    seconds = (0, 59, 60, 61, 3600, 3660, 3601, 86400, 90000, 172800 + 59)
    assert [length_words(timedelta(seconds=count)) for count in seconds] == [
        *("0 s", "59 s", "1 min", "1 min 1 s", "1 h", "1 h 1 min", "1 h", "1 day", "1 day 1 h", "2 days"),
    ]


def test_the_preview_keeps_between_start_and_end() -> None:
    bounds, mistakes = read_policy(
        {"starts_at": "2026-12-01 09:00", "ends_at": "2026-12-03 09:00"}, ALL, "Europe/Berlin"
    )
    found = preview("0 9 * * *", "Europe/Berlin", NOW, 6, bounds)
    assert isinstance(found, Preview) and not mistakes
    assert [moment.day for moment in found.next] == [1, 2, 3]


def test_a_wrong_zone_is_told_beside_everything_else() -> None:
    typed = Typed(function="x", expression="every 5 minutes", timezone="Mars/Base", policy={"starts_at": "soon"})
    found = check(typed, {"x": True}, NOW, 3)
    assert list(found.errors) == ["timezone", "starts_at"]
    assert found.values is None
