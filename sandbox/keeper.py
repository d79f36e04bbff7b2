"""Spawns and watches the sandboxes of one worker, and kills them all when the worker dies, freezes or goes.

sandbox.client starts it as `python -m sandbox.keeper FD`, where FD is a socket whose other end the worker holds. One
thread, because --die-with-parent follows the thread that started a sandbox.
"""

import contextlib
import fcntl
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

from hexasched import logs
from sandbox import proc, wire
from sandbox.jobs import Message, SandboxSettings
from sandbox.loop import Loop
from sandbox.roster import Roster

RECEIVE_BYTES = 256 * 1024
FAREWELL_S = 2.0
LONGEST_SLEEP_S = 60.0
REAP_S = 0.5
STRAYS_S = 5.0
START_S = 10.0


class Keeper:
    """The worker's end of the socket decides: each beat is a lease, and without one everything is killed."""

    def __init__(self, worker: socket.socket, settings: SandboxSettings, received: bytearray) -> None:
        """`received` is what came after the settings."""
        self._worker, self._lease_s = worker, settings.lease_s
        self._loop = Loop()
        self._roster = Roster(self._loop, settings, self._tell)
        self._received, self._unsent = received, bytearray()
        # A number of its own, so that writing can be waited for while reading goes on.
        self._out = os.dup(worker.fileno())
        self._waits_to_send = False
        self._reap_at = 0.0
        # Then an orphan is the rest of a sandbox whose bubblewrap was killed before all was set up.
        self._contained = settings.mode == "bubblewrap"
        self._lease_until = time.monotonic() + settings.lease_s
        self._closing = self._worker_is_mute = False
        worker.setblocking(False)
        self._loop.watch(worker.fileno(), self._receive)
        self._obey_all()

    def serve(self) -> None:
        """Work until the worker is gone and nothing of its jobs is left."""
        while not (self._closing and self._roster.empty):
            wake_at = min(self._roster.wake_at, float("inf") if self._closing else self._lease_until)
            self._loop.turn(min(wake_at - time.monotonic(), LONGEST_SLEEP_S))
            now = time.monotonic()
            if now >= self._lease_until and not self._closing:
                self._receive()  # if it was us who were held up, beats wait there
            if now >= self._lease_until and not self._closing:
                self._close("no beat")
            self._roster.tick(now)
            if now >= self._reap_at:
                self._reap_at = now + REAP_S
                _reap(except_for=self._roster.pids, kill=self._contained)
        self._roster.close()
        _kill_strays()
        if self._worker_is_mute:
            _kill_frozen(self._worker)
        self._loop.close()
        os.close(self._out)

    def _receive(self) -> None:
        try:
            piece = self._worker.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except ConnectionResetError:
            piece = b""
        if not piece:
            self._loop.forget(self._worker.fileno())
            self._close("end of the worker")
            return
        self._received += piece
        self._obey_all()

    def _obey_all(self) -> None:
        for order in wire.take_frames(self._received):
            self._obey(order)

    def _obey(self, order: dict[str, Any]) -> None:
        match order["type"]:
            case "submit" if not self._closing:
                self._roster.submit(wire.job_from_json(order["job"]))
            case "warm" if not self._closing:
                self._roster.keep_warm([wire.job_from_json(job) for job in order["jobs"]], order["room"])
            case "stop":
                self._roster.stop(order["key"], order["cause"])
            case "answer":
                self._roster.answer(order["key"], order["answer"])
            case "beat":
                self._lease_until = max(self._lease_until, min(order["at"], time.monotonic()) + self._lease_s)
                self._send({"type": "beat"})

    def _close(self, why: str) -> None:
        if not self._closing:
            logs.event("sandbox.keeper_closing", why=why)
        self._closing = True
        self._worker_is_mute = why == "no beat"
        self._roster.stop_all("gone")
        self._roster.kill_all()

    def _tell(self, message: Message) -> None:
        self._send(wire.message_to_json(message))

    def _send(self, body: dict[str, Any]) -> None:
        self._unsent += wire.frame(body)
        self._flush()

    def _flush(self) -> None:
        try:
            sent = self._worker.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            sent = len(self._unsent)  # nobody listens any more; the spool files are what remains
        del self._unsent[:sent]
        if self._waits_to_send and not self._unsent:
            self._loop.forget(self._out)
        elif self._unsent and not self._waits_to_send:
            self._loop.watch(self._out, self._flush, writing=True)
        self._waits_to_send = bool(self._unsent)


def _reap(*, except_for: set[int | None], kill: bool) -> None:
    """Wait for dead orphans that became our children; `kill` those that live."""
    for pid in set(proc.children(os.getpid())) - except_for:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            if kill:
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, os.WNOHANG)


def _kill_strays() -> None:
    """Without a sandbox a job may have left processes in sessions of their own; they end with the keeper."""
    give_up_at = time.monotonic() + STRAYS_S
    while (pids := proc.children(os.getpid())) and time.monotonic() < give_up_at:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _kill_frozen(worker: socket.socket) -> None:
    """End a worker that has not beaten for a lease, unless it goes by itself when it hears that we go.

    Frozen or hung it would keep its place for nothing, and hold the lock by which others see that it lives.
    """
    pid, _, _ = struct.unpack("3i", worker.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    worker.shutdown(socket.SHUT_WR)
    worker.settimeout(FAREWELL_S)
    with contextlib.suppress(TimeoutError, ConnectionError):
        while worker.recv(RECEIVE_BYTES):
            pass
        return
    if pid == os.getppid():  # then it is not dead, and its number is not somebody else's
        logs.warning("sandbox.worker_killed", pid=pid, why="no beat for a lease")
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _read_settings(worker: socket.socket) -> tuple[SandboxSettings, bytearray]:
    """The first frame, and what came after it."""
    received = bytearray()
    worker.settimeout(START_S)
    while True:
        piece = worker.recv(RECEIVE_BYTES)
        if not piece:
            sys.exit("the worker ended before it said what to do")
        received += piece
        for body in wire.take_frames(received):
            return wire.settings_from_json(body), received


def _keep_descriptors_to_ourselves() -> None:
    # Whatever else was inherited must not reach a sandbox: one open folder is a way out of it.
    for entry in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(OSError):
            fcntl.fcntl(int(entry.name), fcntl.F_SETFD, fcntl.FD_CLOEXEC)


def main() -> None:
    """Serve the worker at the other end of the socket whose number is the only argument."""
    logs.set_up("keeper")
    # The worker decides when the keeper ends; a signal to the whole process group must not.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o077)
    os.chdir("/")
    _keep_descriptors_to_ourselves()
    proc.allow_many_descriptors()
    proc.adopt_orphans()
    with socket.socket(fileno=int(sys.argv[1])) as worker:
        settings, received = _read_settings(worker)
        Keeper(worker, settings, received).serve()


if __name__ == "__main__":
    main()
