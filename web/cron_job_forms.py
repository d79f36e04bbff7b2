"""The form of a CronJob: what was typed, and the words and choices that it offers."""

from collections.abc import Sequence
from dataclasses import replace

from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from hexasched.domain.cron_job_inputs import Typed
from hexasched.domain.policies import RETRYABLE
from hexasched.domain.policy_inputs import COUNTS, TYPED, policy_texts
from hexasched.domain.policy_words import WHEN
from hexasched.store.cron_jobs import CronJob
from hexasched.store.functions import Function
from web.show import with_code

SHOWN_MOMENTS = 6
PRESETS = (
    ("Every 5 minutes", "*/5 * * * *"),
    ("Hourly", "0 * * * *"),
    ("Daily 09:00", "0 9 * * *"),
    ("Weekdays 09:00", "0 9 * * 1-5"),
    ("Mondays 09:00", "0 9 * * 1"),
    ("1st of the month", "0 9 1 * *"),
    ("Every 90 minutes", "every 90 minutes"),
    ("Every 2 days", "every 2 days"),
)
CHOICES = {
    "concurrency_policy": (
        ("Forbid", "Forbid: skip a run while the one before it is still going"),
        ("Allow", "Allow: runs may overlap"),
        ("Replace", "Replace: stop the run that is still going, and start the new one"),
    ),
    "catch_up": (
        ("last", "Run the last one that was missed, within 24 hours"),
        ("skip", "Skip what was missed"),
        ("all", "Run all that were missed within 24 hours, at most 100"),
    ),
}
REASONS = tuple((reason.value, WHEN[reason][:1].upper() + WHEN[reason][1:]) for reason in RETRYABLE)
BOUNDS = {name: f"{low} to {high:,}" for name, (_, low, high) in COUNTS.items()}
"""What may be written into each of the policies that are numbers."""


def typed(form: MultiDict[str, str]) -> Typed:
    """The form as it was sent; a suggestion or preset that was pressed takes the place of what it replaces."""
    blank = Typed()
    texts = ("function", "expression", "timezone", "name", "event", "revision")
    values = {name: form.get(name, getattr(blank, name)) for name in texts}
    for name in ("expression", "timezone"):
        values[name] = form.get(f"use_{name}", values[name]).strip()
    values["name"] = values["name"].strip()
    policy = {name: form.get(name, blank.policy[name]) for name in TYPED}
    # A form whose boxes are all empty still sends the hidden one before them.
    ticked = tuple(filter(None, form.getlist("retry_on"))) if "retry_on" in form else blank.retry_on
    return replace(blank, policy=policy, retry_on=ticked, **values)


def wants_no_saving(form: MultiDict[str, str]) -> bool:
    """Whether a button was pressed that only changes or checks the form."""
    return any(name in form for name in ("use_expression", "use_timezone", "look"))


def typed_of(job: CronJob, event: str) -> Typed:
    """The form of a CronJob that exists; `event` is its payload as it is to be shown."""
    return Typed(
        function=job.function_name,
        expression=job.expression,
        timezone=job.timezone,
        name=job.name,
        event=event,
        policy=policy_texts(job, job.shown_zone),
        retry_on=job.retry_on,
        revision=str(job.revision),
    )


def shown_errors(errors: dict[str, str]) -> dict[str, Markup]:
    """The messages for a page."""
    return {field: with_code(message) for field, message in errors.items()}


def can_run(functions: Sequence[Function]) -> dict[str, bool]:
    """Which functions there are, and whether they have a version that works."""
    return {function.name: function.live_version_id is not None for function in functions}


def has_policies(given: Typed) -> bool:
    """Whether anything in the folded part of the form is not its default."""
    blank = Typed()
    return given.policy != blank.policy or given.retry_on != blank.retry_on


def free_name(wanted: str, taken: set[str]) -> str:
    """`wanted`, or with a number behind it if there is a CronJob of that name."""
    names = (wanted if number == 1 else f"{wanted[:60]}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)
