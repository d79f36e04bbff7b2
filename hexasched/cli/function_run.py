"""`hexasched function run`: run the live version now, and wait for the end if that is wanted."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from hexasched import doorbell
from hexasched.cli.instance import Instance, open_instance
from hexasched.cli.output import print_run
from hexasched.domain.inputs import read_event
from hexasched.domain.limits import POLL_S
from hexasched.domain.outcomes import FINAL, Status
from hexasched.doorbell import DONE, WORK, Doorbell
from hexasched.errors import HexaSchedError, InvalidInputError
from hexasched.store import functions, history, runs, workers
from hexasched.store.runs import NewRun


@click.command("run")
@click.argument("name")
@click.option("--event", default="{}", metavar="JSON", help="The event's payload.")
@click.option("--wait", is_flag=True, help="Wait for the end; exit 0 only if the run succeeded.")
@click.option("--json", "as_json", is_flag=True, help="Print everything known of the run as JSON.")
@click.pass_obj
def run_now(config_file: Path | None, name: str, event: str, wait: bool, as_json: bool) -> None:
    """Run the live version of NAME now."""
    instance = open_instance(config_file)
    payload, wrong = read_event(event)
    if wrong:
        raise InvalidInputError({"event": wrong})
    database = instance.database
    with Doorbell(instance.config.data_dir, DONE) as bell:
        with database.writing() as connection:
            workspace = instance.workspace(connection)
            run_id = _enqueue(connection, workspace.id, name, payload)
        doorbell.ring(instance.config.data_dir, WORK)
        if wait:
            _wait_for_run(instance, run_id, bell)
    with instance.database.reading() as connection:
        run = history.detail(connection, workspace.id, run_id)
        assert run is not None
        print_run(connection, run, as_json=as_json)
    sys.exit(0 if not wait or run.status is Status.SUCCEEDED else 1)


def _enqueue(connection: Any, workspace_id: int, name: str, payload: str) -> int:
    target = functions.by_name(connection, workspace_id, name)
    if target is None:
        raise HexaSchedError(f"There is no function {name!r}.")
    if target.live_version_id is None:
        raise HexaSchedError(f"{name} has no version that was deployed successfully. Deploy it first.")
    new = NewRun(
        workspace_id=workspace_id,
        function_id=target.id,
        version_id=target.live_version_id,
        trigger="manual",
        event=payload,
    )
    return runs.enqueue(connection, new, datetime.now(UTC))


def _wait_for_run(instance: Instance, run_id: int, bell: Doorbell) -> None:
    asked = time.monotonic()
    while True:
        with instance.database.reading() as connection:
            status = history.status_of(connection, run_id)
            if status in FINAL:
                return
            someone = workers.runtimes(connection, datetime.now(UTC))
        if not someone and time.monotonic() - asked > 10:
            raise HexaSchedError(f"Run {run_id} is queued, but no worker is there. Is `hexasched serve` running?")
        bell.wait(POLL_S)
