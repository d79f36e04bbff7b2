"""The mail catcher over real SMTP."""

import signal
import smtplib
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path

import pytest

from hexasched.notifier.catcher import KEPT, keep

PROGRAM = """
import sys
from pathlib import Path
from hexasched.errors import HexaSchedError
from hexasched.notifier.catcher import run
try:
    run(Path(sys.argv[1]), int(sys.argv[2]), lambda: print("ready", flush=True))
except HexaSchedError as error:
    sys.exit(str(error))
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    number = free_port()
    argv = [sys.executable, "-c", PROGRAM, str(tmp_path), str(number)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as catcher:
        assert catcher.stdout is not None
        assert catcher.stdout.readline() == "ready\n"
        yield number
        catcher.send_signal(signal.SIGTERM)
        assert catcher.wait(timeout=10) == 0


def send(port: int, subject: str, body: str = "Good morning") -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "owner@example.com", "developer@example.com", subject
    mail.set_content(body)
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost", timeout=10) as client:
        client.send_message(mail, to_addrs=["developer@example.com", "hidden@example.com"])


def mails(folder: Path) -> list[Path]:
    return sorted((folder / "mails").iterdir())


def test_it_keeps_each_mail_as_a_file_in_the_order_of_arrival(port: int, tmp_path: Path) -> None:
    send(port, "first")
    send(port, "sécond")
    caught = [message_from_bytes(path.read_bytes()) for path in mails(tmp_path)]
    assert [mail["X-Envelope-To"] for mail in caught] == ["developer@example.com, hidden@example.com"] * 2
    assert caught[0]["Subject"] == "first"
    assert caught[0].get_payload() == "Good morning\r\n"
    assert {stat.S_IMODE(path.stat().st_mode) for path in mails(tmp_path)} == {0o600}
    assert stat.S_IMODE((tmp_path / "mails").stat().st_mode) == 0o700


def test_it_refuses_a_mail_that_is_too_large(port: int, tmp_path: Path) -> None:
    with pytest.raises(smtplib.SMTPSenderRefused, match="exceeds"):
        send(port, "large", "a line of text\n" * 400_000)
    assert mails(tmp_path) == []


def test_it_keeps_the_newest_mails_only(tmp_path: Path) -> None:
    kept = [keep(tmp_path, b"Subject: %d\r\n\r\n" % number) for number in range(KEPT + 3)]
    assert sorted(tmp_path.iterdir()) == kept[3:]


def test_it_says_that_its_port_is_taken(port: int, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", PROGRAM, str(tmp_path), str(port)]
    second = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert second.stderr == f"The mail catcher can't listen on 127.0.0.1:{port}: Address already in use.\n"
