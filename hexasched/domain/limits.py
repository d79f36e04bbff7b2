"""What one run may use, and the sizes that hold for everything a user hands in."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

KIB = 1024
MIB = 1024 * KIB

MAX_SOURCE_BYTES = MIB
MAX_EVENT_BYTES = 256 * KIB
MAX_RESULT_BYTES = 256 * KIB
MAX_JSON_DEPTH = 100
MAX_ENV_COUNT = 128
MAX_ENV_VALUE_BYTES = 32 * KIB
MAX_ENV_TOTAL_BYTES = 128 * KIB
MAX_EXPRESSION_CHARS = 256
MAX_ATTEMPTS = 20

LOG_HEAD_BYTES = MIB
LOG_TAIL_BYTES = 4 * MIB
LOG_LINE_BYTES = 16 * KIB

MIN_FREE_BYTES = 64 * MIB
"""What the data folder's disk must have free, else the service counts as broken."""

TERM_GRACE_S = 5.0
SETTLE_GRACE_S = 2.0

LEASE_S = 30.0
HEARTBEAT_S = 5.0
REAP_S = LEASE_S + 5.0
"""How long a heartbeat count must stand still until somebody else ends the work: see store/leases.py."""
DATABASE_WAIT_S = 9
"""The most that a statement waits for the database: three heartbeats in a row may do that within a lease."""
POLL_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one run; seconds, MiB and counts. With `reuse` one process does many runs, one after the other.

    With `preload` a process that waits for a run has loaded the module.
    """

    timeout_s: int = 60
    memory_mb: int = 256
    processes: int = 64
    open_files: int = 256
    scratch_mb: int = 64
    scratch_files: int = 5_000
    cpus: int = 1
    child_processes: bool = False
    offline: bool = False
    reuse: bool = False
    preload: bool = False

    @property
    def same_env(self) -> bool:
        """Whether a process is only for runs with the same variables: it has run code of the function before."""
        return self.reuse or self.preload

    def to_json(self) -> dict[str, Any]:
        """As stored with a version."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Limits as stored; a key that is missing has its default."""
        known = {field.name for field in fields(cls)}
        return replace(cls(), **{key: value for key, value in stored.items() if key in known})


FLOOR = Limits(timeout_s=1, memory_mb=96, processes=16, open_files=32, scratch_mb=1, scratch_files=100, cpus=1)
CEILING = Limits(
    timeout_s=900, memory_mb=2048, processes=256, open_files=1024, scratch_mb=1024, scratch_files=100_000, cpus=4
)
"""What a function may ask for unless the instance is configured otherwise."""

UNITS = {
    "timeout_s": "seconds",
    "memory_mb": "MB",
    "processes": "processes",
    "open_files": "files",
    "scratch_mb": "MB",
    "scratch_files": "files",
    "cpus": "processors",
}
"""The limits that are numbers, and what they count. The most of each is the setting limits.max_ and its name."""

SWITCHES = ("child_processes", "offline", "reuse", "preload")
"""The limits that are on or off; all are off by default."""
