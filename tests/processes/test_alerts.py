"""Alerts: on without any setting, written with the end of the run, sent until accepted, exactly once."""

from pathlib import Path

from tests.processes.service import kill, running
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
