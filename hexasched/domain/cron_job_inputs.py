"""A CronJob as a person typed it: checked once for form and command line, with a message for each field."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from hexasched.domain.cron_fields import Mistake
from hexasched.domain.functions import check_name
from hexasched.domain.inputs import read_event
from hexasched.domain.policies import Policy
from hexasched.domain.policy_inputs import POLICY_FIELDS, policy_texts, read_policy
from hexasched.domain.schedules import Preview, preview
from hexasched.domain.zones import shown_zone

ORDER = ("function", "expression", "timezone", "name", "event", *POLICY_FIELDS)
"""The fields as the form has them."""


@dataclass(frozen=True, kw_only=True)
class Typed:
    """The fields as a person left them; `function` is its name, `policy` has a text for each of policy_inputs.TYPED.

    `revision` is that of the CronJob which the form was made from; empty for a new one.
    """

    function: str = ""
    expression: str = ""
    timezone: str = ""
    name: str = ""
    event: str = "{}"
    policy: Mapping[str, str] = field(default_factory=lambda: policy_texts(Policy(), "UTC"))
    retry_on: tuple[str, ...] = Policy().retry_on
    revision: str = ""

    @property
    def zone(self) -> str:
        """The zone that its times are read in: what was typed, or UTC while that is none."""
        return shown_zone(self.timezone)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What the typed fields mean: the fields to store but for the function, None if `errors` has anything."""

    errors: dict[str, str]
    found: Preview | tuple[Mistake, ...]
    values: dict[str, Any] | None


def check(
    given: Typed, functions: Mapping[str, bool], now: datetime, count: int, kept: tuple[str, str] | None = None
) -> Checked:
    """Check every field; a name that was left empty is the function's.

    `functions` tells by name which exist and whether they can run; the preview has `count` moments. `kept` are
    expression and zone of the CronJob that is changed. Messages may have pieces of code between backticks.
    """
    policy, wrong_policy = read_policy(given.policy, given.retry_on, given.zone)
    found = preview(given.expression, given.timezone, now, count, policy, kept)
    event, wrong_event = read_event(given.event)
    name = given.name or given.function
    wrong = wrong_policy | {
        "function": _check_function(given.function, functions),
        "name": check_name(name) if given.name or given.function in functions else None,
        "event": wrong_event,
        **({} if isinstance(found, Preview) else _schedule_errors(given, found)),
    }
    errors = {field: message for field in ORDER if (message := wrong.get(field))}
    if errors or not isinstance(found, Preview):
        return Checked(errors=errors, found=found, values=None)
    values = {"name": name, "expression": found.canonical, "timezone": given.timezone, "event": event}
    return Checked(errors={}, found=found, values=values | asdict(policy))


def _schedule_errors(given: Typed, mistakes: tuple[Mistake, ...]) -> dict[str, str]:
    zone = [mistake.reason for mistake in mistakes if mistake.field == "timezone"]
    schedule = [mistake.reason for mistake in mistakes if mistake.field != "timezone"]
    if not given.expression:
        schedule = ["Write a schedule, for example 0 9 * * * for every day at 09:00, or `every 15 minutes`."]
    return {"expression": " ".join(schedule), "timezone": " ".join(zone)}


def _check_function(name: str, functions: Mapping[str, bool]) -> str | None:
    if not name:
        return "Choose the function that is to run."
    if name not in functions:
        return f"There is no function {name[:63]}."
    if not functions[name]:
        return f"{name} has no version that was deployed successfully. Deploy it first."
    return None
