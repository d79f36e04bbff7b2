"""`hexasched cronjob …`: create one, and ask what an expression means."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from hexasched import doorbell
from hexasched.cli.instance import open_instance
from hexasched.domain.cron_fields import Mistake
from hexasched.domain.functions import check_name
from hexasched.domain.inputs import read_event
from hexasched.domain.schedules import Preview, preview
from hexasched.domain.zones import load_zone
from hexasched.doorbell import SCHEDULE
from hexasched.errors import HexaSchedError, InvalidInputError
from hexasched.store import cron_jobs, functions
from hexasched.store.cron_jobs import CronJobFields


@click.group()
def cronjob() -> None:
    """CronJobs: create, preview."""


@cronjob.command()
@click.argument("name")
@click.option("--function", "function_name", required=True)
@click.option("--schedule", "expression", required=True, metavar="EXPR", help='For example "0 9 * * *".')
@click.option("--timezone", default="", help="Default: the workspace's.")
@click.option("--event", default="{}", metavar="JSON", help="The event's payload.")
@click.option("--concurrency-policy", type=click.Choice(["Forbid", "Allow"]), default="Forbid", show_default=True)
@click.option("--catch-up", type=click.Choice(["last", "skip"]), default="last", show_default=True)
@click.option("--max-attempts", type=click.IntRange(1, 20), default=1, show_default=True)
@click.pass_obj
def create(config_file: Path | None, /, name: str, function_name: str, expression: str, **options: Any) -> None:
    """Run FUNCTION on a schedule."""
    instance = open_instance(config_file)
    now = datetime.now(UTC)
    event, wrong_event = read_event(options.pop("event"))
    with instance.database.writing() as connection:
        workspace = instance.workspace(connection)
        zone = options.pop("timezone") or workspace.timezone
        found = preview(expression, zone, now, 1)
        target = functions.by_name(connection, workspace.id, function_name)
        _refuse(
            {
                "name": check_name(name),
                "event": wrong_event,
                "function": _check_function(function_name, target),
                "schedule": None if isinstance(found, Preview) else "\n".join(_line(m) for m in found),
            }
        )
        assert isinstance(found, Preview)
        assert target is not None
        wanted = CronJobFields(
            function_id=target.id, name=name, expression=found.canonical, timezone=zone, event=event, **options
        )
        made = cron_jobs.create(connection, workspace.id, wanted, now)
    if made is None:
        raise InvalidInputError({"name": f"There is a CronJob {name!r} already."})
    doorbell.ring(instance.config.data_dir, SCHEDULE)
    when = made.next_run_at.astimezone(load_zone(zone)) if made.next_run_at else None
    click.echo(f"CronJob created. Next execution: {when:%a %d %b %Y, %H:%M} {zone}" if when else "CronJob created.")


def _check_function(name: str, target: functions.Function | None) -> str | None:
    if target is None:
        return f"There is no function {name!r}."
    return None if target.live_version_id else f"{name} has no version that was deployed successfully."


def _refuse(found: dict[str, str | None]) -> None:
    wrong = {field: message for field, message in found.items() if message}
    if wrong:
        raise InvalidInputError(wrong)


@cronjob.command("preview")
@click.argument("expression")
@click.option("--timezone", default="UTC", show_default=True)
@click.option("--after", default="", metavar="TIME", help="ISO 8601 with an offset. Default: now.")
@click.option("--count", type=click.IntRange(1, 1000), default=6, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def show_preview(expression: str, timezone: str, after: str, count: int, as_json: bool) -> None:
    """What EXPRESSION means: the next runs, or every mistake in it (then the exit status is 2)."""
    found = preview(expression, timezone, _moment(after), count)
    if not isinstance(found, Preview):
        shown = json.dumps([asdict(m) for m in found], indent=2)
        click.echo(shown if as_json else "\n".join(_line(m) for m in found), err=not as_json)
        sys.exit(2)
    moments = [moment.astimezone(load_zone(timezone)) for moment in found.next]
    if as_json:
        facts = {"expression": found.canonical, "sentence": found.sentence, "notes": list(found.notes)}
        click.echo(json.dumps(facts | {"next": [moment.isoformat() for moment in moments]}, indent=2))
        return
    click.echo(found.sentence)
    for moment in moments:
        click.echo(f"  {moment:%a %d %b %Y %H:%M:%S %z} {timezone}")
    for note in found.notes:
        click.echo(note)


def _line(mistake: Mistake) -> str:
    suggestion = f" Try: {mistake.suggestion}" if mistake.suggestion else ""
    return f"{mistake.field}: {mistake.reason}{suggestion}"


def _moment(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        moment: datetime | None = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 1970 <= moment.year <= 2200:
        raise HexaSchedError(
            f"--after must be a time with an offset, such as 2026-11-23T09:00:00+01:00; not {text[:80]!r}."
        )
    return moment.astimezone(UTC)
