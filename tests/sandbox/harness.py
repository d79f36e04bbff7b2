"""Starts a test's worker, gives it jobs, and hears of their ends."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import Outcome
from sandbox import proc, wire
from sandbox.jobs import Finished, Job, Message, Output, Runtime, SandboxSettings, Started
from sandbox.runtimes import find_runtimes
from sandbox.spool import Record, read_records
from tests.waiting import wait_until

CHECKOUT = Path(__file__).parent.parent.parent


@cache
def runtime(name: str = "node24") -> Runtime:
    """An installed runtime."""
    return next(one for one in find_runtimes() if one.name == name)


@dataclass
class Worker:
    """A running worker: its folder, its process, and what its keeper has said so far."""

    folder: Path
    process: subprocess.Popen[bytes]
    keeper_pid: int = 0
    uid: int = 0
    gone: bool = False
    said: list[Message] = field(default_factory=list)
    _pending: bytes = b""
    _jobs: int = 0

    def order(self, **what: Any) -> None:
        """Tell the worker something."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what).encode() + b"\n")
        self.process.stdin.flush()

    def submit(self, source: str | Path, *, file: str = "index.mjs", **changes: Any) -> Job:
        """Submit a function whose source is this text (or whose folder this is); `changes` are of the Job."""
        self._jobs += 1
        job = Job(
            key=f"run-{self._jobs}-1",
            mode="run",
            runtime=runtime(),
            code_dir=str(source if isinstance(source, Path) else self.write({file: source})),
            handler=file,
            limits=Limits(timeout_s=20),
            workspace="boats",
            network="none",
        )
        job = replace(job, **changes)
        self.order(type="submit", job=asdict(job))
        return job

    def write(self, files: dict[str, str]) -> Path:
        """A new folder with these files."""
        folder = self.folder / "code" / f"{len(list((self.folder / 'code').iterdir()))}"
        folder.mkdir(mode=0o755)
        for name, text in files.items():
            (folder / name).write_text(text)
        return folder

    def run(self, source: str | Path, **changes: Any) -> Outcome:
        """How a function ends."""
        return self.end_of(self.submit(source, **changes))

    def end_of(self, job: Job, deadline_s: float = 30) -> Outcome:
        """How a job that was submitted ends."""
        end = wait_until(lambda: self._end(job.key), deadline_s=deadline_s, what=f"the end of {job.key}")
        assert end
        return end.outcome

    def start_of(self, job: Job) -> int:
        """The pid of a job that was submitted, when its sandbox is up."""
        start = wait_until(lambda: self._start(job.key), deadline_s=20, what=f"the start of {job.key}")
        assert start
        return start.pid

    def has_ended(self, job: Job) -> bool:
        """Whether a job's end has been told."""
        return self._end(job.key) is not None

    def sizes(self, job: Job) -> list[int]:
        """The sizes of the spool file that were announced."""
        self.listen()
        return [one.size for one in self.said if isinstance(one, Output) and one.key == job.key]

    def records(self, job: Job) -> list[Record]:
        """What the job has put out so far."""
        return list(read_records(self.folder / "state" / "spool" / f"{job.key}.log"))

    def text(self, job: Job, streams: str = "oe") -> str:
        """The output of some streams (o, e, s) as one text."""
        return b"".join(one.data for one in self.records(job) if one.stream in streams).decode("utf-8", "replace")

    def listen(self) -> bool:
        """Take in what the worker has said; True, for waiting in between."""
        assert self.process.stdout is not None
        while _readable(self.process.stdout.fileno()):
            piece = os.read(self.process.stdout.fileno(), 1 << 20)
            if not piece:
                break
            *lines, self._pending = (self._pending + piece).split(b"\n")
            for body in map(json.loads, lines):
                self._take(body)
        return True

    def _take(self, body: dict[str, Any]) -> None:
        match body["type"]:
            case "keeper":
                self.keeper_pid, self.uid = body["pid"], body["uid"]
            case "gone":
                self.gone = True
            case _:
                self.said.append(wire.message_from_json(body))

    def _end(self, key: str) -> Finished | None:
        self.listen()
        return next((one for one in self.said if isinstance(one, Finished) and one.key == key), None)

    def _start(self, key: str) -> Started | None:
        self.listen()
        return next((one for one in self.said if isinstance(one, Started) and one.key == key), None)


def _readable(fd: int) -> bool:
    with selectors.DefaultSelector() as ready:
        ready.register(fd, selectors.EVENT_READ)
        return bool(ready.select(0))


@contextmanager
def running_worker(folder: Path, *, before: tuple[str, ...] = (), keeper: str = "", **changes: Any) -> Iterator[Worker]:
    """A worker with its keeper, which is the module `keeper`; `before` starts it, `changes` are of its settings."""
    folder.mkdir(exist_ok=True)
    settings = replace(SandboxSettings(mode="bubblewrap", state_dir=str(folder / "state")), **changes)
    process = subprocess.Popen(
        [*before, sys.executable, "-m", "tests.sandbox.worker", str(folder), *([keeper] if keeper else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=CHECKOUT,
        start_new_session=True,
    )
    worker = Worker(folder=folder, process=process)
    with process:
        try:
            worker.order(**asdict(settings))
            wait_until(lambda: worker.listen() and worker.keeper_pid, deadline_s=20, what="the keeper")
            # Root is given up by now: this folder is shown to the service's user at its usual place.
            (folder / "code").mkdir(exist_ok=True)
            (folder / "code").chmod(0o755)
            yield worker
        finally:
            assert process.stdin is not None
            process.stdin.close()
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)  # a test may have frozen it
            wait_until(lambda: process.poll() is not None, deadline_s=20, what="the end of the worker")
            wait_until(lambda: not alive(worker.keeper_pid), deadline_s=20, what="the end of the keeper")
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what `before` started beside it


def alive(pid: int) -> bool:
    """Whether there is such a process, and not only what is left of it until somebody waits."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def family(pid: int) -> set[int]:
    """`pid` and all that descends from it now."""
    return set(proc.tree(pid))


def family_of(pid: int, size: int) -> set[int]:
    """`pid` and all that descends from it, once those are at least `size`."""
    wait_until(lambda: len(family(pid)) >= size, deadline_s=10, what=f"{size} processes")
    return family(pid)


def seconds_since(start: float) -> float:
    """How long ago `start`, on the monotonic clock, was."""
    return time.monotonic() - start
