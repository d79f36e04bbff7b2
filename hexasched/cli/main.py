"""The command `hexasched`."""

import sys
import traceback
from importlib import import_module
from pathlib import Path

import click

from hexasched import __version__
from hexasched.errors import ConfigError, HexaSchedError

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


BUG = 70
"""The exit status of an error that is ours: EX_SOFTWARE of sysexits.h, where Python would say 1."""


def main() -> None:
    """Run the command; a trouble that a person can mend is one clear line, and the status says whether it may pass."""
    try:
        _refuse_bytes(sys.argv[1:])
        hexasched()
    except ConfigError as error:
        for mistake in error.mistakes:
            print(f"hexasched: {mistake}", file=sys.stderr)  # noqa: T201 - the command line speaks on stderr
        sys.exit(1)
    except HexaSchedError as error:
        print(f"hexasched: {error}", file=sys.stderr)  # noqa: T201 - the same
        sys.exit(error.exit_status)
    except Exception:  # noqa: BLE001 - the supervisor must tell a bug, which may pass, from what a person has to mend
        traceback.print_exc()
        sys.exit(BUG)


def _refuse_bytes(arguments: list[str]) -> None:
    """Python hands over bytes that are not UTF-8 as lone surrogates, which neither a database nor JSON takes."""
    for number, argument in enumerate(arguments, 1):
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise HexaSchedError(f"Argument {number} is not UTF-8 text: {argument!a:.80}") from None
