"""`make run` as a stranger types it: a fresh clone, an empty environment, the sample's mail, a clean end."""

import http.cookiejar
import os
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.processes.service import ROOT, free_port
from tests.waiting import wait_until

# The system's own Python: others may read it, which a Python in somebody's home is not.
PATH = "/usr/bin:/bin"
STRANGER = 61185
PASSED_ON = (
    "PIP_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_CERT",
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "npm_config_registry",
)


@contextmanager
def _fresh_folder(mode: int, owner: int) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="hexasched-clone-", dir="/tmp"))
    folder.chmod(mode)
    os.chown(folder, owner, owner)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _make_run(folder: Path, uid: int, path: str) -> Iterator[subprocess.Popen[bytes]]:
    """`make run` in a clone of the committed state with nothing of ours in its environment."""
    who = {"user": uid, "group": uid, "extra_groups": []} if uid else {}
    clone = folder / "clone"
    subprocess.run(
        ["git", "clone", "-q", str(ROOT), str(clone)], check=True, env={"PATH": PATH, "HOME": "/nonexistent"}
    )
    if uid:
        subprocess.run(["chown", "-R", f"{uid}:{uid}", str(clone)], check=True)
    (folder / "home").mkdir()
    os.chown(folder / "home", uid, uid)
    env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    env |= {"PATH": path, "HOME": str(folder / "home")}
    env |= {"HEXASCHED_DATA_DIR": str(folder / "data"), "HEXASCHED_PORT": str(free_port())}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **who,  # type: ignore[call-overload]
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


class Browser:
    """Just enough of one to log in and read pages."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, path: str) -> str:
        with self._opener.open(self._address + path, timeout=20) as answer:
            return str(answer.read().decode())

    def log_in(self, email: str, password: str) -> None:
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get("/login"))
        assert token is not None
        fields = {"email": email, "password": password, "csrf_token": token[1]}
        request = urllib.request.Request(
            self._address + "/login",
            data=urllib.parse.urlencode(fields).encode(),
            headers={"Origin": self._address, "Referer": self._address + "/login"},
        )
        with self._opener.open(request, timeout=20) as answer:
            assert answer.status == 200


@pytest.mark.root
@pytest.mark.parametrize("uid", [0, STRANGER], ids=["as-root-under-0700", "as-an-ordinary-user"])
def test_it_shows_the_samples_mail_and_leaves_nothing_behind(uid: int) -> None:
    mounts = Path("/proc/self/mountinfo").read_text()
    with _fresh_folder(0o700, uid) as folder, _make_run(folder, uid, PATH) as process:
        wait_until(lambda: _announcement(folder, process), deadline_s=420, what="the address", every_s=0.5)
        address, email, password = _announcement(folder, process)
        browser = Browser(address)
        browser.log_in(email, password)
        wait_until(lambda: _has_mail(browser, folder), deadline_s=120, what="the mail", every_s=1)
        assert "succeeded" in browser.get("/runs").lower()
        os.kill(process.pid, signal.SIGTERM)
        process.wait(60)
        wait_until(lambda: not _processes_of(folder), deadline_s=15, what="no process left")
    assert Path("/proc/self/mountinfo").read_text() == mounts


def _has_mail(browser: Browser, folder: Path) -> bool:
    log = (folder / "log").read_text(errors="replace")
    assert "Traceback" not in log, log[-4000:]
    return "Daily summary" in browser.get("/mails")


def _announcement(folder: Path, process: subprocess.Popen[bytes]) -> tuple[str, ...]:
    log = (folder / "log").read_text(errors="replace")
    assert process.poll() is None, log[-4000:]
    address = re.search(r"HexaSched is ready: (\S+)", log)
    account = re.search(r"Log in as (\S+) with the password (\S+)", log)
    return (address[1], account[1], account[2]) if address and account else ()


def _processes_of(folder: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            told = [*process.cmdline(), process.cwd(), *process.environ().values()]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if any(str(folder) in word for word in told) and process.pid != os.getpid():
            found.append(f"{process.pid} {told[:3]}")
    return found
