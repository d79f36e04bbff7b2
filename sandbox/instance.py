"""One sandboxed process from its spawn until it is ready for a job, which may come much later."""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from hexasched import logs
from sandbox import limits
from sandbox.channel import ResultChannel
from sandbox.guarded import guarded
from sandbox.jobs import Job, likeness
from sandbox.launch import Launch
from sandbox.loop import Loop
from sandbox.process import Process
from sandbox.reuse import Reuse
from sandbox.spool import Record, read_records

READ_BYTES = 4096


class Instance:
    """A process that was launched for `template`, or for any job that differs from it only in what is told it.

    One that is `offline` should have a network, but the machine has no way out.
    """

    def __init__(self, template: Job, launch: Launch, loop: Loop) -> None:
        """Start it. Raises OSError if it can't be started."""
        self.template, self._loop = template, loop
        self.kind = likeness(template)
        self.channel = ResultChannel(secrets.token_hex(16))
        self.said: Path | None = None  # the spool file of what was put out before there was a run
        self.ready = self.dead = self.doomed = self.offline = self.restless = False
        self._on_ready: Callable[[], None] = _nothing
        self._on_dead: Callable[[], None] = _nothing
        self.process = Process(launch, loop, on_up=self._up, on_dead=self._died)
        self.reuse = Reuse(self.process, template.limits)
        if not launch.held:
            self._up()

    @property
    def key(self) -> str:
        """The key of the job that it was launched for."""
        return self.template.key

    def give_up(self) -> None:
        """End it as our own failure."""
        self.process.kill()

    def attach(self, on_ready: Callable[[], None], on_dead: Callable[[], None]) -> None:
        """From now on somebody is told; at once, if it is ready or dead already."""
        self._on_ready, self._on_dead = on_ready, on_dead
        if self.dead:
            on_dead()
        elif self.ready:
            on_ready()

    def rest(self, on_dead: Callable[[], None]) -> None:
        """Wait for another run, with a nonce of its own; what it says meanwhile is nobody's, and its end."""
        self.channel = ResultChannel(secrets.token_hex(16))
        self.reuse.rested = True
        self.template = replace(self.template, env={}, secrets=(), event=None, context={})
        pipes = self.process.pipes
        for fd in (pipes.out, pipes.err, pipes.result):
            self._loop.watch(fd, self._disturb)
        self._on_ready, self._on_dead = _nothing, on_dead

    def wake(self) -> bool:
        """Get ready for another run; whether it may have one."""
        self._forget_pipes()
        return self.reuse.may_go_on

    def take_said(self) -> Iterator[Record]:
        """What loading the module has put out, once; less, if the disk does not give it back."""
        if self.said is not None:
            try:
                yield from read_records(self.said)
            except OSError:
                logs.failure("sandbox.said_lost", key=self.template.key)
            self.forget_said()

    def forget_said(self) -> None:
        """Nobody wants to hear it."""
        if self.said is not None:
            with contextlib.suppress(OSError):
                self.said.unlink()
            self.said = None

    def end(self) -> None:
        """Kill it; until it is dead it counts as ended."""
        self.doomed = True
        self._forget_pipes()
        self.process.kill()

    def _disturb(self) -> None:
        logs.warning("sandbox.not_at_rest", key=self.template.key)
        self.restless = True
        self.end()

    def _forget_pipes(self) -> None:
        pipes = self.process.pipes
        for fd in (pipes.out, pipes.err, pipes.result):
            self._loop.forget(fd)

    @guarded
    def _up(self) -> None:
        job = self.template
        base = limits.base_data_bytes(job.runtime.node)
        self.process.release(limits.kernel_limits(job, base, own_user=self.process.contained))
        if job.mode == "install":
            self._be_ready()
        else:
            self._loop.watch(self.process.pipes.result, self._listen)

    @guarded
    def _listen(self) -> None:
        data = b""
        with contextlib.suppress(BlockingIOError):
            data = os.read(self.process.pipes.result, READ_BYTES)
            # Nothing is announced before there is a job, so nobody needs what comes back.
            list(self.channel.feed(data))
        if self.channel.ready and not self.channel.mistake:
            self._be_ready()
        elif not data or self.channel.mistake:
            self._loop.forget(self.process.pipes.result)  # its death will say how

    def _be_ready(self) -> None:
        self._loop.forget(self.process.pipes.result)
        if self.template.limits.same_env:
            self.process.find_main()
        self.ready = True
        self._on_ready()

    def _died(self) -> None:
        self.dead = True
        self._forget_pipes()
        self._on_dead()


def _nothing() -> None:
    """Nobody wants to know yet."""
