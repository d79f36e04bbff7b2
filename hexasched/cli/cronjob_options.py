"""The options that make up a CronJob, checked as the dashboard checks its form."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import click

from hexasched.domain.cron_job_inputs import Typed, check
from hexasched.domain.policies import CATCH_UP, CONCURRENCY, RETRYABLE
from hexasched.domain.policy_inputs import COUNTS, POLICY_FIELDS, TYPED, policy_texts
from hexasched.domain.zones import shown_zone
from hexasched.errors import InvalidInputError
from hexasched.store import functions
from hexasched.store.cron_jobs import CronJob, CronJobFields
from hexasched.store.database import Connection

Command = TypeVar("Command", bound=Callable[..., Any])

_HELP = {
    "concurrency_policy": f"{', '.join(CONCURRENCY)}: what happens while a run is still going.",
    "catch_up": f"{', '.join(CATCH_UP)}: what is made up for after a downtime.",
    "queue_limit": "Runs that may wait, with Forbid.",
    "starting_deadline_s": "A run that has not begun so long after its moment is missed.",
    "max_attempts": "How often a run is tried in all.",
    "retry_delay_s": "The wait before the second attempt; then twice as long each time.",
    "retry_max_delay_s": "The longest wait between attempts.",
    "spread_s": "Start each run later, by its own constant part of this.",
    "starts_at": "No run before it; YYYY-MM-DD HH:MM in the CronJob's zone.",
    "ends_at": "No run after it.",
    "successful_history_limit": "How many successful runs are kept.",
    "failed_history_limit": "How many failed runs are kept.",
}


def option_name(field: str) -> str:
    """`--starting-deadline` for "starting_deadline_s"."""
    return f"--{field.removesuffix('_s').replace('_', '-')}"


def policy_options(command: Command, names: tuple[str, ...] = TYPED) -> Command:
    """Give a command an option for each of the policies; its value is text, None if it was not given."""
    for name in reversed(names):
        unit, low, high = COUNTS.get(name, ("", 0, 0))
        bounds = f" {low} to {high} {unit}." if unit else ""
        command = click.option(option_name(name), name, metavar="TEXT" if not unit else "N", help=_HELP[name] + bounds)(
            command
        )
    return command


def cron_job_options(command: Command) -> Command:
    """The options of `create` and `edit`."""
    for decorate in (
        click.option("--retry-on", metavar="REASONS", help=f"With commas between them: {','.join(RETRYABLE)}."),
        policy_options,
        click.option("--event", metavar="JSON", help="The event's payload."),
        click.option("--timezone", help="Default: the workspace's."),
    ):
        command = decorate(command)
    return command


def typed_of(job: CronJob, new_zone: str | None) -> Typed:
    """A CronJob that exists, as its options would say it. One whose zone is gone keeps its moments in `new_zone`."""
    zone = shown_zone(new_zone or job.timezone) if job.zone_trouble else job.timezone
    return Typed(
        function=job.function_name,
        expression=job.expression,
        timezone=job.timezone,
        name=job.name,
        event=job.event,
        policy=policy_texts(job, zone),
        retry_on=job.retry_on,
    )


def with_options(given: Typed, options: dict[str, Any]) -> Typed:
    """`given` with those of the options that were named."""
    named = {name: value for name, value in options.items() if value is not None}
    policy = {name: named.pop(name, text) for name, text in given.policy.items()}
    if "retry_on" in named:
        named["retry_on"] = tuple(word.strip() for word in named["retry_on"].split(",") if word.strip())
    return replace(given, policy=policy, **named)


def fields_of(
    connection: Connection, workspace_id: int, given: Typed, now: datetime, current: CronJob | None = None
) -> CronJobFields:
    """The fields to store, of a new CronJob or of `current`. Raises InvalidInputError with a line for each mistake."""
    kept = (current.expression, current.timezone) if current else None
    target = functions.by_name(connection, workspace_id, given.function)
    checked = check(given, {target.name: target.live_version_id is not None} if target else {}, now, 1, kept)
    if checked.values is None or target is None:
        raise InvalidInputError({_place(field): text.replace("`", "") for field, text in checked.errors.items()})
    return CronJobFields(function_id=target.id, **checked.values)


def _place(field: str) -> str:
    return {"expression": "schedule"}.get(field, option_name(field) if field in POLICY_FIELDS else field)
