"""Starts a command with exactly the descriptors that it is given."""

import fcntl
import os
import signal
from dataclasses import dataclass

from sandbox import confine
from sandbox.launch import BLOCK_FD, CONTROL_FD, INFO_FD, RESULT_FD, Launch

FAILED = 126  # the exit code of a child that could not become the command
FIRST_FREE_FD = 64  # above every number that a command gets
# What the keeper ignores, a command must not.
DEFAULTED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ)


@dataclass(frozen=True, kw_only=True)
class Spawned:
    """A started command: its pid and our ends of its pipes, all of them non-blocking.

    `info` and `block` are None if the command is not held.
    """

    pid: int
    pidfd: int
    out: int
    err: int
    result: int
    control: int
    info: int | None
    block: int | None


def start(launch: Launch) -> Spawned:
    """Start `launch` in a session of its own; raises OSError if it can't be started."""
    ours: dict[int, int] = {}
    theirs: dict[int, int] = {0: os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)}
    reading = [1, 2, RESULT_FD, *([INFO_FD] if launch.held else [])]
    writing = [CONTROL_FD, *([BLOCK_FD] if launch.held else [])]
    try:
        for target in reading:
            ours[target], theirs[target] = os.pipe()
        for target in writing:
            theirs[target], ours[target] = os.pipe()
        for target, content in launch.files.items():
            theirs[target] = _in_memory(content)
        pid = _spawn(launch, theirs)
    except BaseException:  # whatever it is goes on; nobody else knows of these descriptors
        _close(ours)
        raise
    finally:
        _close(theirs)
    for fd in ours.values():
        os.set_blocking(fd, False)
    return Spawned(
        pid=pid,
        pidfd=os.pidfd_open(pid),
        out=ours[1],
        err=ours[2],
        result=ours[RESULT_FD],
        control=ours[CONTROL_FD],
        info=ours.get(INFO_FD),
        block=ours.get(BLOCK_FD),
    )


def _in_memory(content: bytes) -> int:
    fd = os.memfd_create("sandbox", os.MFD_CLOEXEC)
    with open(fd, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _spawn(launch: Launch, theirs: dict[int, int]) -> int:
    # Moved out of the way first: a source must not be overwritten by an earlier target.
    moved = {target: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE_FD) for target, fd in theirs.items()}
    if launch.confinement is not None:
        try:
            return _fork(launch, launch.confinement, moved)
        finally:
            _close(moved)
    actions = [(os.POSIX_SPAWN_DUP2, fd, target) for target, fd in moved.items()]
    os.chdir(launch.cwd)
    try:
        return os.posix_spawn(
            launch.argv[0], launch.argv, launch.environ, file_actions=actions, setsid=True, setsigdef=DEFAULTED
        )
    finally:
        os.chdir("/")
        _close(moved)


def _fork(launch: Launch, confinement: confine.Confinement, fds: dict[int, int]) -> int:
    pid = os.fork()
    if pid != 0:
        return pid
    try:
        os.setsid()
        for number in DEFAULTED:
            signal.signal(number, signal.SIG_DFL)
        for target, fd in fds.items():
            os.dup2(fd, target)
        os.chdir(launch.cwd)
        confine.enter(confinement)
        os.execve(launch.argv[0], launch.argv, launch.environ)  # noqa: S606 - no shell is wanted
    except Exception as error:  # noqa: BLE001 - told to the parent, which is the only one who can do something
        os.write(2, f"sandbox: {error}\n".encode())
    finally:
        os._exit(FAILED)


def _close(fds: dict[int, int]) -> None:
    for fd in fds.values():
        os.close(fd)
