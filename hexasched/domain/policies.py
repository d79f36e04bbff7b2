"""What a CronJob does beyond its schedule: overlaps, delays, retries, bounds; the words are Kubernetes'."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from hexasched.domain.outcomes import Reason, Status

CONCURRENCY = ("Allow", "Forbid", "Replace")
CATCH_UP = ("skip", "last", "all")

RETRYABLE = (
    Reason.ERROR,
    Reason.EXIT,
    Reason.SIGNAL,
    Reason.MEMORY,
    Reason.UNSETTLED,
    Reason.TIME,
    Reason.CPU,
    Reason.WORKER_GONE,
)
"""The reasons after which another attempt may end otherwise. Code that can't be loaded fails again; our own failure
is looked at by a person."""

MAX_QUEUE = 100
MAX_DEADLINE_S = 7 * 86400
MAX_RETRY_S = 86400
MAX_SPREAD_S = 3600
MAX_HISTORY = 10_000


@dataclass(frozen=True, kw_only=True)
class Policy:
    """All of it, each with its default; seconds and counts.

    `queue_limit` is how many runs may wait, for Forbid, behind the one that is going; 0 skips them.
    A run that has not begun `starting_deadline_s` after its moment is missed. `spread_s` delays each CronJob by its own
    constant part of it. `retry_on` are Reasons. History limits are None for the instance's own.
    """

    concurrency_policy: str = "Forbid"
    queue_limit: int = 0
    catch_up: str = "last"
    starting_deadline_s: int | None = None
    max_attempts: int = 1
    retry_delay_s: int = 10
    retry_max_delay_s: int = 3600
    retry_on: tuple[str, ...] = tuple(reason.value for reason in RETRYABLE)
    spread_s: int = 0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    successful_history_limit: int | None = None
    failed_history_limit: int | None = None

    def delay_of(self, cron_job_id: int) -> timedelta:
        """The constant delay of a CronJob: the same each time, spread evenly over all CronJobs."""
        return timedelta(seconds=_share(f"spread {cron_job_id}") * self.spread_s)

    def may_retry(self, status: Status, reason: Reason) -> bool:
        """Whether another attempt may follow one that ended so."""
        return status in {Status.FAILED, Status.TIMED_OUT, Status.LOST} and reason.value in self.retry_on

    def retry_delay(self, run_id: int, attempt: int) -> timedelta:
        """The wait before the attempt after `attempt` (counted from 1): doubled each time up to the most.

        From half of that to all of it, by the run's number: runs that failed together don't come back together.
        """
        full = min(self.retry_delay_s * 2 ** (attempt - 1), self.retry_max_delay_s)
        return timedelta(seconds=full * (1 + _share(f"retry {run_id} {attempt}")) / 2)


def _share(text: str) -> float:
    """A number from 0 to 1 that is the same for the same text, everywhere."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48
