"""The story's core with PostgreSQL as the store, from the terminal."""

from pathlib import Path

import pytest

from tests import postgres
from tests.processes.service import Service, running
from tests.processes.test_alerts import FAILS, mail_settings
from tests.smtp import smtp_server
from tests.waiting import wait_until


@pytest.mark.postgres
def test_it_deploys_fires_mails_and_alerts_on_postgresql(tmp_path: Path, postgres_server: str) -> None:
    """The story's core with PostgreSQL as the store: a real schedule, a really sent mail, history, an alert."""
    sample = (Path(__file__).parents[2] / "hexasched/cli/sample.mjs").read_text()
    with smtp_server() as inbox, postgres.fresh_database(postgres_server) as url:
        settings = mail_settings(inbox.port) | {"SANDBOX_LOOPBACK_PORTS": str(inbox.port), "DATABASE_URL": url}
        with running(tmp_path, **settings) as service:
            service.create_owner()
            _mailing_function(service, sample, tmp_path / "source", inbox.port)
            service.cli("cronjob", "create", "every-minute", "--function", "summary", "--schedule", "* * * * *")
            wait_until(lambda: inbox.mails, deadline_s=100, what="the scheduled run's mail")
            assert str(inbox.mails[0]["Subject"]).startswith("Daily summary, 20")
            service.deploy("summary", FAILS, tmp_path / "source")
            service.run("summary", check=False)
            wait_until(lambda: "summary failed: no luck today" in inbox.subjects(), deadline_s=60, what="the alert")


def _mailing_function(service: Service, source: str, folder: Path, port: int) -> None:
    folder.mkdir()
    (folder / "package.json").write_text('{"dependencies": {"nodemailer": "^7.0.0"}}')
    environment = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port), "MAIL_TO": "reader@example.org"}
    pairs = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
    service.deploy("summary", source, folder, "--package-json", str(folder / "package.json"), *pairs)
