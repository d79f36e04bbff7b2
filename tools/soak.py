"""Sends thousands of runs, hostile ones among them, through a real service; says what has grown and what is left.

`make soak` does 10,000 in about half an hour; `make soak ARGS="--runs 500"` fewer. Exits with 1 if worker or keeper has
grown by more than 20 MB since the first hundred runs, or if a process, file or descriptor of a run is left.
"""

import argparse
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil
from sqlalchemy import func, select

from hexasched import doorbell
from hexasched.store import runs
from hexasched.store import tables as t
from hexasched.store.database import Database
from tests.processes.service import Service
from tests.waiting import wait_until

MAX_GROWTH_MB = 20.0
WARM_UP = 100
IN_HAND = 30
STALL_S = 180.0

# Each with how many of a hundred runs it gets.
FUNCTIONS: dict[str, tuple[int, str]] = {
    "works": (50, "async (event) => { console.log('hello'); return event }"),
    "throws": (10, "() => { throw new Error('no boat') }"),
    "exits": (6, "() => process.reallyExit(0)"),
    "ends-its-group": (5, "() => { process.kill(0, 'SIGKILL'); return new Promise(() => {}) }"),
    "forges": (5, "() => { fs.writeSync(3, 'F 99999999\\n{}') }"),
    "floods": (5, "() => { for (let i = 0; i < 40; i++) fs.writeSync(1, 'x'.repeat(99999) + '\\n') }"),
    "fills": (5, "() => { for (let i = 0; ; i++) fs.writeFileSync(`/tmp/${i}`, Buffer.alloc(1 << 20)) }"),
    "grows": (4, "() => { const all = []; for (;;) all.push(Buffer.alloc(8e6, 1)) }"),
    "opens": (5, "() => { for (;;) fs.openSync('/dev/null') }"),
    "kills": (4, "() => { for (const one of [-1, 1]) try { process.kill(one, 'SIGKILL') } catch {} }"),
    "crashes": (1, "() => process.abort()"),
}


class Soak:
    """A running service with those functions, and what has been measured of it."""

    def __init__(self, service: Service, database: Database) -> None:
        self._service, self._database = service, database
        self._deck = [name for name, (share, _) in FUNCTIONS.items() for _ in range(share)]
        self.keeper = psutil.Process(service.pids("sandbox.keeper")[0])
        self.worker = psutil.Process(self.keeper.ppid())

    def run(self, count: int) -> None:
        """Send so many runs through the queue, some at a time, and wait for the end of all."""
        goal = self.finished() + count
        sent = 0

        def turn() -> bool:
            nonlocal sent
            free = IN_HAND - (sent - (self.finished() - (goal - count)))
            self._enqueue([self._deck[(sent + index) * 37 % 100] for index in range(min(free, count - sent))])
            sent += max(0, min(free, count - sent))
            return self.finished() >= goal

        wait_until(turn, deadline_s=STALL_S + count, what=f"{count} runs", every_s=0.05)

    def finished(self) -> int:
        """How many runs have ended."""
        with self._database.reading() as connection:
            ended = select(func.count()).select_from(t.runs).where(t.runs.c.finished_at.is_not(None))
            return int(connection.execute(ended).scalar_one())

    def _enqueue(self, names: list[str]) -> None:
        if not names:
            return
        with self._database.writing() as connection:
            rows = connection.execute(select(t.functions.c.name, t.functions.c.id, t.functions.c.live_version_id))
            known = {name: (function_id, version_id) for name, function_id, version_id in rows}
            for name in names:
                function_id, version_id = known[name]
                new = runs.NewRun(workspace_id=1, function_id=function_id, version_id=version_id, trigger="manual")
                runs.enqueue(connection, new, datetime.now(UTC))
        doorbell.ring(self._service.data_dir, doorbell.WORK)

    def memory_mb(self) -> dict[str, float]:
        """The proportional memory of both processes."""
        return {name: one.memory_full_info().pss / 1e6 for name, one in self._both()}

    def descriptors(self) -> dict[str, int]:
        """The open files of both processes."""
        return {name: one.num_fds() for name, one in self._both()}

    def left(self) -> list[str]:
        """The processes and files of runs that are there; none when no run is."""
        children = [one for one in self.keeper.children(recursive=True) if _is_of_a_run(one)]
        files = [
            path for folder in ("spool", "scratch") for path in self._service.data_dir.glob(f"workers/*/{folder}/*")
        ]
        return [str(one) for one in (*children, *files)]

    def _both(self) -> list[tuple[str, psutil.Process]]:
        return [("worker", self.worker), ("keeper", self.keeper)]


def _is_of_a_run(process: psutil.Process) -> bool:
    # The network of the workspace stays for a while: pasta, and what holds its namespace.
    try:
        names = [process.name(), *(parent.name() for parent in process.parents())]
    except psutil.NoSuchProcess:
        return False
    return not any(name.startswith(("pasta", "passt")) for name in names)


def main() -> None:
    """Start the service, send the runs, print figures as it goes, judge."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended then, too
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    wanted = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        service = Service(folder)
        service.start()
        try:
            wrong = soak(service, folder, wanted)
        finally:
            service.stop()
    print("\n".join(wrong) or "Nothing is left, and nothing has grown.")
    sys.exit(1 if wrong else 0)


def soak(service: Service, folder: Path, wanted: int) -> list[str]:
    """What is wrong after so many runs."""
    service.create_owner()
    for name, (_, source) in FUNCTIONS.items():
        text = f"import fs from 'node:fs';\nexport default {source};\n"
        service.deploy(name, text, folder / name, "--memory", "128", "--timeout", "20")
    with service.open_database() as database:
        soak = Soak(service, database)
        soak.run(WARM_UP)
        wait_until(lambda: not soak.left(), deadline_s=20, what=f"the end of {soak.left()}")
        memory, descriptors, began = soak.memory_mb(), soak.descriptors(), time.monotonic()
        for part in range(10):
            soak.run(wanted // 10)
            rate = (part + 1) * (wanted // 10) / (time.monotonic() - began)
            print(f"{soak.finished():6} runs, {rate:5.1f} a second, {_figures(soak)}", flush=True)
        return judge(soak, memory, descriptors)


def judge(soak: Soak, memory: dict[str, float], descriptors: dict[str, int]) -> list[str]:
    """What has grown since `memory` and `descriptors` were measured, and what is left."""

    def no_more() -> bool:
        # Fewer are well: a network that nobody has used for ten minutes ends.
        return all(count <= descriptors[name] for name, count in soak.descriptors().items())

    try:
        wait_until(lambda: not soak.left() and no_more(), deadline_s=20, what="the end")
        wrong = []
    except AssertionError:
        wrong = [f"Left: {one}" for one in soak.left()] + [f"Open files: {soak.descriptors()}, before {descriptors}"]
    growth = {name: size - memory[name] for name, size in soak.memory_mb().items()}
    print(f"growth in MB: {', '.join(f'{name} {size:+.1f}' for name, size in growth.items())}")
    return wrong + [f"The {name} has grown by {size:.0f} MB." for name, size in growth.items() if size > MAX_GROWTH_MB]


def _figures(soak: Soak) -> str:
    memory, files = soak.memory_mb(), soak.descriptors()
    return "; ".join(f"{name} {memory[name]:.1f} MB, {files[name]} open files" for name in memory)


if __name__ == "__main__":
    main()
