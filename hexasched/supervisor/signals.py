"""Signals as data: a handler does nothing but leave a number in a pipe, which the loop reads like any other."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

STOP = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


@contextmanager
def signal_pipe() -> Iterator[int]:
    """The reading end of a pipe that gets one byte, the signal's number, for each SIGCHLD and each signal of STOP.

    A signal of STOP that whoever started us wanted ignored, as nohup does with SIGHUP, stays ignored; not SIGCHLD:
    the kernel would reap the children, and nobody hear how they ended.
    """
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    old_fd = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watched = [signal.SIGCHLD, *(number for number in STOP if signal.getsignal(number) is not signal.SIG_IGN)]
    old_handlers = {number: signal.signal(number, _nothing) for number in watched}
    try:
        yield reading
    finally:
        for number, handler in old_handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(old_fd)
        os.close(reading)
        os.close(writing)


def drained(reading: int) -> set[int]:
    """The signals that came since the last call; never blocks."""
    try:
        return set(os.read(reading, 4096))
    except BlockingIOError:
        return set()


def _nothing(_number: int, _frame: object) -> None:
    # Python leaves the number in the pipe by itself; SIG_IGN in place of this would keep it from doing so.
    return
