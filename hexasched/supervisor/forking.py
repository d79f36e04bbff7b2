"""Copies this process for a child, which begins like a fresh program but shares the memory of all that is loaded."""

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from hexasched import linux


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a copy does: `main`, which may end with SystemExit, as a command. `words` are what ps(1) shows it with."""

    words: Sequence[str]
    env: Mapping[str, str]
    main: Callable[[], object]


@dataclass
class Process:
    """A copy that was made; `status` is its exit status, or minus the signal that killed it, once it has been asked."""

    pid: int
    status: int | None = None

    def poll(self) -> int | None:
        """Reap it if it has ended; its status, None as long as it runs."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def send(self, number: int) -> None:
        """Send a signal, unless it was reaped: its pid may be another's then."""
        if self.status is None:
            os.kill(self.pid, number)


def share_memory() -> None:
    """To be called before the first copy: what is in memory now stays where it is, so that the copies can share it."""
    gc.collect()
    gc.freeze()  # else the collector would write into each object, and the kernel copy each page for each process


def fork(program: Program, keep: int) -> Process:
    """Start `program` in a copy of this process, in a process group of its own; the kernel kills it when this one ends.

    Of the descriptors it has stdin from /dev/null, stdout, stderr and `keep`. This process must have one thread, and
    no open connection to a database: what a copy closes of it, or says on it, would disturb the original.
    Raises OSError if the machine has no room for another process.
    """
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a copy has one thread; locks of the others stay locked"
    gc.collect()  # what is garbage here would be torn down there: files and connections that are the original's
    _flush()  # else the copy would write it, too
    parent = os.getpid()
    # A signal between the fork and the copy's first steps would be handled as if it were the original.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
        if pid == 0:
            _be(program, keep, parent, mask)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    with suppress(PermissionError, ProcessLookupError):
        os.setpgid(pid, pid)  # the copy does it as well: whoever comes second finds it done
    return Process(pid)


def _be(program: Program, keep: int, parent: int, mask: Iterable[int]) -> NoReturn:
    """The whole life of the copy. Nothing below it on the stack, which is the original's, is ever gone back to."""
    status = os.EX_SOFTWARE
    try:
        _tie_to(parent)
        _forget_signals()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _forget_descriptors(keep)
        os.environ.clear()
        os.environ.update(program.env)
        # Where that can't be done all children are shown with the original's command line.
        with suppress(OSError, ValueError, IndexError):
            linux.set_command_line(program.words)
        status = _run(program.main)
    except BaseException:  # noqa: BLE001 - whatever it is, it ends here: above are the original's handlers
        traceback.print_exc()
    finally:
        os._exit(status)


def _tie_to(parent: int) -> None:
    os.setpgid(0, 0)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _forget_signals() -> None:
    """As exec and the start of Python would leave them: what was ignored stays ignored, all else is as it began."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _forget_descriptors(keep: int) -> None:
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not paths
        if int(name) > 2 and int(name) != keep:
            with suppress(OSError):  # the one that the list was read with
                os.close(int(name))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _run(main: Callable[[], object]) -> int:
    """The exit status of `main`, once its threads have ended, as at the end of a Python program."""
    try:
        main()
        status = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)  # noqa: T201 - what Python does
        status = 0 if end.code is None else end.code if isinstance(end.code, int) else 1
    threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 - as multiprocessing does at this place
    _flush()
    return status & 0xFF


def _flush() -> None:
    for stream in filter(None, (sys.stdout, sys.stderr)):  # None if it was closed when this began
        with suppress(OSError):  # nobody reads it any more, which is no reason to end
            stream.flush()
