"""`hexasched cronjob blackout`: named periods in which CronJobs do not start, made, listed and ended."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from hexasched.cli.cronjob import named
from hexasched.cli.instance import open_instance
from hexasched.domain.periods import read_blackout
from hexasched.domain.ticks import Blackout
from hexasched.domain.wall_times import wall_text
from hexasched.domain.zones import check_zone, shown_zone
from hexasched.errors import GoneZoneError, HexaSchedError, InvalidInputError
from hexasched.store import blackouts, cron_jobs


@click.group()
def blackout() -> None:
    """Blackouts: add, list, remove."""


@blackout.command()
@click.argument("name")
@click.option("--from", "begin", required=True, metavar="TIME", help="YYYY-MM-DD HH:MM in the workspace's zone.")
@click.option("--to", "end", required=True, metavar="TIME", help="What is due at this moment runs.")
@click.option("--cronjob", "cron_job", metavar="NAME", help="Default: it holds for all CronJobs.")
@click.pass_obj
def add(config_file: Path | None, /, name: str, begin: str, end: str, cron_job: str | None) -> None:
    """Start no CronJob, or not that one, between two times."""
    instance = open_instance(config_file)
    now = datetime.now(UTC)
    with instance.database.writing() as connection:
        workspace = instance.workspace(connection)
        if gone := check_zone(workspace.timezone):
            raise GoneZoneError(f"The workspace's time zone can't be used any more. {gone} Change it under Settings.")
        wanted = read_blackout({"name": name, "from": begin, "to": end}, workspace.timezone, now)
        if not isinstance(wanted, Blackout):
            raise InvalidInputError(
                {field if field == "name" else f"--{field}": text.replace("`", "") for field, text in wanted.items()}
            )
        job = named(instance, connection, cron_job) if cron_job else None
        made = blackouts.add(connection, workspace.id, wanted, job.id if job else None, now)
    click.echo(f"Blackout {made}: {_sentence(wanted, job.name if job else None, workspace.timezone)}")


@blackout.command("list")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def list_them(config_file: Path | None, /, as_json: bool) -> None:
    """Those that hold now or are to come."""
    instance = open_instance(config_file)
    with instance.database.reading() as connection:
        workspace = instance.workspace(connection)
        names = {job.id: job.name for job in cron_jobs.all_of(connection, workspace.id)}
        kept = blackouts.of_workspace(connection, workspace.id, datetime.now(UTC))
    shown = [(number, names.get(job or 0), one) for number, job, one in kept if job is None or job in names]
    if as_json:
        facts = [
            {"id": number, "name": one.name, "cron_job": job}
            | {"from": one.from_at.isoformat(), "to": one.to_at.isoformat()}
            for number, job, one in shown
        ]
        click.echo(json.dumps(facts, indent=2))
        return
    for number, job, one in shown:
        click.echo(f"{number:>5}  {_sentence(one, job, shown_zone(workspace.timezone))}")
    if not shown:
        click.echo("No blackouts: nothing holds the CronJobs back, now or later.")


@blackout.command()
@click.argument("number", type=click.IntRange(1), metavar="ID")
@click.pass_obj
def remove(config_file: Path | None, /, number: int) -> None:
    """End the blackout with this ID (see `list`); what fell into it stays as it is."""
    instance = open_instance(config_file)
    with instance.database.writing() as connection:
        workspace = instance.workspace(connection)
        if not blackouts.remove(connection, workspace.id, number, datetime.now(UTC)):
            raise HexaSchedError(f"There is no blackout {number}: hexasched cronjob blackout list has them.")
    click.echo(f"Blackout {number} is removed: from now on nothing falls into it.")


def _sentence(one: Blackout, cron_job: str | None, zone: str) -> str:
    who = cron_job or "all CronJobs"
    return f"{one.name}, {wall_text(one.from_at, zone)} to {wall_text(one.to_at, zone)} {zone}, for {who}"
