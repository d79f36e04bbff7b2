"""The group `function` with its commands."""

import click

from hexasched.cli.function_deploy import deploy
from hexasched.cli.function_run import run_now


@click.group()
def function() -> None:
    """Functions: deploy, run."""


for command in (deploy, run_now):
    function.add_command(command)
