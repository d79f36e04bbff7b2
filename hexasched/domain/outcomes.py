"""How a run can end: statuses, reasons, and the Outcome that the sandbox hands back."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Where a run is. The values from SUCCEEDED on are final: such a run never changes again."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    LOST = "lost"
    SKIPPED = "skipped"
    MISSED = "missed"


class Reason(StrEnum):
    """Why a run ended as it did; one word, the same in the table, the pages, the terminal."""

    OK = "ok"
    ERROR = "error"
    EXIT = "exit"
    SIGNAL = "signal"
    MEMORY = "memory"
    LOAD = "load"
    UNSETTLED = "unsettled"
    RESULT = "result"
    ENV_MISSING = "env_missing"
    DENIED = "denied"
    INTERNAL = "internal"
    TIME = "time"
    CPU = "cpu"
    USER = "user"
    REPLACED = "replaced"
    WORKER_GONE = "worker_gone"
    DRAIN = "drain"
    OVERLAP = "overlap"
    QUEUE_FULL = "queue_full"
    PAUSED = "paused"
    BLACKOUT = "blackout"
    CATCH_UP = "catch_up"
    DISABLED = "disabled"
    SERVER_DOWN = "server_down"
    DEADLINE = "deadline"


REASONS: dict[Status, tuple[Reason, ...]] = {
    Status.SUCCEEDED: (Reason.OK,),
    Status.FAILED: (
        Reason.ERROR,
        Reason.EXIT,
        Reason.SIGNAL,
        Reason.MEMORY,
        Reason.LOAD,
        Reason.UNSETTLED,
        Reason.RESULT,
        Reason.ENV_MISSING,
        Reason.DENIED,
        Reason.INTERNAL,
    ),
    Status.TIMED_OUT: (Reason.TIME, Reason.CPU),
    Status.CANCELLED: (Reason.USER, Reason.REPLACED),
    Status.LOST: (Reason.WORKER_GONE, Reason.DRAIN),
    Status.SKIPPED: (
        Reason.OVERLAP,
        Reason.QUEUE_FULL,
        Reason.PAUSED,
        Reason.BLACKOUT,
        Reason.CATCH_UP,
        Reason.DISABLED,
    ),
    Status.MISSED: (Reason.SERVER_DOWN, Reason.DEADLINE),
}
"""The reasons that each final status may have; the table `runs` has the same as a CHECK."""

FINAL = frozenset(REASONS)
ACTIVE = frozenset({Status.QUEUED, Status.RUNNING})
ALERTING = frozenset({Status.FAILED, Status.TIMED_OUT, Status.LOST, Status.MISSED})
"""The final statuses that a person is told about."""


@dataclass(frozen=True, kw_only=True)
class ErrorDetail:
    """What went wrong in the user's code, as text that is never trusted.

    `file` is relative to the function's folder; `line` and `column` count from 1.
    """

    type: str
    message: str
    stack: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None
    source_line: str | None = None
    code: str | None = None
    hint: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the sandbox saw of one run (or one stage of a build).

    `result` is JSON text. `env_missing` are the variables that the function's own code read although they
    are not set and has no fallback for; `env_read` all that it read. Not `retryable` is an error
    that says of itself that another attempt would end the same.
    """

    status: Status
    reason: Reason
    result: str | None = None
    error: ErrorDetail | None = None
    warnings: tuple[str, ...] = ()
    exit_code: int | None = None
    signal: int | None = None
    duration_ms: int = 0
    cpu_ms: int = 0
    peak_memory_bytes: int = 0
    env_read: tuple[str, ...] = ()
    env_missing: tuple[str, ...] = ()
    log_bytes: int = 0
    log_dropped_bytes: int = 0
    retryable: bool = True

    @property
    def ok(self) -> bool:
        """Whether the code did what it should."""
        return self.status is Status.SUCCEEDED
