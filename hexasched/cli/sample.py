"""The sample of `make run`: a function that mails a summary, its CronJob, and a mail server that catches the mail."""

import os
import secrets
import socket
from datetime import UTC, datetime
from importlib import resources

from hexasched.cli.instance import Instance, read_config
from hexasched.domain.functions import EnvVar
from hexasched.domain.limits import Limits
from hexasched.store import accounts, cron_job_changes, deploys, env_vars, functions
from hexasched.store.cron_jobs import CronJobFields
from hexasched.store.database import Connection
from hexasched.store.function_versions import Program
from web import passwords

NAME = "daily-summary-email"
OWNER = "owner@example.org"
NODEMAILER = "^7.0.0"
FILE = "sample.toml"


SETTINGS = """\
# Written at every start of the sample; settings of your own go into a file that you name with --config.
[sample]
mail_catcher_port = {port}
[sandbox]
loopback_ports = [{port}]
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
"""


def configured(instance: Instance) -> Instance:
    """The instance with the sample's settings: a mail catcher, which functions may reach and which gets the alerts.

    An instance that has a configuration file, or a mail catcher already, is left as it is.
    """
    if instance.config_file is not None and instance.config_file.name != FILE:
        return instance
    if instance.config.sample.mail_catcher_port and "HEXASCHED_SAMPLE_MAIL_CATCHER_PORT" in os.environ:
        return instance
    file = instance.config.data_dir / FILE
    file.write_text(SETTINGS.format(port=_free_port()))
    return Instance(read_config(file, instance.config.data_dir)[0], file)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def plant(instance: Instance) -> str | None:
    """Make the first account, the function and its CronJob; its password, or None if there is an account already."""
    password = "-".join(secrets.token_hex(3) for _ in range(3))
    now = datetime.now(UTC)
    with instance.database.writing() as connection:
        owner = accounts.create_first_account(
            connection,
            email=OWNER,
            password_hash=passwords.hashed(password),
            workspace="Sample",
            timezone=_local_zone(),
            now=now,
        )
        if owner is not None:
            _plant_function(connection, instance, owner.id, now)
            return password
        _follow_port(connection, instance, now)
    return None


def _plant_function(connection: Connection, instance: Instance, owner_id: int, now: datetime) -> None:
    workspace = instance.workspace(connection)
    description = "Mails a summary of the day. Every minute here, so that you soon see one."
    function = functions.create(connection, workspace.id, NAME, description, now)
    assert function is not None
    env_vars.save(connection, instance.keys, function.id, _environment(instance), now)
    program = Program(
        runtime="node24",
        handler_file="index.js",
        source=resources.files("hexasched.cli").joinpath("sample.mjs").read_text(),
        dependencies={"nodemailer": NODEMAILER},
        limits=Limits(timeout_s=30),
    )
    started = deploys.deploy(connection, function, program, owner_id, now)
    # The schedule starts at once; until the first deploy has succeeded its moments are recorded as skipped.
    cron_job_changes.create(
        connection,
        workspace.id,
        CronJobFields(
            function_id=function.id,
            name="every-minute-summary",
            expression="* * * * *",
            timezone=workspace.timezone,
            event='{"greeting":"Good morning"}',
        ),
        now,
    )
    assert started.build_id


def _environment(instance: Instance) -> dict[str, EnvVar]:
    values = {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(instance.config.sample.mail_catcher_port),
        "MAIL_TO": OWNER,
    }
    return {name: EnvVar(name=name, value=value, secret=False) for name, value in values.items()}


def _follow_port(connection: Connection, instance: Instance, now: datetime) -> None:
    """The mail catcher may have another port than at the last start: the sample's function is told."""
    function = functions.by_name(connection, instance.workspace(connection).id, NAME)
    if function is None:
        return
    shown = {v.name: v for v in env_vars.shown(connection, instance.keys, function.id)}
    port = str(instance.config.sample.mail_catcher_port)
    known = shown.get("SMTP_PORT")
    if known is not None and known.value not in (None, port):
        wanted = {name: EnvVar(name=name, value=None, secret=v.secret) for name, v in shown.items()}
        wanted["SMTP_PORT"] = EnvVar(name="SMTP_PORT", value=port, secret=False)
        env_vars.save(connection, instance.keys, function.id, wanted, now)


def _local_zone() -> str:
    """The machine's time zone if it has a name, else UTC."""
    from tzlocal import get_localzone_name

    from hexasched.domain.zones import check_zone

    name = get_localzone_name() or "UTC"
    return name if check_zone(name) is None else "UTC"
