"""`hexasched cronjob pause` and `resume`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from hexasched import doorbell
from hexasched.cli.cronjob import named, next_execution, with_zone
from hexasched.cli.instance import open_instance
from hexasched.domain.periods import read_pause
from hexasched.domain.wall_times import wall_text
from hexasched.doorbell import SCHEDULE
from hexasched.errors import HexaSchedError, InvalidInputError
from hexasched.store import cron_job_pauses


@click.command()
@click.argument("name")
@click.option("--reason", default="", help="Shown on its page.")
@click.option("--until", default="", metavar="TIME", help="YYYY-MM-DD HH:MM in its zone. Default: until it is resumed.")
@click.pass_obj
def pause(config_file: Path | None, /, name: str, reason: str, until: str) -> None:
    """Stop the future runs of NAME; running ones go on. A pause that holds gets this reason and this end."""
    instance = open_instance(config_file)
    now = datetime.now(UTC)
    with instance.database.writing() as connection:
        job = named(instance, connection, name)
        if until:
            with_zone(job)
        wanted = read_pause(reason, until, job.timezone, now)
        if isinstance(wanted, dict):
            raise InvalidInputError({f"--{field}": text.replace("`", "") for field, text in wanted.items()})
        cron_job_pauses.suspend(connection, job, wanted.reason, now, wanted.until)
    doorbell.ring(instance.config.data_dir, SCHEDULE)
    end = f"{wall_text(wanted.until, job.timezone)} {job.timezone}" if wanted.until else "it is resumed"
    click.echo(f"{name} is paused until {end}.")


@click.command()
@click.argument("name")
@click.pass_obj
def resume(config_file: Path | None, /, name: str) -> None:
    """Run NAME again from its next moment on."""
    instance = open_instance(config_file)
    with instance.database.writing() as connection:
        job = named(instance, connection, name)
        if not job.suspended:
            raise HexaSchedError(f"{name} is not paused.")
        resumed = cron_job_pauses.resume(connection, with_zone(job), datetime.now(UTC))
    doorbell.ring(instance.config.data_dir, SCHEDULE)
    assert resumed is not None
    click.echo(f"{name} is active. {next_execution(resumed)}")
