"""One child process of the service: started, heard when it is ready, its end put into words."""

import os
import signal
from dataclasses import dataclass, replace

from hexasched.supervisor.forking import Process, Program, fork
from hexasched.supervisor.ready import READY_FD


@dataclass(frozen=True, kw_only=True)
class Child:
    """What to start. Children of a lower `stop_rank` are stopped, and are gone, before those of a higher one."""

    name: str
    program: Program
    stop_rank: int
    stop_s: float  # from SIGTERM to SIGKILL


@dataclass
class Seat:
    """Where a child sits: its process, if it has one, and what became of the ones before."""

    child: Child
    process: Process | None = None
    ready_fd: int | None = None  # open until the process is ready or gone
    ready: bool = False
    ever_ready: bool = False
    started: float = 0.0  # monotonic
    deaths: int = 0  # in a row, each soon after the start
    restart_at: float | None = None  # monotonic


def start(seat: Seat, now: float) -> Process:
    """Start the seat's child. Raises OSError if that is not possible now."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    program = replace(seat.child.program, env={**seat.child.program.env, READY_FD: str(writing)})
    try:
        process = fork(program, keep=writing)
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    seat.process, seat.ready_fd, seat.ready = process, reading, False
    seat.started, seat.restart_at = now, None
    return process


def hear(seat: Seat) -> None:
    """Take note of what the child wrote on its ready pipe; called when the pipe can be read."""
    assert seat.ready_fd is not None
    if os.read(seat.ready_fd, 64):
        seat.ready = seat.ever_ready = True
    forget_pipe(seat)


def forget_pipe(seat: Seat) -> None:
    """Close the ready pipe if it is open."""
    if seat.ready_fd is not None:
        os.close(seat.ready_fd)
        seat.ready_fd = None


def describe_end(status: int) -> str:
    """`status` as Process has it, in words: "exit status 1" or "signal KILL"."""
    if status >= 0:
        return f"exit status {status}"
    return f"signal {signal.Signals(-status).name.removeprefix('SIG')}"
