"""`hexasched user …`: accounts from the terminal, also when nobody can log in."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from hexasched.cli.instance import open_instance
from hexasched.domain.inputs import check_email
from hexasched.errors import HexaSchedError, InvalidInputError
from hexasched.store import accounts, audit, memberships, throttle


@click.group()
def user() -> None:
    """Accounts: create, reset-password."""


@user.command()
@click.option("--email", required=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
@click.option("--role", type=click.Choice(["owner", "developer", "viewer"]), default="owner", show_default=True)
@click.option("--workspace", default="Default", show_default=True, help="The workspace's name, with the first account.")
@click.option("--timezone", default="UTC", show_default=True, help="The workspace's time zone, with the first account.")
@click.pass_obj
def create(
    config_file: Path | None, email: str, password_stdin: bool, role: memberships.Role, workspace: str, timezone: str
) -> None:
    """Make an account; the first one makes the workspace and owns it."""
    password = _password(email, from_stdin=password_stdin)
    instance = open_instance(config_file)
    hashed, now = _hashed(password), datetime.now(UTC)
    with instance.database.writing() as connection:
        first = accounts.create_first_account(
            connection, email=email, password_hash=hashed, workspace=workspace, timezone=timezone, now=now
        )
        made = first or accounts.create_user(
            connection,
            workspace_id=instance.workspace(connection).id,
            email=email,
            password_hash=hashed,
            role=role,
            now=now,
        )
        if made is not None and first is None:
            place = {"workspace_id": instance.workspace(connection).id, "by": None}
            audit.note(connection, "member.add", made.email, now, detail={"role": role}, **place)
    if made is None:
        raise HexaSchedError(f"{email} has an account already. To change its password: hexasched user reset-password")
    click.echo(f"{made.email} can log in at {instance.config.public_url}/login")


@user.command("reset-password")
@click.option("--email", required=True)
@click.option("--password-stdin", is_flag=True)
@click.pass_obj
def reset_password(config_file: Path | None, email: str, password_stdin: bool) -> None:
    """Give an account a new password; all its sessions end."""
    password = _password(email, from_stdin=password_stdin)
    instance = open_instance(config_file)
    with instance.database.writing() as connection:
        found = accounts.user_by_email(connection, email)
        if found is None:
            raise HexaSchedError(f"There is no account {email!r}.")
        accounts.set_password(connection, found.id, _hashed(password))
        throttle.forget(connection, [f"account:{found.email}"])
        audit.note(connection, "password.change", found.email, datetime.now(UTC), workspace_id=None, by=None)
    click.echo(f"{found.email} has a new password.")


def _password(email: str, *, from_stdin: bool) -> str:
    wrong_email = check_email(email)
    if wrong_email:
        raise InvalidInputError({"email": wrong_email})
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    from web import passwords

    wrong = passwords.check(password, email)
    if wrong:
        raise InvalidInputError({"password": wrong})
    return password


def _hashed(password: str) -> str:
    from web import passwords

    return passwords.hashed(password)
