"""A service with PostgreSQL as its store, and the sample's function on a schedule that fires every minute."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from tests import postgres
from tests.processes.service import Service, running
from tests.smtp import Inbox, smtp_server

READER = "reader@example.org"


@dataclass(frozen=True)
class OnPostgresql:
    """`inbox` gets what the function mails, and the service's alerts."""

    service: Service
    inbox: Inbox


@contextmanager
def begun_on_postgresql(folder: Path, server: str) -> Iterator[OnPostgresql]:
    """The function is deployed with its package, and its CronJob made."""
    with smtp_server() as inbox, postgres.fresh_database(server) as url:
        settings = {
            "DATABASE_URL": url,
            "MAIL_HOST": "127.0.0.1",
            "MAIL_PORT": str(inbox.port),
            "MAIL_SECURITY": "none",
            "SANDBOX_LOOPBACK_PORTS": str(inbox.port),
        }
        with running(folder, **settings) as service:
            service.create_owner()
            _deploy_the_sample(service, folder / "source", inbox.port)
            service.cli("cronjob", "create", "every-minute", "--function", "summary", "--schedule", "* * * * *")
            yield OnPostgresql(service, inbox)


def _deploy_the_sample(service: Service, folder: Path, smtp_port: int) -> None:
    folder.mkdir()
    (folder / "package.json").write_text('{"dependencies": {"nodemailer": "^7.0.0"}}')
    source = resources.files("hexasched.cli").joinpath("sample.mjs").read_text()
    environment = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(smtp_port), "MAIL_TO": READER}
    pairs = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
    service.deploy("summary", source, folder, "--package-json", str(folder / "package.json"), *pairs)
