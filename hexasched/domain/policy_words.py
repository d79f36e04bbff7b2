"""What a CronJob's policies mean, in sentences; the same on pages and in the terminal."""

from datetime import timedelta

from hexasched.domain.cron_words import listed
from hexasched.domain.outcomes import Reason
from hexasched.domain.policies import Policy
from hexasched.domain.wall_times import length_words, wall_text

WHEN: dict[str, str] = {
    Reason.ERROR: "the code throws an error",
    Reason.EXIT: "the process ends itself",
    Reason.SIGNAL: "the process is killed by a signal",
    Reason.MEMORY: "it runs out of memory",
    Reason.UNSETTLED: "the handler never finishes",
    Reason.TIME: "it takes longer than its timeout",
    Reason.CPU: "it uses too much processor time",
    Reason.WORKER_GONE: "its worker stops answering",
}
"""The reasons after which another attempt may follow, as ends of "It is tried again when …"."""

DEFAULTS = (
    "While a run is going, the next one is skipped. After a downtime the last run that was missed is made up for. "
    "A run that fails is not tried again."
)


def sentences(policy: Policy, zone: str, cron_job_id: int | None = None) -> list[str]:
    """What differs from the default, a sentence for each; moments are wall times of `zone`."""
    overlaps, catch_up = _OVERLAPS[policy.concurrency_policy], _CATCH_UP[policy.catch_up]
    if policy.queue_limit:
        overlaps = f"While a run is going, up to {policy.queue_limit} more wait for their turn; others are skipped."
    deadline = policy.starting_deadline_s
    return [
        *filter(None, [overlaps, catch_up]),
        *([f"A run that has not begun {_seconds(deadline)} after its moment is missed."] if deadline else []),
        *_retries(policy),
        *filter(None, [spread_sentence(policy, cron_job_id)]),
        *([f"It starts at {wall_text(policy.starts_at, zone)}."] if policy.starts_at else []),
        *([f"It ends at {wall_text(policy.ends_at, zone)}."] if policy.ends_at else []),
        *_kept("successful", policy.successful_history_limit),
        *_kept("failed", policy.failed_history_limit),
    ]


_OVERLAPS = {
    "Forbid": "",
    "Allow": "Runs may overlap.",
    "Replace": "A new run takes the place of the one before it, which is stopped.",
}
_CATCH_UP = {
    "last": "",
    "skip": "Runs that were missed while the server was down are not made up for.",
    "all": "All runs that were missed while the server was down are made up for, at most 100 of the last 24 hours.",
}


def spread_sentence(policy: Policy, cron_job_id: int | None) -> str:
    """How much later than their moments runs start; before the CronJob has its id only the most is known."""
    if not policy.spread_s:
        return ""
    if cron_job_id is None:
        return f"Each run starts up to {policy.spread_s} s later, always by the same time."
    delay = policy.delay_of(cron_job_id).total_seconds()
    return f"Runs start up to {policy.spread_s} s later; those of this CronJob +{delay:.0f} s."


def _retries(policy: Policy) -> list[str]:
    if policy.max_attempts == 1:
        return []
    first, longest = _seconds(policy.retry_delay_s), _seconds(policy.retry_max_delay_s)
    waits = f"after {first}" if first == longest else f"after {first}, then later each time, up to {longest}"
    found = [f"A run that fails is tried up to {policy.max_attempts} times: {waits}."]
    if policy.retry_on != Policy().retry_on:
        found.append(f"It is tried again only when {listed([WHEN[reason] for reason in policy.retry_on], 'or')}.")
    return found


def _kept(which: str, limit: int | None) -> list[str]:
    return [] if limit is None else [f"Of its {which} runs the last {limit} are kept."]


def _seconds(count: int) -> str:
    return length_words(timedelta(seconds=count))
