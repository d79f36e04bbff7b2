"""The worker's side of its keeper: start it, give it jobs, keep it alive with beats, hear what happens."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal, Self

from hexasched.errors import TryAgainError
from sandbox import wire
from sandbox.jobs import Job, Message, SandboxSettings

SEND_S = 10.0
RECEIVE_BYTES = 256 * 1024
# What Python itself may need to find its modules; secrets have no business in an environment.
PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONHOME", "LANG")


class KeeperGoneError(TryAgainError):
    """The keeper has ended, and all its sandboxes with it; another worker can start another one."""


class Keeper:
    """A running keeper. `heard_at` is when it last said something, on the monotonic clock.

    Jobs may be given and stopped, and beats sent, from any thread; messages are read by one.
    """

    def __init__(self, process: subprocess.Popen[bytes], sock: socket.socket) -> None:
        self._process, self._socket = process, sock
        sock.settimeout(SEND_S)
        self._reader = sock.dup()
        self._reader.setblocking(False)
        self._sending = threading.Lock()
        self._received = bytearray()
        self.heard_at = time.monotonic()

    @classmethod
    def start(cls, settings: SandboxSettings, keep_open: Sequence[int] = ()) -> Self:
        """Start a keeper process; its state_dir must be ours alone. The first lease begins now.

        The keeper holds the descriptors `keep_open`, such as a locked file's, until it and its sandboxes have ended.
        """
        ours, theirs = socket.socketpair()
        environ = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "sandbox.keeper", str(theirs.fileno())],
                pass_fds=[theirs.fileno(), *keep_open],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        keeper = cls(process, ours)
        with contextlib.suppress(KeeperGoneError):  # if it died this early, the next word to it tells
            keeper._send(asdict(settings))
        return keeper

    def fileno(self) -> int:
        """Readable when there are messages (or the keeper has ended)."""
        return self._socket.fileno()

    @property
    def pid(self) -> int:
        """The keeper's process."""
        return self._process.pid

    def submit(self, job: Job) -> None:
        """Start a job; a Finished will come, whatever happens. Raises KeeperGoneError."""
        self._send({"type": "submit", "job": wire.job_to_json(job)})

    def keep_warm(self, templates: Sequence[Job], room: int) -> None:
        """Have a process waiting for a job like each of these; at once all others end. Raises KeeperGoneError.

        Of those that are reused more may stay, as long as no more than `room` wait in all.
        """
        self._send({"type": "warm", "room": room, "jobs": [wire.job_to_json(job) for job in templates]})

    def stop(self, key: str, cause: Literal["cancel", "replaced", "drain"]) -> None:
        """End a job: SIGTERM, SIGKILL 5 s later. Its Finished follows. Raises KeeperGoneError."""
        self._send({"type": "stop", "key": key, "cause": cause})

    def answer(self, key: str, answer: dict[str, Any]) -> None:
        """Answer a request of a job; its id is in `answer`. Raises KeeperGoneError."""
        self._send({"type": "answer", "key": key, "answer": answer})

    def beat(self, sent_at: float | None = None) -> None:
        """Extend the lease to lease_s after `sent_at`, which is now if None. Raises KeeperGoneError.

        `sent_at` is on the monotonic clock: when the heartbeat to the database, which has succeeded, was sent.
        """
        self._send({"type": "beat", "at": time.monotonic() if sent_at is None else sent_at})

    def messages(self) -> list[Message]:
        """What has happened since the last call, in order; does not wait.

        Raises KeeperGoneError when the keeper has ended and all that it said has been read.
        """
        ended = False
        with contextlib.suppress(BlockingIOError):
            while not ended:
                piece = self._receive()
                ended = not piece
                self._received += piece
        messages = []
        for body in wire.take_frames(self._received):
            self.heard_at = time.monotonic()
            if body["type"] != "beat":
                messages.append(wire.message_from_json(body))
        if ended and not messages:
            raise KeeperGoneError("the keeper has ended")
        return messages

    def close(self, timeout_s: float = 10.0) -> None:
        """End the keeper and all its sandboxes; it is killed if it takes longer than `timeout_s`.

        Runs that were not stopped before end without a message; their spool files are complete.
        """
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()  # the sandboxes die with the thread that started them
            self._process.wait()
        self._socket.close()
        self._reader.close()

    def kill(self, timeout_s: float = 5.0) -> None:
        """Kill the keeper, frozen or not, and with it all its sandboxes; wait at most `timeout_s` for its end."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)

    def _receive(self) -> bytes:
        try:
            return self._reader.recv(RECEIVE_BYTES)
        except ConnectionResetError:
            return b""

    def _send(self, body: dict[str, Any]) -> None:
        try:
            with self._sending:
                self._socket.sendall(wire.frame(body))
        except OSError as error:
            raise KeeperGoneError(f"the keeper does not listen: {error}") from error
