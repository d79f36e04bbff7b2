"""The policies of a CronJob as texts that a person typed: read and checked once for form and command line."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hexasched.domain.inputs import read_count
from hexasched.domain.limits import MAX_ATTEMPTS
from hexasched.domain.policies import (
    CATCH_UP,
    CONCURRENCY,
    MAX_DEADLINE_S,
    MAX_HISTORY,
    MAX_QUEUE,
    MAX_RETRY_S,
    MAX_SPREAD_S,
    RETRYABLE,
    Policy,
)
from hexasched.domain.wall_times import read_instant, wall_text

CHOICES = {"concurrency_policy": CONCURRENCY, "catch_up": CATCH_UP}
COUNTS = {
    "queue_limit": ("runs", 0, MAX_QUEUE),
    "starting_deadline_s": ("seconds", 1, MAX_DEADLINE_S),
    "max_attempts": ("attempts", 1, MAX_ATTEMPTS),
    "retry_delay_s": ("seconds", 0, MAX_RETRY_S),
    "retry_max_delay_s": ("seconds", 0, MAX_RETRY_S),
    "spread_s": ("seconds", 0, MAX_SPREAD_S),
    "successful_history_limit": ("runs", 1, MAX_HISTORY),
    "failed_history_limit": ("runs", 1, MAX_HISTORY),
}
"""The policies that are numbers: what they count, the least, the most."""

MOMENTS = ("starts_at", "ends_at")
TYPED = (*CHOICES, *COUNTS, *MOMENTS)
POLICY_FIELDS = (*TYPED, "retry_on")
"""The policies that are one text each, and all of them: retry_on is a list of words."""


def policy_texts(policy: Policy, zone: str) -> dict[str, str]:
    """The texts that `read_policy` reads as this policy, moments as wall times of `zone`; no text for None."""
    plain = {name: getattr(policy, name) for name in (*CHOICES, *COUNTS)}
    moments = {name: wall_text(getattr(policy, name), zone) for name in MOMENTS}
    return {name: "" if value is None else str(value) for name, value in plain.items()} | moments


def read_policy(typed: Mapping[str, str], retry_on: Sequence[str], zone: str) -> tuple[Policy, dict[str, str]]:
    """The policy, and what is wrong with each text; one that is wrong, empty or left out counts as the default.

    `zone` must be valid: the moments are its wall times.
    """
    texts = {name: typed.get(name, "").strip() for name in TYPED}
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name, text in texts.items():
        if text:
            values[name], wrong[name] = _read(name, text, zone)
    values["retry_on"], wrong["retry_on"] = _read_reasons(retry_on)
    wrong = {name: message for name, message in wrong.items() if message}
    policy = Policy(**{name: value for name, value in values.items() if name not in wrong})
    return policy, wrong | {name: why for name, why in _contradictions(policy).items() if name not in wrong}


def _read(name: str, text: str, zone: str) -> tuple[str | int | datetime | None, str]:
    if name in CHOICES:
        return text, "" if text in CHOICES[name] else f"Choose one of {', '.join(CHOICES[name])}."
    if name in COUNTS:
        return read_count(text, *COUNTS[name])
    moment, mistake = read_instant(text, zone)
    return moment, mistake or ""


def _read_reasons(words: Sequence[str]) -> tuple[tuple[str, ...], str]:
    unknown = sorted({word for word in words if word not in set(RETRYABLE)})
    if unknown:
        return (), f"“{unknown[0][:40]}” is no reason to try again. Choose from {', '.join(RETRYABLE)}."
    return tuple(reason.value for reason in RETRYABLE if reason in words), ""


def _contradictions(policy: Policy) -> dict[str, str]:
    """What can't hold together, each at the field that is to be changed."""
    found: dict[str, str] = {}
    if policy.queue_limit and policy.concurrency_policy != "Forbid":
        found["queue_limit"] = f"Runs wait only with the policy Forbid; with {policy.concurrency_policy} write 0."
    if policy.retry_max_delay_s < policy.retry_delay_s:
        found["retry_max_delay_s"] = f"It can't be shorter than the first wait, {policy.retry_delay_s} seconds."
    if policy.max_attempts > 1 and not policy.retry_on:
        found["retry_on"] = "Choose at least one reason, or set the attempts to 1."
    if policy.starting_deadline_s is not None and policy.starting_deadline_s <= policy.spread_s:
        found["starting_deadline_s"] = (
            f"It must be longer than the spread of {policy.spread_s} seconds: else runs are missed that only waited."
        )
    if policy.starts_at and policy.ends_at and policy.ends_at < policy.starts_at:
        found["ends_at"] = "It ends before it starts. Write a later time."
    return found
