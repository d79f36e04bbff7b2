"""Runs a command and ends with the status that says what became of it."""

import sys
import traceback
from collections.abc import Sequence

import click

from hexasched.errors import ConfigError, HexaSchedError

BUG = 70
"""The exit status of an error that is ours: EX_SOFTWARE of sysexits.h, where Python would say 1."""


def run(command: click.Command, arguments: Sequence[str]) -> None:
    """Run it and exit; a trouble that a person can mend is one clear line, and the status says whether it may pass."""
    try:
        _refuse_bytes(arguments)
        command(arguments)
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


def _refuse_bytes(arguments: Sequence[str]) -> None:
    """Python hands over bytes that are not UTF-8 as lone surrogates, which neither a database nor JSON takes."""
    for number, argument in enumerate(arguments, 1):
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise HexaSchedError(f"Argument {number} is not UTF-8 text: {argument!a:.80}") from None
