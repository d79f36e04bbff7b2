"""The form of a CronJob: what was typed, what is wrong with it, and the fields that are stored."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hexasched.domain.cron_fields import Mistake
from hexasched.domain.functions import check_name
from hexasched.domain.inputs import read_event
from hexasched.domain.limits import MAX_ATTEMPTS
from hexasched.domain.schedules import Preview, preview
from hexasched.store.cron_jobs import CronJob, CronJobFields
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
)
CONCURRENCY = (
    ("Forbid", "Forbid: skip a run while the one before it is still going"),
    ("Allow", "Allow: runs may overlap"),
)
CATCH_UP = (
    ("last", "Run the last one that was missed, within 24 hours"),
    ("skip", "Skip what was missed"),
)
ORDER = ("function", "expression", "timezone", "name", "event", "concurrency_policy", "catch_up", "max_attempts")


@dataclass(frozen=True, kw_only=True)
class Typed:
    """The fields as a person left them; `function` is its name."""

    function: str = ""
    expression: str = ""
    timezone: str = ""
    name: str = ""
    event: str = "{}"
    concurrency_policy: str = "Forbid"
    catch_up: str = "last"
    max_attempts: str = "1"
    revision: str = ""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What the typed fields mean; `fields` is None if anything is wrong, and `errors` says at which field."""

    errors: dict[str, str]
    found: Preview | tuple[Mistake, ...]
    fields: CronJobFields | None


def typed(form: Mapping[str, str]) -> Typed:
    """The form as it was sent; a suggestion or preset that was pressed takes the place of what it replaces."""
    values = {name: form.get(name, getattr(Typed(), name)) for name in Typed.__dataclass_fields__}
    for name in ("expression", "timezone"):
        values[name] = form.get(f"use_{name}", values[name]).strip()
    values["name"] = values["name"].strip()
    return Typed(**values)


def wants_no_saving(form: Mapping[str, str]) -> bool:
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
        concurrency_policy=job.concurrency_policy,
        catch_up=job.catch_up,
        max_attempts=str(job.max_attempts),
        revision=str(job.revision),
    )


def check(given: Typed, functions: Sequence[Function], now: datetime) -> Checked:
    """Check every field; a name that was left empty is the function's."""
    function = next((function for function in functions if function.name == given.function), None)
    found = preview(given.expression, given.timezone, now, SHOWN_MOMENTS)
    event, wrong_event = read_event(given.event)
    name = given.name or given.function
    wrong = {
        "function": _check_function(given.function, function),
        "name": check_name(name) if function or given.name else None,
        "event": wrong_event,
        "concurrency_policy": _one_of(given.concurrency_policy, CONCURRENCY),
        "catch_up": _one_of(given.catch_up, CATCH_UP),
        "max_attempts": _check_attempts(given.max_attempts),
        **(_schedule_errors(given, found) if not isinstance(found, Preview) else {}),
    }
    errors = {field: wrong[field] or "" for field in ORDER if wrong.get(field)}
    if errors or function is None or not isinstance(found, Preview):
        return Checked(errors=errors, found=found, fields=None)
    fields = CronJobFields(
        function_id=function.id,
        name=name,
        expression=found.canonical,
        timezone=given.timezone,
        event=event,
        concurrency_policy=given.concurrency_policy,
        catch_up=given.catch_up,
        max_attempts=int(given.max_attempts),
    )
    return Checked(errors={}, found=found, fields=fields)


def _schedule_errors(given: Typed, mistakes: tuple[Mistake, ...]) -> dict[str, str]:
    zone = [mistake.reason for mistake in mistakes if mistake.field == "timezone"]
    schedule = [mistake.reason for mistake in mistakes if mistake.field != "timezone"]
    if not given.expression:
        schedule = ["Write a schedule, for example 0 9 * * * for every day at 09:00, or choose one of the buttons."]
    return {"expression": with_code(" ".join(schedule)), "timezone": with_code(" ".join(zone))}


def _check_function(name: str, function: Function | None) -> str | None:
    if not name:
        return "Choose the function that is to run."
    if function is None:
        return f"There is no function {name[:63]}."
    if function.live_version_id is None:
        return f"{name} has no version that was deployed successfully. Deploy it first."
    return None


def _one_of(value: str, choices: Sequence[tuple[str, str]]) -> str | None:
    return None if value in [word for word, _ in choices] else "Choose one of the list."


def _check_attempts(text: str) -> str | None:
    if re.fullmatch(r"[0-9]{1,2}", text.strip(), re.ASCII) and 1 <= int(text) <= MAX_ATTEMPTS:
        return None
    return f"Write a whole number from 1 to {MAX_ATTEMPTS}; you wrote “{text[:20]}”."


def free_name(wanted: str, taken: set[str]) -> str:
    """`wanted`, or with a number behind it if there is a CronJob of that name."""
    names = (wanted if number == 1 else f"{wanted[:60]}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)
