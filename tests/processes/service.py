"""A real service in a folder of its own: started, asked, killed, restarted, and searched for leftovers."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from hexasched.store.database import Database, url_for
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
PASSWORD = "a good password 77"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Service:
    """One instance; `settings` are HEXASCHED_* without the prefix."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data_dir = folder / "data"
        self.port = free_port()
        self.log_path = folder / "service.log"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("HEXASCHED_")}
        self.env = kept | {f"HEXASCHED_{key}": value for key, value in settings.items()}
        self.env |= {"HEXASCHED_DATA_DIR": str(self.data_dir), "HEXASCHED_PORT": str(self.port)}
        self.prefix: tuple[str, ...] = ()  # before every command
        self.process: subprocess.Popen[bytes] | None = None
        self.database_url = settings.get("DATABASE_URL", "")

    def start(self, *arguments: str) -> None:
        """Start `hexasched serve` and wait until every process of it is ready."""
        self.launch(*arguments)
        wait_until(self.is_ready, deadline_s=90, what=f"a ready service; {self.log_path}", every_s=0.1)

    def launch(self, *arguments: str) -> None:
        """Start `hexasched serve` and return at once."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", "hexasched", "serve", *arguments],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def is_ready(self) -> bool:
        """Whether it says so itself; it must not have ended."""
        assert self.process is not None
        assert self.process.poll() is None, self.log()[-3000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self, number: int = signal.SIGTERM, deadline_s: float = 60) -> int:
        """Send a signal to the supervisor and wait for its end; returns its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(deadline_s)

    def kill_all(self) -> None:
        """SIGKILL to every process of the service at once."""
        assert self.process is not None
        for victim in (*self.tree(), self.process.pid):
            kill(victim)
        self.process.wait(30)

    def tree(self) -> list[int]:
        """Every process below the supervisor."""
        assert self.process is not None
        try:
            return [child.pid for child in psutil.Process(self.process.pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def pids(self, *words: str) -> list[int]:
        """The processes below the supervisor whose command line has all of `words`."""
        found = []
        for pid in self.tree():
            try:
                command = psutil.Process(pid).cmdline()
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
            if all(word in command for word in words):
                found.append(pid)
        return found

    def leftovers(self) -> list[str]:
        """Processes that belong to this instance by their environment, command line, open files or folder."""
        found = []
        cookie = str(self.data_dir).encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal() or int(entry.name) == os.getpid():
                continue
            try:
                texts = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if cookie in texts and state != "Z":
                found.append(f"{entry.name}: {(entry / 'cmdline').read_bytes()!r}")
        return found

    def cli(self, *arguments: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """One `hexasched` command against this instance."""
        done = subprocess.run(
            [*self.prefix, sys.executable, "-m", "hexasched", *arguments],
            cwd=ROOT,
            env=self.env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stderr}{done.stdout}"
        return done

    def create_owner(self, timezone: str = "UTC") -> None:
        arguments = ("--email", "owner@example.org", "--password-stdin", "--timezone", timezone)
        self.cli("user", "create", *arguments, stdin=PASSWORD + "\n")

    def deploy(self, name: str, source: str, folder: Path, *arguments: str, file: str = "index.mjs") -> None:
        """Deploy a function from its source."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(source)
        self.cli("function", "deploy", name, "--file", str(folder / file), *arguments)

    def run(self, name: str, event: object = None, check: bool = True) -> dict[str, Any]:
        """Run a function and wait for its end."""
        done = self.cli("function", "run", name, "--event", json.dumps(event or {}), "--wait", "--json", check=check)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def open_database(self) -> Database:
        """The instance's database, opened by the test."""
        return Database(url_for(self.database_url, self.data_dir))

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@contextmanager
def running(folder: Path, *arguments: str, **settings: str) -> Iterator[Service]:
    """A started service; afterwards nothing of it may be left."""
    service = Service(folder, **settings)
    try:
        service.start(*arguments)
        yield service
        if service.process is not None and service.process.poll() is None:
            assert service.stop() == 0, service.log()[-3000:]
        wait_until(lambda: not service.leftovers(), deadline_s=15, what=f"no leftovers: {service.leftovers()}")
    finally:
        if service.process is not None and service.process.poll() is None:
            service.kill_all()
