"""Keeps the workspaces' networks: made when first asked for, renewed when they die or the host's network changes."""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from hexasched import logs
from sandbox import network, proc
from sandbox.host import Host, HostWatch
from sandbox.jobs import SandboxSettings
from sandbox.launch import find_program
from sandbox.loop import Loop

START_S = 10.0
IDLE_S = 60.0  # a pasta holds 29 MB; what waits for a schedule has its network before its moment
MAX_SAID_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The way into a network: the pid of a process inside; or None, and `failure` if that is a fault."""

    pid: int | None = None
    failure: str | None = None


@dataclass(kw_only=True, eq=False)
class Namespace:
    """One pasta process and the jobs that use it; `waiting` are called back once `holder` is known."""

    host: Host
    process: subprocess.Popen[bytes]
    pidfd: int
    start_by: float
    said: bytes = b""
    holder: int | None = None
    waiting: dict[str, Callable[[Entry], None]] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    idle_since: float = 0.0


class Namespaces:
    """All networks of one keeper. They end with it, even if it is killed."""

    def __init__(self, loop: Loop, settings: SandboxSettings, etc: Path) -> None:
        """`etc` is the folder that the sandboxes have as /etc; resolv.conf is written there."""
        self._loop, self._settings, self._etc = loop, settings, etc
        self._host = HostWatch()
        self._current: dict[str, Namespace] = {}
        self._all: list[Namespace] = []

    @property
    def pids(self) -> list[int]:
        """The processes that are waited for here."""
        return [namespace.process.pid for namespace in self._all]

    @property
    def wake_at(self) -> float:
        """When `tick` is due, on the monotonic clock."""
        return min((_due(namespace) for namespace in self._all), default=float("inf"))

    def enter(self, workspace: str, key: str, then: Callable[[Entry], None]) -> None:
        """Call `then` with the way into the workspace's network, now or when it is up; `leave` when the job is over.

        A machine without any route out gets an Entry without pid and without failure.
        """
        host = self._host.look()
        if not (host.has_v4 or host.has_v6):
            then(Entry())
            return
        namespace = self._current.get(workspace)
        if namespace is not None and namespace.process.poll() is not None:
            self._end(namespace)  # its end has not come round yet
            namespace = None
        if namespace is None or namespace.host != host:
            try:
                namespace = self._current[workspace] = self._start(host)
            except OSError as error:
                then(Entry(failure=str(error)))
                return
        namespace.users.add(key)
        if namespace.holder is None:
            namespace.waiting[key] = then
        else:
            then(Entry(pid=namespace.holder))

    def holds(self, workspace: str, pid: int | None) -> bool:
        """Whether the way into the workspace's network is still process `pid`, and the network is as it should be."""
        namespace = self._current.get(workspace)
        if namespace is None or namespace.process.poll() is not None:
            return False
        return namespace.holder == pid and namespace.host == self._host.look()

    def leave(self, key: str) -> None:
        """The job is over, or no longer waits."""
        for namespace in self._all:
            namespace.waiting.pop(key, None)
            if key in namespace.users:
                namespace.users.remove(key)
                namespace.idle_since = time.monotonic()

    def tick(self, now: float) -> None:
        """End what did not start in time, what is outdated and what nobody has used for long."""
        for namespace in [one for one in self._all if now >= _due(one)]:
            self._end(namespace)
        for namespace in [one for one in self._all if one not in self._current.values() and not one.users]:
            self._end(namespace)

    def close(self) -> None:
        """End all of them."""
        for namespace in list(self._all):
            self._end(namespace)
        self._host.close()

    def _start(self, host: Host) -> Namespace:
        if os.geteuid() == 0:
            raise OSError("pasta can't work for root; run the service as an ordinary user")
        command = network.pasta_command(find_program("pasta"), host, self._settings)
        replaced = self._etc / "resolv.conf.new"
        replaced.write_text(network.resolv_conf(host))
        replaced.rename(self._etc / "resolv.conf")
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            cwd="/",
            start_new_session=True,
        )
        pidfd = os.pidfd_open(process.pid)
        namespace = Namespace(host=host, process=process, pidfd=pidfd, start_by=time.monotonic() + START_S)
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        self._loop.watch(process.stdout.fileno(), partial(self._hear, namespace))
        self._loop.watch(pidfd, partial(self._end, namespace))
        self._all.append(namespace)
        return namespace

    def _hear(self, namespace: Namespace) -> None:
        stdout = namespace.process.stdout
        assert stdout is not None
        piece = os.read(stdout.fileno(), MAX_SAID_BYTES)
        if not piece:
            self._loop.forget(stdout.fileno())
        namespace.said = (namespace.said + piece)[-MAX_SAID_BYTES:]
        if namespace.holder is None and namespace.said.endswith(b"ready\n"):
            # In the pid namespace that pasta makes it is process 1; this is its number here.
            namespace.holder = next(iter(proc.children(namespace.process.pid)), None)
            self._answer(namespace, Entry(pid=namespace.holder))

    def _end(self, namespace: Namespace) -> None:
        process = namespace.process
        assert process.stdin is not None
        assert process.stdout is not None
        for fd in (process.stdout.fileno(), namespace.pidfd):
            self._loop.forget(fd)
        if namespace.holder is None:
            namespace.said += _read_rest(process.stdout.fileno())
            logs.warning("sandbox.network_failed", said=namespace.said.decode("utf-8", "replace"))
        process.stdin.close()  # ends the holder
        process.kill()
        process.wait()
        process.stdout.close()
        os.close(namespace.pidfd)
        self._all.remove(namespace)
        self._current = {key: one for key, one in self._current.items() if one is not namespace}
        self._answer(namespace, Entry(failure=_reason(namespace.said)))

    def _answer(self, namespace: Namespace, entry: Entry) -> None:
        waiting, namespace.waiting = namespace.waiting, {}
        for then in waiting.values():
            then(entry)


def _due(namespace: Namespace) -> float:
    if namespace.holder is None:
        return namespace.start_by
    return float("inf") if namespace.users else namespace.idle_since + IDLE_S


def _read_rest(fd: int) -> bytes:
    try:
        return os.read(fd, MAX_SAID_BYTES)
    except BlockingIOError:
        return b""


def _reason(said: bytes) -> str:
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if "to syslog" not in line and line.strip()]
    return lines[-1] if lines else "it did not come up in time"
