"""`hexasched run …`: the history in the terminal."""

import json
from pathlib import Path

import click

from hexasched.cli.instance import open_instance
from hexasched.cli.output import print_run, row_json
from hexasched.domain.outcomes import Status
from hexasched.errors import HexaSchedError
from hexasched.store import cron_jobs, functions, history
from hexasched.store.history import Filter


@click.group()
def run() -> None:
    """Runs: list, show."""


@run.command("list")
@click.option("--status", type=click.Choice([status.value for status in Status]))
@click.option("--function", "function_name", help="Only runs of this function.")
@click.option("--cronjob", "cron_job_name", help="Only runs of this CronJob.")
@click.option("--before", type=click.IntRange(1, 2**63 - 1), help="Only runs with smaller ids.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def list_runs(
    config_file: Path | None,
    status: str | None,
    function_name: str | None,
    cron_job_name: str | None,
    before: int | None,
    limit: int,
    as_json: bool,
) -> None:
    """The newest runs, newest first."""
    instance = open_instance(config_file)
    with instance.database.reading() as connection:
        workspace = instance.workspace(connection)
        function = functions.by_name(connection, workspace.id, function_name) if function_name else None
        cron_job = cron_jobs.by_name(connection, workspace.id, cron_job_name) if cron_job_name else None
        for name, found in ((function_name, function), (cron_job_name, cron_job)):
            if name and found is None:
                raise HexaSchedError(f"There is no {name!r}.")
        wanted = Filter(
            status=status,
            function_id=function.id if function else None,
            cron_job_id=cron_job.id if cron_job else None,
            before=before,
        )
        rows = history.history(connection, workspace.id, wanted, limit)
    if as_json:
        click.echo(json.dumps([row_json(row) for row in rows], indent=2))
        return
    for row in rows:
        when = f"{row.created_at:%Y-%m-%d %H:%M:%S}Z"
        took = f"{row.duration_ms} ms" if row.duration_ms is not None else ""
        click.echo(f"{row.id:>7}  {when}  {row.status:<10} {row.reason or '':<12} {row.function_name:<32} {took}")


@run.command()
@click.argument("run_id", type=click.IntRange(1, 2**63 - 1))
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def show(config_file: Path | None, run_id: int, as_json: bool) -> None:
    """One run with its output."""
    instance = open_instance(config_file)
    with instance.database.reading() as connection:
        found = history.detail(connection, instance.workspace(connection).id, run_id)
        if found is None:
            raise HexaSchedError(f"There is no run {run_id}.")
        print_run(connection, found, as_json=as_json)
