"""Alerts: on without any setting, written with the end of the run, sent until accepted, exactly once."""

from pathlib import Path

import pytest

from tests import postgres
from tests.processes.service import Service, kill, running
from tests.smtp import smtp_server, text_of
from tests.waiting import wait_until

FAILS = "export default async () => {\n  console.log('before');\n  throw new Error('no luck today');\n};"


def mail_settings(port: int) -> dict[str, str]:
    return {"MAIL_HOST": "127.0.0.1", "MAIL_PORT": str(port), "MAIL_SECURITY": "none"}


def test_it_sends_one_mail_although_the_server_refuses_and_the_notifier_dies(tmp_path: Path) -> None:
    with smtp_server(refusals=2) as inbox, running(tmp_path, **mail_settings(inbox.port)) as service:
        service.create_owner("Europe/Berlin")
        service.deploy("nightly", FAILS, tmp_path / "source")
        service.run("nightly", check=False)
        wait_until(lambda: inbox.refused_ids, deadline_s=30, what="the first refusal")
        kill(service.pids("notifier")[0])
        wait_until(lambda: inbox.mails, deadline_s=90, what="the accepted mail")
        (mail,) = inbox.mails
        assert set(inbox.refused_ids) == {str(mail["Message-ID"])}
        assert inbox.recipients == [["owner@example.org"]]
        assert mail["Subject"] == "nightly failed: no luck today"
        text = text_of(mail)
        for words in ("Error: no luck today", "index.mjs:3", "| before", "/runs/1", "Europe/Berlin"):
            assert words in text, words


def test_it_does_not_let_a_hostile_message_into_the_head_of_a_mail(tmp_path: Path) -> None:
    source = "export default async () => { throw new Error('a\\r\\nBcc: victim@example.org\\r\\n\\r\\nb'); };"
    with smtp_server() as inbox, running(tmp_path, **mail_settings(inbox.port)) as service:
        service.create_owner()
        service.deploy("evil", source, tmp_path / "source")
        service.run("evil", check=False)
        wait_until(lambda: inbox.mails, deadline_s=60, what="the mail")
        assert inbox.mails[0]["Bcc"] is None
        assert inbox.recipients == [["owner@example.org"]]


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
