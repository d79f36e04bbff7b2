"""Why the keeper stops a run, what its reader is told of it, and how the run ends then."""

from typing import Literal

from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import ErrorDetail, Outcome, Reason, Status

Cause = Literal["time", "cancel", "replaced", "drain", "gone", "memory", "files", "scratch", "boot"]
"""Why the keeper stopped a run: its deadline, a person, a newer run, the worker's orderly end, the worker's death, too
much memory, too many files, too much in them, or a sandbox that did not come up."""

REMARKS: dict[Cause, str] = {
    "time": "The time limit is reached; the function is told to stop.",
    "cancel": "This run was cancelled; the function is told to stop.",
    "replaced": "A newer run replaces this one; the function is told to stop.",
    "drain": "The service is stopping; the function is told to stop.",
    "gone": "The service's worker is gone; the function was killed.",
    "memory": "The memory limit is reached; the function was killed.",
    "files": "There are too many files in /tmp and /dev/shm; the function was killed.",
    "scratch": "There is too much in /tmp; the function was killed.",
    "boot": "The sandbox did not start in time.",
}
AT_ONCE: tuple[Cause, ...] = ("gone", "memory", "files", "scratch", "boot")
"""Nothing is asked of the code any more."""

RAISE_MEMORY = "raise “Memory in MB” in the function's limits (how far: limits.max_memory_mb)"

_ORDERED = {
    "cancel": (Status.CANCELLED, Reason.USER),
    "replaced": (Status.CANCELLED, Reason.REPLACED),
    "drain": (Status.LOST, Reason.DRAIN),
    "gone": (Status.LOST, Reason.WORKER_GONE),
}


def stopped(cause: Cause, limits: Limits) -> Outcome:
    """How a run ends that the keeper stopped."""
    match cause:
        case "time":
            message = f"It was still running after {limits.timeout_s} s, its time limit, and was stopped."
            hint = (
                "Find out what it waited for (its log shows how far it came), or raise “Timeout in seconds” in the "
                "function's limits (how far: limits.max_timeout_s)."
            )
            return failure(Status.TIMED_OUT, Reason.TIME, "TimeLimit", message, hint)
        case "memory":
            return out_of_memory(limits)
        case "files":
            message = f"It made more than {limits.scratch_files:,} files in /tmp and /dev/shm and was stopped."
            hint = (
                "Remove those that are no longer needed, or raise “Files in scratch space” in the function's limits "
                "(how far: limits.max_scratch_files)."
            )
            return failure(Status.FAILED, Reason.MEMORY, "FileLimit", message, hint)
        case "scratch":
            message = f"It wrote more than {limits.scratch_mb} MB to its folder for temporary files and was stopped."
            hint = (
                "Delete what is no longer needed, or raise “Scratch space in MB” in the function's limits "
                "(how far: limits.max_scratch_mb)."
            )
            return failure(Status.FAILED, Reason.MEMORY, "ScratchLimit", message, hint)
        case "boot":
            return internal("The sandbox did not start in time. The service's log says more.")
        case "cancel" | "replaced" | "drain" | "gone":
            status, reason = _ORDERED[cause]
            return Outcome(status=status, reason=reason)


def out_of_memory(limits: Limits) -> Outcome:
    """How a run ends that needed too much memory."""
    message = f"It needed more than its memory limit of {limits.memory_mb} MB and was stopped."
    hint = f"Let it hold less at a time, or {RAISE_MEMORY}."
    return failure(Status.FAILED, Reason.MEMORY, "OutOfMemory", message, hint)


def failure(status: Status, reason: Reason, kind: str, message: str, hint: str | None = None) -> Outcome:
    """How a run ends in words of ours."""
    return Outcome(status=status, reason=reason, error=ErrorDetail(type=kind, message=message, hint=hint))


def internal(message: str) -> Outcome:
    """A failure of ours, said to the user."""
    return failure(Status.FAILED, Reason.INTERNAL, "SandboxError", message)
