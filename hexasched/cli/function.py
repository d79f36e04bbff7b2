"""`hexasched function …`: deploy and run from the terminal, on the machine of the service."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from hexasched import doorbell
from hexasched.cli.instance import Instance, open_instance
from hexasched.cli.output import print_run
from hexasched.domain.dotenv import read_dotenv
from hexasched.domain.functions import SOURCE_FILES, EnvVar, check_env, check_name
from hexasched.domain.inputs import check_source, read_dependencies, read_event, read_limits
from hexasched.domain.limits import POLL_S, SWITCHES, UNITS
from hexasched.domain.outcomes import FINAL, Status
from hexasched.doorbell import DONE, WORK, Doorbell
from hexasched.errors import HexaSchedError, InvalidInputError
from hexasched.store import builds, deploys, env_vars, functions, history, logs, runs, workers
from hexasched.store.builds import Build
from hexasched.store.functions import Function, Program
from hexasched.store.runs import NewRun

DEFAULT_RUNTIME = "node24"


@click.group()
def function() -> None:
    """Functions: deploy, run."""


@function.command()
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
    files = _read_files(options["source"], options["package_json"])
    options["dotenv"] = _read_env_file(options["env_file"])
    instance = open_instance(config_file)
    program, variables = _check(instance, name, files, options)
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
        version = functions.version(connection, target.id, started.version_id)
    assert version is not None
    click.echo(f"{name} deployed as version {version.number}.")


_OPTIONS = {"timeout_s": "timeout", "memory_mb": "memory", "scratch_mb": "scratch"}
"""The limits whose options have shorter names."""


def _read_files(source: Path, package_json: Path | None) -> tuple[str, str, str]:
    try:
        return source.name, source.read_text(), package_json.read_text() if package_json else ""
    except (OSError, UnicodeDecodeError) as error:
        raise HexaSchedError(f"{source} can't be read as text: {error}") from None


def _read_env_file(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError):
        # Not the error's own words: they may show a part of what was read.
        raise HexaSchedError(f"The variables in {file} can't be read as UTF-8 text.") from None


def _check(
    instance: Instance, name: str, files: tuple[str, str, str], options: dict[str, Any]
) -> tuple[Program, dict[str, str]]:
    file_name, source, package_json = files
    handler_file = file_name if file_name in SOURCE_FILES else f"index{Path(file_name).suffix}"
    typed = {name: options[_OPTIONS.get(name, name)] for name in UNITS}
    limits, bad_limits = read_limits(
        typed,
        {name: options[name] for name in SWITCHES},
        ceiling=instance.config.ceiling,
    )
    wrong = {_OPTIONS.get(name, name).replace("_", "-"): message for name, message in bad_limits.items()}
    dependencies, bad_packages = read_dependencies(package_json)
    variables, bad_lines = read_dotenv(options["dotenv"])
    variables |= dict(pair.partition("=")[::2] for pair in options["pairs"])
    without_value = [pair for pair in options["pairs"] if "=" not in pair]
    found = {
        "name": check_name(name),
        "code": check_source(source, handler_file),
        "packages": bad_packages,
        "environment": _environment_mistakes(variables, without_value, bad_lines),
        "runtime": _check_runtime(instance, options["runtime"]),
    }
    wrong |= {field: message for field, message in found.items() if message}
    if wrong:
        raise InvalidInputError(wrong)
    program = Program(
        runtime=options["runtime"], handler_file=handler_file, source=source, dependencies=dependencies, limits=limits
    )
    return program, variables


def _environment_mistakes(variables: dict[str, str], without_value: list[str], bad_lines: list[int]) -> str | None:
    mistakes = [f"--env wants NAME=VALUE; {pair[:60]!r} has no =." for pair in without_value]
    mistakes += [f"Line {number} of --env-file is not NAME=VALUE." for number in bad_lines[:3]]
    return " ".join(mistakes + check_env(variables)) or None


def _check_runtime(instance: Instance, name: str) -> str | None:
    with instance.database.reading() as connection:
        known = workers.runtimes(connection, datetime.now(UTC))
    if known and name not in known:
        return f"No worker has the runtime {name!r}; there is {', '.join(sorted(known))}."
    return None


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
                build = builds.by_id(connection, workspace_id, build_id)
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


@function.command("run")
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
