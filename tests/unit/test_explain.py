"""Every way to end has its sentence."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from hexasched.domain.explain import explain, what_happened
from hexasched.domain.outcomes import REASONS, ErrorDetail, Reason, Status


@dataclass(frozen=True, kw_only=True)
class Run:
    status: Status
    reason: Reason | None = None
    error: ErrorDetail | None = None
    env_missing: tuple[str, ...] = ("API_KEY",)
    env_read: tuple[str, ...] = ("SMTP_HOST",)
    exit_code: int | None = 3
    signal: int | None = 11
    memory_mb: int = 256
    timeout_s: int = 60
    started_at: datetime | None = None
    may_have_run: bool = False


@pytest.mark.parametrize(("status", "reason"), [(status, reason) for status in REASONS for reason in REASONS[status]])
def test_it_has_a_sentence_for_every_reason(status: Status, reason: Reason) -> None:
    sentence = explain(Run(status=status, reason=reason))
    assert sentence[0].isupper()
    assert sentence.endswith(".")


def test_it_names_what_a_person_needs() -> None:
    assert "API_KEY, which is not set" in explain(Run(status=Status.FAILED, reason=Reason.ENV_MISSING))
    failed = Run(status=Status.FAILED, reason=Reason.ERROR)
    assert explain(failed) == "The code failed. It had read the variable SMTP_HOST."
    assert explain(replace(failed, env_read=("A", "B"))) == "The code failed. It had read the variables A, B."
    assert "256 MB" in explain(Run(status=Status.FAILED, reason=Reason.MEMORY))
    assert "60 s" in explain(Run(status=Status.TIMED_OUT, reason=Reason.TIME))


def test_it_tells_waiting_from_starting_from_running() -> None:
    now = datetime.now(UTC)
    told = [explain(Run(status=Status.QUEUED)), explain(Run(status=Status.RUNNING))]
    told.append(explain(Run(status=Status.RUNNING, started_at=now)))
    assert len(set(told)) == 3


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.LOST, Reason.WORKER_GONE),
        (Status.CANCELLED, Reason.USER),
        (Status.CANCELLED, Reason.REPLACED),
    ],
)
def test_of_what_may_have_run_it_says_that_nobody_knows(status: Status, reason: Reason) -> None:
    sentence = explain(Run(status=status, reason=reason, may_have_run=True))
    assert sentence.endswith("The worker that had taken it is gone. Whether the code began is not known.")
    assert (sentence[:16] == "It was cancelled") is (status is Status.CANCELLED)


def test_a_drain_stopped_code_only_if_it_had_begun() -> None:
    drained = Run(status=Status.LOST, reason=Reason.DRAIN)
    assert "before the code began" in explain(drained)
    assert "while it ran" in explain(replace(drained, started_at=datetime.now(UTC)))


def test_one_line_has_what_is_missing_and_what_happened() -> None:
    error = ErrorDetail(type="TypeError", message="no host\nmore")
    assert what_happened(error, ("A",)) == "A is not set: no host"
    assert what_happened(error, ("A", "B")) == "A, B are not set: no host"
    assert what_happened(ErrorDetail(type="TypeError", message=" "), ()) == "TypeError"
    assert what_happened(None, ()) == ""
