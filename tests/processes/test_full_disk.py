"""What a full disk does to a service: it is named, where people and monitors look, and all goes on afterwards."""

import json
import smtplib
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hexasched.store import tables as t
from tests import postgres
from tests.processes.service import Service, free_port
from tests.processes.test_mail_catcher import PROGRAM as CATCHER
from tests.processes.test_mail_catcher import mails, send
from tests.small_disk import small_disk
from tests.waiting import wait_until

pytestmark = pytest.mark.root

FULL = "The disk of the service is full."
SOURCE = "export default async () => { console.log('x'.repeat(100_000)); return 'done'; };"
WRITER = """
import sys
from sqlalchemy import text
from hexasched.errors import StoreFullError
from hexasched.store.database import Database
with Database(f"sqlite:///{sys.argv[1]}/test.db") as database:
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE t (b BLOB)"))
    try:
        while True:
            with database.writing() as connection:
                connection.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))
    except StoreFullError as error:
        print(error)
"""


@pytest.mark.postgres
def test_a_service_names_its_full_disk_and_goes_on_when_there_is_room_again(
    tmp_path: Path, postgres_server: str
) -> None:
    with postgres.fresh_database(postgres_server) as url, small_disk(tmp_path / "data", "160m") as disk:
        service = Service(tmp_path, DATABASE_URL=url)
        service.prefix = disk.prefix
        service.start()
        try:
            service.create_owner()
            service.deploy("printing", SOURCE, tmp_path / "source")
            assert service.run("printing")["warnings"] == []
            disk.fill()
            found = _ready(service)
            assert (found["status"], found["failing"]) == ("not ready", ["disk"])
            assert (
                found["reasons"]["disk"] == "The disk of the service is nearly full: 0 MB are free, 64 MB are needed."
            )
            doctor = service.cli("doctor", check=False)
            assert doctor.returncode == 1
            assert "FAIL  Data folder" in doctor.stdout and "0 MB free; the service needs 64 MB." in doctor.stdout
            run = service.run("printing")
            assert (run["status"], run["warnings"]) == ("succeeded", [f"{FULL} Output of this run may be lost."])
            refused = service.cli("function", "deploy", "printing", "--file", str(_other(tmp_path)), check=False)
            assert refused.returncode == 1
            assert f"HexaSched could not do this build. {FULL}" in _last_build_error(service)
            disk.empty()
            assert service.run("printing")["warnings"] == []
            assert _ready(service)["status"] == "ready"
            assert service.stop() == 0, service.log()[-3000:]
        finally:
            if service.process is not None and service.process.poll() is None:
                service.kill_all()


def _ready(service: Service) -> Any:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/readyz", timeout=5) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        assert error.code == 503
        return json.load(error)


def _other(folder: Path) -> Path:
    file = folder / "other.mjs"
    file.write_text("export default async () => 'other';")
    return file


def _last_build_error(service: Service) -> str:
    with service.open_database() as database, database.reading() as connection:
        stages = connection.execute(select(t.builds.c.stages).order_by(t.builds.c.id.desc()).limit(1)).scalar_one()
    return str(stages[-1]["error"]["message"])


def test_the_database_says_that_its_disk_is_full(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "2m") as disk:
        argv = [*disk.prefix, sys.executable, "-c", WRITER, str(tmp_path / "disk")]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("The disk of the service is full: "), done.stderr


def test_the_mail_catcher_refuses_for_now_what_it_has_no_room_for(tmp_path: Path) -> None:
    with small_disk(tmp_path / "data", "1m") as disk:
        port = free_port()
        argv = [*disk.prefix, sys.executable, "-c", CATCHER, str(tmp_path / "data"), str(port)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as catcher:
            assert catcher.stdout and catcher.stdout.readline() == "ready\n"
            with pytest.raises(smtplib.SMTPDataError) as refused:
                send(port, "large", "a line of text\n" * 100_000)
            assert (refused.value.smtp_code, refused.value.smtp_error) == (452, FULL.encode())
            assert mails(disk.inside) == []
            send(port, "small")
            wait_until(lambda: len(mails(disk.inside)) == 1, deadline_s=5, what="the small mail")
            catcher.terminate()
            assert catcher.wait(10) == 0
