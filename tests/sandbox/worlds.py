"""Where hostile functions run: a worker on a machine of its own, full of what they must not find, and a neighbour.

A world is the sandbox as one kind of installation has it: its tier, and how the service was started.
"""

import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import Reason
from sandbox.jobs import Job
from tests.sandbox.harness import Worker, running_worker
from tests.sandbox.hostile import FOLDER, Attack
from tests.sandbox.own_host import worker_on_own_host
from tests.waiting import wait_until

_WALLS = ("env", "fds", "files", "kernel", "net", "others", "proc")
WORLDS: dict[str, tuple[str, ...]] = {
    "bubblewrap-root": (*_WALLS, "keeper", "memory", "output", "result", "scratch", "text", "time"),
    "bubblewrap-user": _WALLS,
    "landlock-root": (*_WALLS, "memory", "scratch", "time/ignores_the_signal", "time/stops_itself"),
}
"""The walls, and whether the service is started by an ordinary user or by root; which attacks tell them apart."""

# Gives up root before the worker begins, so that this begins as an ordinary user.
_AS_USER = (
    "import os, pathlib, sys; from hexasched.privileges import drop_root; drop_root(pathlib.Path(sys.argv[1])); "
    "os.execv(sys.argv[2], sys.argv[2:])"
)

# A run of another workspace with a server, files and a queue of the kernel: what others may want to take from it.
_NEIGHBOUR = """
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const { syscalls } = require('./syscalls.cjs');
exports.handler = (event, context) => new Promise((resolve) => {
    const servers = [net.createServer((socket) => socket.end('mine')).listen(5555, '0.0.0.0')];
    servers.push(net.createServer((socket) => socket.end('mine')).listen('\\0neighbour'));
    for (const server of servers) server.on('error', () => {});
    const files = [os.tmpdir(), '/dev/shm'].map((folder) => `${folder}/neighbour`);
    const each = (action) => files.forEach((path) => { try { action(path) } catch {} });
    each((path) => fs.writeFileSync(path, 'mine'));
    const [queue] = syscalls([['msgget', 0x4e8, 0o1666]]);
    setInterval(() => {}, 1000);
    console.log('up');
    context.signal.addEventListener('abort', () => {
        each(fs.unlinkSync);
        syscalls([['msgctl', queue, 0, 0]]);
        resolve();
    });
});
"""


@dataclass(kw_only=True)
class World:
    """A worker, what hostile functions are told as their event, and its neighbour's job."""

    worker: Worker
    facts: dict[str, Any]
    neighbour: Job
    walls: str
    doors: set[int] = field(default_factory=set)  # ports on which somebody listens at the machine, ever

    def look(self) -> bool:
        """Note the machine's open ports; True, for waiting in between."""
        assert self.worker.process.poll() is None, f"the worker has ended: {self.worker.process.returncode}"
        for name in ("tcp", "tcp6"):
            rows = Path(f"/proc/{self.worker.process.pid}/net/{name}").read_text().splitlines()[1:]
            self.doors |= {int(row.split()[1].rpartition(":")[2], 16) for row in rows if row.split()[3] == "0A"}
        return True

    def descriptors(self) -> list[int]:
        """How many files are open in worker and keeper."""
        return [len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self._processes()]

    def resident_mb(self) -> list[float]:
        """The memory of worker and keeper."""
        return [_resident_mb(pid) for pid in self._processes()]

    def _processes(self) -> tuple[int, int]:
        return self.worker.process.pid, self.worker.keeper_pid


NO_WALLS = "none"
"""A world without any: there the attacks must succeed."""


def belongs(attack: Attack, world: str) -> bool:
    """Whether the attack is tried in this world."""
    return attack.name.startswith(WORLDS[world]) and world.partition("-")[0] in attack.walls


@contextmanager
def running_world(name: str, folder: Path, **changes: Any) -> Iterator[World]:
    """One of WORLDS; `changes` are of running_worker, whose `before` comes after what the world puts there."""
    data, walls = folder / "data", name.partition("-")[0]
    secret = f"PLANTED-{secrets.token_hex(8)}"
    environ = {"HEXASCHED_DATABASE_URL": f"postgresql://hexasched:{secret}@db/hexasched"}
    with _worker(name, folder, environ, **changes) as worker:
        secret_file = data / "secret.key"
        secret_file.write_text(secret)
        secret_file.chmod(0o644)
        neighbour = _start_neighbour(worker, walls)
        facts = {
            "hostname": socket.gethostname(),
            "uid": worker.uid,
            "gid": worker.uid,
            "pids": [worker.keeper_pid, worker.process.pid, os.getpid()],
            "secret_file": str(secret_file),
            "walls": walls,
            "folders": [str(data / "state"), neighbour.code_dir, str(data)],
        }
        yield World(worker=worker, facts=facts, neighbour=neighbour, walls=walls)
        assert not worker.has_ended(neighbour), "somebody ended the neighbour"
        worker.order(type="stop", key=neighbour.key, cause="cancel")
        assert worker.end_of(neighbour).reason is Reason.USER


def _worker(name: str, folder: Path, environ: dict[str, str], **changes: Any) -> AbstractContextManager[Worker]:
    data = folder / "data"
    if name == "landlock-root":
        # Not on a host of its own: which users are taken, keepers of one network tell each other.
        variables = [f"{key}={value}" for key, value in environ.items()]
        before = ("env", *variables, sys.executable, "-m", "tests.sandbox.refused")
        return running_worker(data, before=before, mode="landlock", **changes)
    if name == NO_WALLS:
        return worker_on_own_host(folder, environ=environ, mode="none", **changes)
    as_user = (sys.executable, "-c", _AS_USER, str(data)) if name.endswith("-user") and os.getuid() == 0 else ()
    changes["before"] = (*as_user, *changes.get("before", ()))
    network: dict[str, Any] = {"loopback_ports": (1025,), "block_private": True}
    return worker_on_own_host(folder, environ=environ, **network, **changes)


def _start_neighbour(worker: Worker, walls: str) -> Job:
    folder = worker.write({"index.cjs": _NEIGHBOUR, "syscalls.cjs": (FOLDER / "syscalls.cjs").read_text()})
    limits = Limits(timeout_s=600)
    network = "outbound" if walls == "bubblewrap" else "none"
    job = worker.submit(folder, file="index.cjs", network=network, workspace="harbour", limits=limits)
    worker.start_of(job)
    wait_until(lambda: worker.records(job), deadline_s=20, what="the neighbour")
    return job


def _resident_mb(pid: int) -> float:
    (row,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(row.split()[1]) / 1024
