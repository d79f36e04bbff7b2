"""`hexasched function deploy`, on the machine of the service: a version is made, and the terminal follows its build."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from hexasched import doorbell
from hexasched.cli.function_inputs import check, read_env_file, read_files
from hexasched.cli.instance import Instance, open_instance
from hexasched.domain.functions import EnvVar
from hexasched.domain.limits import POLL_S
from hexasched.doorbell import DONE, WORK, Doorbell
from hexasched.errors import HexaSchedError
from hexasched.store import build_rows, deploys, env_vars, function_versions, functions, logs
from hexasched.store.build_rows import Build
from hexasched.store.functions import Function

DEFAULT_RUNTIME = "node24"


@click.command()
@click.argument("name")
@click.option("--file", "source", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option("--package-json", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Its dependencies.")
@click.option("--env", "pairs", multiple=True, metavar="K=V", help="Set a variable; those not named stay as they are.")
@click.option(
    "--env-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    help="Set the variables of a .env file (- is standard input): secrets stay out of the process list.",
)
@click.option("--runtime", default=DEFAULT_RUNTIME, show_default=True)
@click.option("--timeout", default="", metavar="SECONDS")
@click.option("--memory", default="", metavar="MB")
@click.option("--cpus", default="", metavar="N", help="Processors that it may keep busy.")
@click.option("--offline", is_flag=True, help="Keep it away from the network.")
@click.option("--processes", default="", metavar="N", help="Processes and threads.")
@click.option("--open-files", default="", metavar="N", help="Files and connections.")
@click.option("--scratch", default="", metavar="MB", help="Space in /tmp.")
@click.option("--scratch-files", default="", metavar="N", help="Files in /tmp.")
@click.option("--child-processes", is_flag=True, help="Let the function start other programs.")
@click.option("--reuse", is_flag=True, help="One process does many runs, one after the other.")
@click.option("--preload", is_flag=True, help="Load the module ahead, in a process that waits for a run.")
@click.pass_obj
def deploy(config_file: Path | None, /, name: str, **options: Any) -> None:
    """Make a new version of NAME (and NAME itself, the first time) and wait until it serves, or says why not."""
    # Before root is given up: they may be root's.
    files = read_files(options["source"], options["package_json"])
    options["dotenv"] = read_env_file(options["env_file"])
    instance = open_instance(config_file)
    program, variables = check(instance, name, files, options)
    with instance.database.writing() as connection:
        workspace = instance.workspace(connection)
        now = datetime.now(UTC)
        target = functions.by_name(connection, workspace.id, name)
        target = target or functions.create(connection, workspace.id, name, "", now)
        assert target is not None
        _set_variables(connection, instance, target, variables, now)
        started = deploys.deploy(connection, target, program, None, now)
    doorbell.ring(instance.config.data_dir, WORK)
    build = _wait_for_build(instance, workspace.id, started.build_id)
    if build.status != "succeeded":
        _explain_failed_build(build)
    with instance.database.reading() as connection:
        version = function_versions.version(connection, target.id, started.version_id)
    assert version is not None
    click.echo(f"{name} deployed as version {version.number}.")


def _set_variables(
    connection: Any, instance: Instance, target: Function, variables: dict[str, str], now: datetime
) -> None:
    if not variables:
        return
    shown = env_vars.shown(connection, instance.keys, target.id)
    wanted = {v.name: EnvVar(name=v.name, value=None, secret=v.secret) for v in shown}
    # What is typed on a command line may be a secret: nobody is shown it again.
    wanted |= {name: EnvVar(name=name, value=value, secret=True) for name, value in variables.items()}
    env_vars.save(connection, instance.keys, target.id, wanted, now)


def _wait_for_build(instance: Instance, workspace_id: int, build_id: int) -> Build:
    """Follow the build: its stages and its log go to stderr as they come."""
    told, position = 0, (-1, -1)
    with Doorbell(instance.config.data_dir, DONE) as bell:
        while True:
            with instance.database.reading() as connection:
                build = build_rows.by_id(connection, workspace_id, build_id)
                chunks = logs.read(connection, "build", build_id, position)
            assert build is not None
            for chunk in chunks:
                click.echo(chunk.data.decode(errors="replace"), err=True, nl=False)
                position = (chunk.fence, chunk.seq)
            for stage in build.stages[told:]:
                click.echo(f"{stage['name']}: {stage['state']} ({stage['duration_ms']} ms)", err=True)
            told = len(build.stages)
            if build.finished_at is not None and not chunks:
                return build
            bell.wait(POLL_S)


def _explain_failed_build(build: Build) -> None:
    error = next((stage["error"] for stage in build.stages if stage["error"]), None) or {"message": "It failed."}
    lines = [f"The deploy failed at “{build.stages[-1]['name'] if build.stages else build.stage}”: {error['message']}"]
    if error.get("file"):
        lines.append(f"  {error['file']}:{error.get('line')}:{error.get('column') or 1}")
    if error.get("source_line"):
        lines += [f"    {error['source_line']}", f"    {' ' * ((error.get('column') or 1) - 1)}^"]
    if error.get("hint"):
        lines.append(error["hint"])
    raise HexaSchedError("\n".join(lines))
