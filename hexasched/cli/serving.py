"""`hexasched serve`: prepares the instance, loads what its processes need, and hands them to the supervisor."""

import fcntl
import os
import sys
from contextlib import closing
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TextIO

import click

from hexasched import logs
from hexasched.cli.ending import run
from hexasched.cli.instance import Instance, note_service, open_instance, prepare, told_of_service
from hexasched.errors import HexaSchedError, SandboxError, StoreBusyError
from hexasched.store import accounts
from hexasched.supervisor.children import Child
from hexasched.supervisor.forking import Program
from hexasched.supervisor.ports import refuse_taken_port
from hexasched.supervisor.supervise import supervise

_STOP_S = 15.0  # for what has nothing to drain; far more than it takes


def serve(config_file: Path | None, *, sample: bool, unsafe_no_sandbox: bool) -> None:
    """Run the whole service in the foreground until SIGTERM or Ctrl-C."""
    if unsafe_no_sandbox:
        os.environ["HEXASCHED_SANDBOX_MODE"] = "none"
    instance = open_instance(config_file, runs_code=True)
    if sample:
        from hexasched.cli.sample import configured

        instance = configured(instance)
    logs.set_up("serve")
    refuse_taken_port(instance.config.host, instance.config.port)
    _check_sandbox(instance)
    claim = _only_service(instance)
    prepare(instance)
    password = _plant(instance) if sample else None
    note_service(instance)
    notify_socket = os.environ.pop("NOTIFY_SOCKET", "")  # systemd is told by this process, not by its children
    _load("web.server", "workers.process", "hexasched.scheduler.process", "hexasched.notifier.process")
    supervise(
        children(instance, click.get_current_context().find_root().command),
        on_ready=lambda: announce(instance, password),
        notify_socket=notify_socket,
    )
    claim.close()


def children(instance: Instance, command: click.Command) -> list[Child]:
    """The processes of the service, each a command of `command`: those that take new work in are stopped first."""
    config = instance.config
    named = ["--config", str(instance.config_file.absolute())] if instance.config_file else []
    env = dict(os.environ) | {"HEXASCHED_DATA_DIR": str(config.data_dir)}

    def child(name: str, rank: int, stop_s: float = _STOP_S, label: str = "") -> Child:
        words = (sys.executable, "-m", "hexasched", *named, name)
        program = Program(words=words, env=env, main=partial(_be, command, [*named, name]))
        return Child(name=label or name, program=program, stop_rank=rank, stop_s=stop_s)

    drain_s = config.drain_timeout_s + 20.0
    found = [child("scheduler", 1), child("web", 0), child("notifier", 3)]  # what is due waits for the first
    found += [child("worker", 2, drain_s, f"worker-{number + 1}") for number in range(config.workers.count)]
    if config.sample.mail_catcher_port:
        found.append(child("mail-catcher", 4))
    return found


def _be(command: click.Command, arguments: list[str]) -> None:
    sys.argv[1:] = arguments
    run(command, arguments)


def _load(*modules: str) -> None:
    """What the children are made of: once, in the memory that they share, instead of by each for itself."""
    for module in modules:
        import_module(module)


def _only_service(instance: Instance) -> TextIO:
    """The lock of the one service on a data folder; raises HexaSchedError naming the other one."""
    lock = (instance.config.data_dir / "serve.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise HexaSchedError(
            f"Another service runs on {instance.config.data_dir}{told_of_service(instance)}. "
            "Stop it first, or set HEXASCHED_DATA_DIR for a second one."
        ) from None
    return lock


def _check_sandbox(instance: Instance) -> None:
    from workers.facts import choose_tier

    try:
        tier = choose_tier(instance.config)
    except SandboxError as error:
        raise HexaSchedError(
            f"{error}\nOr, for trying out only: hexasched serve --unsafe-no-sandbox (functions then run as you)."
        ) from None
    logs.event("sandbox.tier", tier=tier.name)


def _plant(instance: Instance) -> str | None:
    from hexasched.cli.sample import plant

    with closing(instance.database):
        return plant(instance)


def announce(instance: Instance, password: str | None) -> None:
    """Say that the service is ready and how to come in; a database that is busy now changes nothing of the first."""
    url = instance.config.public_url
    click.echo(f"\nHexaSched is ready: {url}")
    try:
        code = _setup_code(instance)
    except StoreBusyError as error:
        logs.warning("store.busy", error=error)
        click.echo("The database is busy. Unless there is an account, a code to make it with: hexasched setup-code")
    else:
        if code:
            click.echo(f"Make the first account: {url}/setup\nSetup code: {code}")
    if password:
        click.echo(f"Log in as owner@example.org with the password {password} (shown this once).")
    if instance.config.sandbox.mode == "none":
        click.echo("WARNING: no sandbox. Functions run as this user, with all its rights.")
    if sys.stdout is not None:  # closed when this began
        sys.stdout.flush()


def _setup_code(instance: Instance) -> str | None:
    """A fresh one, None if nobody needs it."""
    with closing(instance.database) as database:  # a child that is started later must not have a connection of ours
        with database.reading() as connection:
            if accounts.has_users(connection):
                return None
        with database.writing() as connection:
            return accounts.new_setup_code(connection)
