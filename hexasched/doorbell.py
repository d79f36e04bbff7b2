"""Wakes another process of this instance at once: a datagram to a socket in the data folder.

A ring carries no data and may be lost: whoever listens looks into the database, and looks again every
second anyway. Where several hosts share a database, a carrier (store/bells.py) brings rings from one to the others.
"""

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, Self

WORK = "work"  # a run or a build was queued, or is to be cancelled: workers listen
SCHEDULE = "schedule"  # a CronJob changed: the scheduler listens
MAIL = "mail"  # the outbox has something: the notifier listens
DONE = "done"  # a run or build changed: pages and waiting callers listen
TOPICS = (WORK, SCHEDULE, MAIL, DONE)


class Carrier(Protocol):
    """Brings rings to other hosts, and theirs to the bells of this process."""

    def ring(self, *topics: str) -> None:
        """Wake the listeners on all hosts. Never fails."""

    def listen(self) -> None:
        """Begin to bring rings here, if that has not begun."""


_carriers: dict[Path, Carrier] = {}


def carry(data_dir: Path, carrier: Carrier) -> None:
    """From now on the rings of this process in `data_dir` reach other hosts too, and theirs its bells."""
    _carriers[data_dir] = carrier


class Doorbell:
    """One topic's bell that this process hears; `fileno` is readable after a ring."""

    def __init__(self, data_dir: Path, topic: str) -> None:
        folder = _folder(data_dir)
        self._path = folder / f"{topic}-{os.getpid()}-{secrets.token_hex(4)}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        with _short_path(self._path) as short:
            self._socket.bind(short)
        self._path.chmod(0o600)
        if carrier := _carriers.get(data_dir):
            carrier.listen()

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    def wait(self, timeout_s: float) -> bool:
        """Whether the bell rang within `timeout_s`; rings that came together count once."""
        self._socket.settimeout(max(timeout_s, 0.0001))
        try:
            self._socket.recv(1)
        except TimeoutError:
            return False
        self.clear()
        return True

    def clear(self) -> bool:
        """Forget the rings so far; whether there were any."""
        self._socket.setblocking(False)
        rung = False
        with contextlib.suppress(BlockingIOError):
            while True:
                rung = bool(self._socket.recv(1)) or rung
        return rung

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ring(data_dir: Path, *topics: str) -> None:
    """Wake all that listen to one of `topics`. Never fails: a lost ring only costs a second."""
    ring_own(data_dir, *topics)
    ring_others(data_dir, *topics)


def ring_others(data_dir: Path, *topics: str) -> None:
    """Wake all but those that listen in this process. Never fails."""
    for bell, topic, pid in _bells(data_dir):
        if topic in topics and pid != str(os.getpid()):
            _ring_one(bell)
    if carrier := _carriers.get(data_dir):
        carrier.ring(*topics)


def ring_own(data_dir: Path, *topics: str) -> None:
    """Wake only those that listen in this process."""
    for bell, topic, pid in _bells(data_dir):
        if topic in topics and pid == str(os.getpid()):
            _ring_one(bell)


def _bells(data_dir: Path) -> Iterator[tuple[Path, str, str]]:
    """The sockets that there are, each with its topic and its process."""
    with contextlib.suppress(OSError):
        for bell in list(_folder(data_dir).iterdir()):
            topic, pid, *_ = f"{bell.name}-".split("-")
            yield bell, topic, pid


def _ring_one(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender, _short_path(path) as short:
        try:
            sender.sendto(b"!", short)
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)  # its process died without closing
        except OSError:
            pass  # full: that process has a ring waiting already


def _folder(data_dir: Path) -> Path:
    folder = data_dir / "bells"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


class _short_path:  # noqa: N801 - reads as a function
    """A path of a socket that fits the 107 bytes of sockaddr_un, however deep the data folder lies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> str:
        self._descriptor = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._descriptor}/{self._path.name}"

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
