"""`hexasched cronjob …`: create and edit them, and ask what an expression means."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from hexasched import doorbell
from hexasched.cli.cronjob_options import cron_job_options, fields_of, policy_options, typed_of, with_options
from hexasched.cli.instance import Instance, open_instance
from hexasched.domain.cron_fields import Mistake
from hexasched.domain.cron_job_inputs import Typed
from hexasched.domain.policy_inputs import read_policy
from hexasched.domain.policy_words import spread_sentence
from hexasched.domain.schedules import Preview, preview
from hexasched.domain.zones import load_zone, shown_zone
from hexasched.doorbell import SCHEDULE
from hexasched.errors import GoneZoneError, HexaSchedError, InvalidInputError
from hexasched.store import cron_job_changes, cron_jobs
from hexasched.store.cron_jobs import CronJob
from hexasched.store.database import Connection


@click.group()
def cronjob() -> None:
    """CronJobs: create, edit, preview, pause, resume, why."""


@cronjob.command()
@click.argument("name")
@click.option("--function", required=True)
@click.option("--schedule", "expression", required=True, metavar="EXPR", help='For example "0 9 * * *".')
@cron_job_options
@click.pass_obj
def create(config_file: Path | None, /, **options: Any) -> None:
    """Run a function on a schedule."""
    instance = open_instance(config_file)
    now = datetime.now(UTC)
    with instance.database.writing() as connection:
        workspace = instance.workspace(connection)
        given = with_options(Typed(timezone=workspace.timezone), options)
        made = cron_job_changes.create(connection, workspace.id, fields_of(connection, workspace.id, given, now), now)
    _tell(instance, "created", made, given.name)


@cronjob.command()
@click.argument("cron_job_name", metavar="NAME")
@click.option("--name", help="A new name.")
@click.option("--function")
@click.option("--schedule", "expression", metavar="EXPR", help='For example "0 9 * * *".')
@cron_job_options
@click.pass_obj
def edit(config_file: Path | None, /, cron_job_name: str, **options: Any) -> None:
    """Change NAME from now on; what is not named stays. An empty text takes a policy back to its default."""
    instance = open_instance(config_file)
    now = datetime.now(UTC)
    with instance.database.writing() as connection:
        current = named(instance, connection, cron_job_name)
        given = with_options(typed_of(current, options["timezone"]), options)
        wanted = fields_of(connection, current.workspace_id, given, now, current)
        saved = cron_job_changes.save(connection, current, wanted, now)
    _tell(instance, "saved", saved, given.name)


def named(instance: Instance, connection: Connection, name: str) -> CronJob:
    """The CronJob called `name`. Raises HexaSchedError if there is none."""
    job = cron_jobs.by_name(connection, instance.workspace(connection).id, name)
    if job is None:
        raise HexaSchedError(f"There is no CronJob {name[:63]!r}.")
    return job


def with_zone(job: CronJob) -> CronJob:
    """The same CronJob. Raises GoneZoneError where its times mean nothing any more."""
    if job.zone_trouble:
        raise GoneZoneError(
            f"{job.zone_trouble} Choose another zone with hexasched cronjob edit {job.name} --timezone ZONE."
        )
    return job


def next_execution(job: CronJob) -> str:
    """When it runs next, as a sentence."""
    if job.suspended:
        return "It is paused."
    if job.next_run_at is None:
        return "It has no further execution."
    return f"Next execution: {job.next_run_at.astimezone(load_zone(job.timezone)):%a %d %b %Y, %H:%M} {job.timezone}"


def _tell(instance: Instance, done: str, job: CronJob | None, name: str) -> None:
    if job is None:
        raise InvalidInputError({"name": f"There is a CronJob {name!r} already."})
    doorbell.ring(instance.config.data_dir, SCHEDULE)
    click.echo(f"CronJob {done}. {next_execution(job)}")


@cronjob.command("preview")
@click.argument("expression")
@click.option("--timezone", default="UTC", show_default=True)
@click.option("--after", default="", metavar="TIME", help="ISO 8601 with an offset. Default: now.")
@click.option("--count", type=click.IntRange(1, 1000), default=6, show_default=True)
@lambda command: policy_options(command, ("starts_at", "ends_at", "spread_s"))
@click.option("--json", "as_json", is_flag=True)
def show_preview(expression: str, timezone: str, after: str, count: int, as_json: bool, **policy: str | None) -> None:
    """What EXPRESSION means: the next runs, or every mistake in it (then the exit status is 2)."""
    bounds, wrong = read_policy({name: text or "" for name, text in policy.items()}, (), shown_zone(timezone))
    if wrong:
        raise InvalidInputError(wrong)
    found = preview(expression, timezone, _moment(after), count, bounds)
    if not isinstance(found, Preview):
        shown = json.dumps([asdict(m) for m in found], indent=2)
        click.echo(shown if as_json else "\n".join(_line(m) for m in found), err=not as_json)
        sys.exit(2)
    moments = [moment.astimezone(load_zone(timezone)) for moment in found.next]
    spread = spread_sentence(bounds, None)
    if as_json:
        facts = {"expression": found.canonical, "sentence": found.sentence, "notes": list(found.notes)}
        next_runs = [moment.isoformat() for moment in moments]
        click.echo(json.dumps(facts | {"next": next_runs, "spread_s": bounds.spread_s}, indent=2))
        return
    click.echo(found.sentence)
    for moment in moments:
        click.echo(f"  {moment:%a %d %b %Y %H:%M:%S %z} {timezone}")
    for note in (*found.notes, *filter(None, [spread])):
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
