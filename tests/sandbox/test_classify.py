"""From what was seen of a run to its outcome."""

import signal
from dataclasses import replace

import pytest

from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import REASONS, ErrorDetail, Reason, Status
from sandbox.channel import EnvRead, Frame, FrameReason, json_depth
from sandbox.classify import Evidence, outcome_of, split_exit
from sandbox.stopped import Cause

FRAME = Frame(ok=True, reason="ok", result="1", error=None, warnings=("open",), env_read=("A",), env_missing=())
SEEN = Evidence(
    mode="run",
    limits=Limits(memory_mb=128),
    ready=True,
    frame=None,
    mistake=None,
    cause=None,
    exit_code=0,
    signal=None,
    last_words=b"",
)
HEAP = b"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"


@pytest.mark.parametrize(
    ("cause", "status", "reason"),
    [
        ("time", Status.TIMED_OUT, Reason.TIME),
        ("cancel", Status.CANCELLED, Reason.USER),
        ("replaced", Status.CANCELLED, Reason.REPLACED),
        ("drain", Status.LOST, Reason.DRAIN),
        ("gone", Status.LOST, Reason.WORKER_GONE),
        ("memory", Status.FAILED, Reason.MEMORY),
        ("files", Status.FAILED, Reason.MEMORY),
        ("boot", Status.FAILED, Reason.INTERNAL),
    ],
)
def test_the_cause_of_a_stop_counts_more_than_a_frame(cause: Cause, status: Status, reason: Reason) -> None:
    outcome = outcome_of(replace(SEEN, cause=cause, frame=FRAME))
    assert (outcome.status, outcome.reason, outcome.warnings) == (status, reason, ("open",))
    assert outcome.result is None
    assert reason in REASONS[status]


@pytest.mark.parametrize(
    ("number", "words", "status", "reason"),
    [
        (signal.SIGABRT, HEAP, Status.FAILED, Reason.MEMORY),
        (signal.SIGABRT, b"Assertion failed", Status.FAILED, Reason.SIGNAL),
        (signal.SIGTRAP, b"", Status.FAILED, Reason.MEMORY),
        (signal.SIGXCPU, b"", Status.TIMED_OUT, Reason.CPU),
        (signal.SIGSYS, b"", Status.FAILED, Reason.DENIED),
        (signal.SIGSEGV, HEAP, Status.FAILED, Reason.MEMORY),
        (signal.SIGSEGV, b"", Status.FAILED, Reason.SIGNAL),
        (50, b"", Status.FAILED, Reason.SIGNAL),
    ],
)
def test_a_signal_without_a_frame_tells_why(number: int, words: bytes, status: Status, reason: Reason) -> None:
    outcome = outcome_of(replace(SEEN, exit_code=None, signal=number, last_words=words))
    assert (outcome.status, outcome.reason, outcome.signal) == (status, reason, number)


def test_an_abort_after_the_code_meddled_with_our_pipe_says_so() -> None:
    mistake = "something else wrote on the result pipe"
    outcome = outcome_of(replace(SEEN, exit_code=None, signal=signal.SIGABRT, mistake=mistake))
    assert (outcome.reason, outcome.signal) == (Reason.SIGNAL, signal.SIGABRT)
    assert outcome.error
    assert outcome.error.message == f"The process ended without a valid result: {mistake}."
    assert outcome.error.hint and outcome.error.hint.startswith("Leave file descriptors alone")


def test_words_about_memory_alone_prove_nothing() -> None:
    outcome = outcome_of(replace(SEEN, exit_code=1, last_words=HEAP))
    assert outcome.reason is Reason.EXIT


@pytest.mark.parametrize("reason", ["error", "load", "unsettled"])
def test_a_failure_after_reading_a_missing_variable_names_it(reason: FrameReason) -> None:
    missing = (EnvRead(name="SMTP_HOST", file="index.mjs", line=3),)
    frame = replace(
        FRAME, ok=False, reason=reason, error=ErrorDetail(type="E", message="m", hint="h"), env_missing=missing
    )
    outcome = outcome_of(replace(SEEN, frame=frame))
    assert (outcome.reason, outcome.env_missing) == (Reason.ENV_MISSING, ("SMTP_HOST",))
    assert outcome.error
    assert outcome.error.hint == (
        "The environment variable SMTP_HOST is not set. index.mjs, line 3, reads it. Set it on the function's page. h"
    )


def test_a_missing_variable_does_no_harm_to_a_run_that_works() -> None:
    frame = replace(FRAME, env_missing=(EnvRead(name="DEBUG", file="", line=0),))
    outcome = outcome_of(replace(SEEN, frame=frame))
    assert (outcome.status, outcome.env_missing) == (Status.SUCCEEDED, ("DEBUG",))


def test_a_result_that_is_nested_too_deeply_is_refused() -> None:
    outcome = outcome_of(replace(SEEN, frame=replace(FRAME, result="[" * 101 + "]" * 101)))
    assert outcome.reason is Reason.RESULT


def test_exit_codes_above_128_are_signals() -> None:
    assert split_exit(0) == (0, None)
    assert split_exit(128) == (128, None)
    assert split_exit(137) == (None, 9)
    assert split_exit(255) == (255, None)
    assert split_exit(-9) == (None, 9)


@pytest.mark.parametrize(
    ("text", "depth"),
    [("1", 0), ("[]", 1), ('{"a":[{}]}', 3), ('"[[["', 0), ('["\\"[[",[]]', 2), ("[" * 9, 9), ('"abc\\', 0)],
)
def test_the_depth_of_json_is_told_without_recursion(text: str, depth: int) -> None:
    assert json_depth(text) == depth


def test_the_depth_of_hostile_text_is_told_quickly() -> None:
    assert json_depth('\\"' * 500_000) == 0


def test_an_error_that_forbids_another_attempt_is_told_as_one() -> None:
    final = replace(FRAME, ok=False, reason="error", result=None, retryable=False)
    outcome = outcome_of(replace(SEEN, frame=final))
    assert not outcome.retryable
    assert outcome.warnings == ("open", "The error says retryable: false, so no further attempt follows.")
    assert outcome_of(replace(SEEN, frame=replace(FRAME, retryable=False))).retryable, "it succeeded"
    assert outcome_of(replace(SEEN, frame=final, cause="time")).retryable, "we stopped it"
