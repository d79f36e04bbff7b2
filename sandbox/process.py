"""The processes of one launch: held at the start, told to stop, killed, and proven dead."""

import contextlib
import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox import limits, proc, slots, spawn
from sandbox.confine import WORST_FOR_THE_KERNEL
from sandbox.launch import Launch
from sandbox.loop import Loop


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How the tree ended: a code as os.waitstatus_to_exitcode gives it, and what it used."""

    code: int
    cpu_s: float
    peak_bytes: int
    out_of_memory: bool  # the kernel says so; without a control group nobody knows


class Process:
    """A tree of processes, from its start until nothing of it is left.

    Under bubblewrap `first` is process 1 of the namespace, whose death is the death of all others in it. Where the tree
    is not `contained`, it is Node.js itself: in a slot all others of the slot's user are killed with it, without a
    sandbox those of its session.
    """

    def __init__(self, launch: Launch, loop: Loop, *, on_up: Callable[[], None], on_dead: Callable[[], None]) -> None:
        """Start it. `on_up` is called when `first` is known and waits; raises OSError if it can't be started."""
        self.pipes = spawn.start(launch)
        self._loop, self._on_up, self._on_dead = loop, on_up, on_dead
        self.contained = launch.held
        self._group = launch.group
        self._slot = launch.confinement.uid if launch.confinement else None
        self._scratch = launch.environ.get("TMPDIR", "/tmp")  # noqa: S108 - the sandbox's own
        self._info = b""
        self.first = None if launch.held else self.pipes.pid
        self._first_fd: int | None = None
        self.main: int | None = None
        loop.watch(self.pipes.pidfd, self._exited)
        if self.pipes.info is not None:
            loop.watch(self.pipes.info, self._learn)

    def release(self, kernel_limits: dict[int, int]) -> None:
        """Set the limits and let `first` go on. In a slot it has them already."""
        assert self.first is not None
        if self._slot is None:
            with contextlib.suppress(ProcessLookupError):  # then it is dead already, and `on_dead` will come
                for which, value in kernel_limits.items():
                    proc.limit(self.first, which, value)
                proc.offer_to_the_kernel(self.first, WORST_FOR_THE_KERNEL)
                if self._group is not None:
                    self._group.add(self.first)
        if self.pipes.block is not None:
            with contextlib.suppress(BrokenPipeError):
                os.write(self.pipes.block, b"x")

    @property
    def walled(self) -> bool:
        """Whether filters of system calls hold for it."""
        return self.contained or self._slot is not None

    def find_main(self) -> None:
        """Learn which process is Node.js itself; to be done before its code can have started others."""
        if self.first is not None:
            self.main = next(iter(proc.children(self.first)), None) if self.contained else self.first

    @property
    def members(self) -> list[int]:
        """All processes of the tree that are known."""
        if self._slot is not None:
            return slots.living(self._slot)
        return list(proc.tree(self.first)) if self.first is not None else []

    def scratch(self, most_files: int) -> tuple[int, int]:
        """How many files the tree has in its scratch space, and their bytes where nothing else limits those."""
        if self._slot is not None:
            return slots.used(self._slot, Path(self._scratch), most_files)
        return (limits.files_in_scratch(self.first), 0) if self.contained and self.first else (0, 0)

    def terminate(self) -> bool:
        """Ask Node.js to end; whether it could be asked."""
        if self.first is None:
            return False
        targets = proc.children(self.first)[:1] if self.contained else [self.first]
        for pid in targets:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
                return True
        return False

    @property
    def is_cheap_to_reach(self) -> bool:
        """Whether `kill` and `scratch` are quick; in a slot each takes a process that the keeper waits for."""
        return self._slot is None

    def kill(self) -> None:
        """Kill the whole tree."""
        if self._group is not None:
            self._group.kill()
        with contextlib.suppress(ProcessLookupError):
            if self._slot is not None:
                slots.kill(self._slot)
            elif self._first_fd is not None:
                signal.pidfd_send_signal(self._first_fd, signal.SIGKILL)
            elif self.contained:
                signal.pidfd_send_signal(self.pipes.pidfd, signal.SIGKILL)
            else:
                # It leads a session and a group of its own; its number is taken until it is waited for.
                os.killpg(self.pipes.pid, signal.SIGKILL)

    def cut(self) -> None:
        """Kill the whole tree where nobody needs to know how it ended."""
        self.kill()
        if self.contained and self._first_fd is not None:
            # Bubblewrap would only tell how `first` ended: there is no need to wait until it has heard of that.
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pipes.pidfd, signal.SIGKILL)

    def collect(self) -> Exit:
        """Wait for what is dead and close everything; call it once, after `on_dead`."""
        _, status, usage = os.wait4(self.pipes.pid, 0)
        if self.contained and self.first is not None:
            # Orphaned by bubblewrap's end it became our child, and its usage includes all that ran inside.
            with contextlib.suppress(ChildProcessError):
                _, _, usage = os.wait4(self.first, 0)
        for fd in self._open():
            self._loop.forget(fd)
            os.close(fd)
        out_of_memory = False
        if self._group is not None:
            out_of_memory = self._group.out_of_memory
            self._group.remove()
        return Exit(
            code=os.waitstatus_to_exitcode(status),
            cpu_s=usage.ru_utime + usage.ru_stime,
            peak_bytes=usage.ru_maxrss * 1024,
            out_of_memory=out_of_memory,
        )

    def _learn(self) -> None:
        assert self.pipes.info is not None
        piece = os.read(self.pipes.info, 4096)
        self._info += piece
        if piece and b"}" not in self._info:
            return  # it comes in several pieces
        self._loop.forget(self.pipes.info)
        if piece:
            self.first = int(json.loads(self._info)["child-pid"])
            with contextlib.suppress(ProcessLookupError):
                self._first_fd = os.pidfd_open(self.first)
            self._on_up()

    def _exited(self) -> None:
        self._loop.forget(self.pipes.pidfd)
        self.kill()
        if self._slot is not None:
            self._see_them_end()
        elif self._first_fd is None:
            self._on_dead()
        else:
            self._loop.watch(self._first_fd, self._ended)

    def _see_them_end(self) -> None:
        """Wait for what the slot's user has left, one after the other: killed, but perhaps not gone yet."""
        if self._first_fd is not None:
            self._loop.forget(self._first_fd)
            os.close(self._first_fd)
            self._first_fd = None
        for pid in self.members:
            self.kill()
            with contextlib.suppress(ProcessLookupError):
                self._first_fd = os.pidfd_open(pid)
                self._loop.watch(self._first_fd, self._see_them_end)
                return
        self._on_dead()

    def _ended(self) -> None:
        assert self._first_fd is not None
        self._loop.forget(self._first_fd)
        self._on_dead()

    def _open(self) -> list[int]:
        pipes = self.pipes
        fds = [pipes.pidfd, pipes.out, pipes.err, pipes.result, pipes.control, pipes.info, pipes.block, self._first_fd]
        return [fd for fd in fds if fd is not None]
