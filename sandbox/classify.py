"""Decides how a run ended, from what was seen: the frame, the exit, why it was stopped, the last words on stderr."""

import re
import signal
from dataclasses import dataclass, replace

from hexasched.domain.limits import KIB, MAX_JSON_DEPTH, MAX_RESULT_BYTES, Limits
from hexasched.domain.outcomes import ErrorDetail, Outcome, Reason, Status
from sandbox import install
from sandbox.channel import Frame, json_depth
from sandbox.jobs import Mode
from sandbox.stopped import RAISE_MEMORY, Cause, failure, internal, out_of_memory, stopped

# V8 reserves addresses for each thread's code, which count against RLIMIT_DATA.
_NO_THREADS = re.compile(rb"Failed to reserve virtual memory for CodeRange")
_NO_MEMORY = re.compile(
    rb"heap out of memory|Fatal process out of memory|Fatal JavaScript (?:invalid size error|out of memory)"
    rb"|std::bad_alloc|FatalProcessOutOfMemory|FatalOOM|Cannot allocate memory"
)
_NOT_ITS_OWN = "Leave file descriptors alone that the code has not opened itself, 3 and those after it among them."
_FATAL = (signal.SIGABRT, signal.SIGTRAP, signal.SIGILL, signal.SIGSEGV)
_SIGNAL_HINTS: dict[int, str] = {
    signal.SIGABRT: f"Node.js gave up, as it does when its own descriptors are closed. {_NOT_ITS_OWN}",
    signal.SIGKILL: "If the function did not do that itself, the machine ran out of memory.",
    signal.SIGSEGV: "That is a fault in a native module or in Node.js itself.",
    signal.SIGXFSZ: "It wrote a file larger than “Scratch space in MB” in the function's limits, which can be raised.",
}
FINAL_ERROR = "The error says retryable: false, so no further attempt follows."
SIGNAL_BASE = 128  # bubblewrap, as a shell does, ends with 128 + the signal that ended its child


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that was seen of one run. `exit_code` is None if a signal ended the process, `signal` if none did."""

    mode: Mode
    limits: Limits
    ready: bool
    frame: Frame | None
    mistake: str | None
    cause: Cause | None
    exit_code: int | None
    signal: int | None
    last_words: bytes


def split_exit(code: int) -> tuple[int | None, int | None]:
    """Exit code and signal of os.waitstatus_to_exitcode's answer, also where bubblewrap stands in between."""
    if code < 0:
        return None, -code
    if SIGNAL_BASE < code <= SIGNAL_BASE + signal.NSIG:
        return None, code - SIGNAL_BASE
    return code, None


def outcome_of(seen: Evidence) -> Outcome:
    """Status, reason and error of the run; the measures are filled in by the caller."""
    if seen.frame is not None and seen.cause is None:
        return _from_frame(seen.frame, seen)
    if seen.cause is not None:
        outcome = stopped(seen.cause, seen.limits)
        return replace(outcome, warnings=seen.frame.warnings) if seen.frame else outcome
    if seen.mode == "install":
        return _from_install(seen)
    if not seen.ready:
        return internal("The sandbox did not start. The service's log says why.")
    return _from_exit(seen)


def _from_frame(frame: Frame, seen: Evidence) -> Outcome:
    seen_env = Outcome(
        status=Status.FAILED,
        reason=Reason.ERROR,
        warnings=frame.warnings,
        env_read=frame.env_read,
        env_missing=tuple(read.name for read in frame.env_missing),
        error=frame.error,
        exit_code=seen.exit_code,
        retryable=frame.ok or frame.retryable,
    )
    if not seen_env.retryable:
        seen_env = replace(seen_env, warnings=(*seen_env.warnings, FINAL_ERROR))
    if frame.ok:
        return _checked_result(replace(seen_env, result=frame.result), seen.mode)
    if frame.env_missing and frame.reason in ("error", "load", "unsettled"):
        return replace(seen_env, reason=Reason.ENV_MISSING, error=_with_missing(frame))
    return replace(seen_env, reason=Reason(frame.reason))


def _checked_result(outcome: Outcome, mode: Mode) -> Outcome:
    result = outcome.result
    if result is not None and mode == "run":
        size = len(result.encode())
        if size > MAX_RESULT_BYTES:
            message = f"The result has {size:,} bytes; at most {MAX_RESULT_BYTES // KIB} KB are kept."
            return _refused(outcome, message)
        if json_depth(result) > MAX_JSON_DEPTH:
            return _refused(outcome, f"The result is nested deeper than {MAX_JSON_DEPTH} levels.")
    return replace(outcome, status=Status.SUCCEEDED, reason=Reason.OK, error=None)


def _refused(outcome: Outcome, message: str) -> Outcome:
    error = ErrorDetail(type="ResultError", message=message)
    return replace(outcome, reason=Reason.RESULT, result=None, error=error)


def _with_missing(frame: Frame) -> ErrorDetail:
    first = frame.env_missing[0]
    where = f" {first.file}, line {first.line}, reads it." if first.file and first.line else ""
    hint = f"The environment variable {first.name} is not set.{where} Set it on the function's page."
    error = frame.error or ErrorDetail(type="Error", message=f"{first.name} is not set.")
    return replace(error, hint=f"{hint} {error.hint}" if error.hint else hint)


def _from_install(seen: Evidence) -> Outcome:
    if seen.exit_code == 0:
        return Outcome(status=Status.SUCCEEDED, reason=Reason.OK, exit_code=0)
    said = seen.last_words.decode("utf-8", "replace")
    if said.startswith("bwrap: "):
        return internal("The sandbox did not start. The service's log says why.")
    if seen.exit_code is None:
        return _from_exit(seen)
    error = install.failure(said, seen.exit_code)
    return Outcome(status=Status.FAILED, reason=Reason.EXIT, error=error, exit_code=seen.exit_code)


def _from_exit(seen: Evidence) -> Outcome:
    outcome = _without_frame(seen)
    return replace(outcome, exit_code=seen.exit_code, signal=seen.signal)


def _without_frame(seen: Evidence) -> Outcome:
    if _NO_THREADS.search(seen.last_words):
        message = "It started more worker threads than its memory limit has room for."
        hint = f"Four always fit. Start fewer, or {RAISE_MEMORY}."
        return failure(Status.FAILED, Reason.MEMORY, "OutOfMemory", message, hint)
    if _NO_MEMORY.search(seen.last_words) and seen.signal in _FATAL:
        return out_of_memory(seen.limits)
    if seen.mistake is not None and seen.signal in (None, signal.SIGABRT):
        message = f"The process ended without a valid result: {seen.mistake}."
        reason = Reason.EXIT if seen.signal is None else Reason.SIGNAL
        return failure(Status.FAILED, reason, "Exit", message, _NOT_ITS_OWN)
    match seen.signal:
        case signal.SIGXCPU:
            message = "It used more processor time than its time limit allows and was stopped."
            hint = (
                "It may compute for its time limit, times its processors, and 10 s more: "
                "raise “Timeout in seconds” or “Processors”, or let it compute less."
            )
            return failure(Status.TIMED_OUT, Reason.CPU, "CpuLimit", message, hint)
        case signal.SIGSYS:
            message = "It made a system call that the sandbox does not allow."
            return failure(Status.FAILED, Reason.DENIED, "SystemCall", message)
        case signal.SIGTRAP:
            return out_of_memory(seen.limits)
        case None:
            message = f"The process ended with exit code {seen.exit_code} before the function had a result."
            return failure(Status.FAILED, Reason.EXIT, "Exit", message)
        case number:
            message = f"The process was ended by the signal {_signal_name(number)}."
            return failure(Status.FAILED, Reason.SIGNAL, "Signal", message, _SIGNAL_HINTS.get(number))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
