"""The command `hexasched`."""

import sys
from importlib import import_module
from pathlib import Path

import click

from hexasched import __version__
from hexasched.cli.ending import run

_GROUPS = {"function": "function", "cronjob": "cronjobs", "run": "run", "user": "user"}
"""The modules of the groups; every other command is in the module processes."""


class _Commands(click.Group):
    """Loads a command's module when the command is wanted: each process of the service is one command."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """All names, for the help."""
        return sorted([*_GROUPS, *_processes()])

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The command, None if there is no such one."""
        if name in _GROUPS:
            group: click.Command = getattr(import_module(f"hexasched.cli.{_GROUPS[name]}"), name)
            return group
        return _processes().get(name)


def _processes() -> dict[str, click.Command]:
    from hexasched.cli.processes import COMMANDS

    return {command.name: command for command in COMMANDS if command.name}


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hexasched")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="Default: $HEXASCHED_CONFIG, else what the running service has, else /etc/hexasched/config.toml.",
)
@click.pass_context
def hexasched(context: click.Context, config_file: Path | None) -> None:
    """Node.js functions on a cron schedule, on your own machine.

    `hexasched serve` starts everything. HEXASCHED_DATA_DIR and HEXASCHED_PORT are enough for a second instance.
    """
    context.obj = config_file


def main() -> None:
    """The command line of this process."""
    run(hexasched, sys.argv[1:])
