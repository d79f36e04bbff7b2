"""The commands that are processes of the service, and those that look after it."""

import sys
from pathlib import Path

import click

from hexasched import failpoints, logs
from hexasched.cli.instance import Instance, open_instance, prepare
from hexasched.errors import HexaSchedError
from hexasched.privileges import keep_nothing
from hexasched.store import accounts
from hexasched.supervisor.ports import refuse_taken_port
from hexasched.supervisor.ready import say_ready


@click.command()
@click.option(
    "--sample", is_flag=True, help="Plant the sample (a function, a CronJob, a mail catcher) if there is no account."
)
@click.option(
    "--unsafe-no-sandbox", is_flag=True, help="Run functions as the user of this service. For trying out only."
)
@click.pass_obj
def serve(config_file: Path | None, sample: bool, unsafe_no_sandbox: bool) -> None:
    """Everything: web, scheduler, workers and notifier under one supervisor."""
    from hexasched.cli import serving

    serving.serve(config_file, sample=sample, unsafe_no_sandbox=unsafe_no_sandbox)


@click.command()
@click.pass_obj
def web(config_file: Path | None) -> None:
    """The dashboard (gunicorn)."""
    instance = _process(config_file, "web")
    from web.server import serve as serve_web

    refuse_taken_port(instance.config.host, instance.config.port)
    serve_web(instance.config, instance.database, instance.keys, say_ready)


@click.command()
@click.pass_obj
def scheduler(config_file: Path | None) -> None:
    """The clock: turns time into queued runs."""
    instance = _process(config_file, "scheduler")
    from hexasched.scheduler import process

    process.run(instance.database, instance.config.data_dir, instance.config.history.days, say_ready)


@click.command()
@click.pass_obj
def worker(config_file: Path | None) -> None:
    """One worker process: executes runs and builds in sandboxes."""
    instance = _process(config_file, "worker", runs_code=True)
    from workers import process

    process.run(instance.config, instance.database, instance.keys, say_ready)


@click.command()
@click.pass_obj
def notifier(config_file: Path | None) -> None:
    """Sends what waits in the outbox."""
    instance = _process(config_file, "notifier")
    from hexasched.notifier import process

    process.run(instance.config, instance.database, say_ready)


@click.command("mail-catcher")
@click.pass_obj
def mail_catcher(config_file: Path | None) -> None:
    """The sample's mail server: keeps every mail for the dashboard to show, and sends none on."""
    instance = _process(config_file, "mail-catcher", wants_database=False)
    from hexasched.notifier import catcher

    catcher.run(instance.config.data_dir, instance.config.sample.mail_catcher_port, say_ready)


@click.command()
@click.pass_obj
def migrate(config_file: Path | None) -> None:
    """Bring the database to this version's schema."""
    instance = open_instance(config_file)
    logs.set_up("migrate")
    prepare(instance)
    click.echo("The database is up to date.")


@click.command("setup-code")
@click.pass_obj
def setup_code(config_file: Path | None) -> None:
    """Print a fresh code for the page that makes the first account; the code before it ends."""
    instance = open_instance(config_file)
    with instance.database.writing() as connection:
        if accounts.has_users(connection):
            raise HexaSchedError(
                "The first account was made already. Log in, or: hexasched user reset-password --email …"
            )
        code = accounts.new_setup_code(connection)
    click.echo(f"{instance.config.public_url}/setup\nSetup code: {code}")


@click.command()
@click.pass_obj
def doctor(config_file: Path | None) -> None:
    """Look at everything that the service needs, and say what is missing and how to mend it."""
    from hexasched.cli import checkup

    instance = open_instance(config_file, runs_code=True)
    findings = checkup.look(instance)
    for finding in findings:
        click.echo(f"{'ok  ' if finding.ok else 'FAIL' if finding.fatal else 'warn'}  {finding.what}")
    sys.exit(1 if any(f.fatal and not f.ok for f in findings) else 0)


COMMANDS = (serve, web, scheduler, worker, notifier, mail_catcher, migrate, setup_code, doctor)


def _process(config_file: Path | None, name: str, *, wants_database: bool = True, runs_code: bool = False) -> Instance:
    instance = open_instance(config_file, runs_code=runs_code)
    if not runs_code:
        keep_nothing()
    logs.set_up(name)
    failpoints.arm(instance.config.data_dir)
    if wants_database:
        _ = instance.database
    return instance
