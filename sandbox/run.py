"""One job from spawn to outcome: its deadlines, the watch over its memory, its end. Never blocks."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hexasched import logs
from hexasched.domain.limits import TERM_GRACE_S
from hexasched.domain.outcomes import Outcome
from hexasched.errors import FULL_DISK
from sandbox import jobs
from sandbox.channel import Frame
from sandbox.classify import Evidence, outcome_of, split_exit
from sandbox.control import ControlPipe, order_for
from sandbox.guarded import guarded
from sandbox.holdings import NEVER, Holdings
from sandbox.instance import Instance
from sandbox.loop import Loop
from sandbox.mask import Masker
from sandbox.mask_outcome import masked_outcome
from sandbox.output import Output, Pipe
from sandbox.process import Exit
from sandbox.requests import Gate, RefusedError, parse_request
from sandbox.spool import Spool
from sandbox.stopped import AT_ONCE, REMARKS, Cause, internal

BOOT_S = 20.0
LINGER_S = 1.0  # that a process has to end after its frame
ANNOUNCE_S = 0.05
DRAIN_S = 1.0


class Run:
    """A job with the process that does it. `wake_at` is when `tick` is due, on the monotonic clock."""

    def __init__(
        self, job: jobs.Job, instance: Instance, spool: Spool, loop: Loop, tell: Callable[[jobs.Message], None]
    ) -> None:
        """What happens is told to `tell`, last of all Finished."""
        self.job, self.template, self._spool, self._loop, self._tell = job, instance.template, spool, loop, tell
        self.instance = instance
        self.spared = False  # the process lives on although the job is over
        self._masker = Masker(job.env[name] for name in job.secrets if name in job.env)
        self._channel, self._process = instance.channel, instance.process
        pipes = self._process.pipes
        fds: dict[Pipe, int] = {"o": pipes.out, "e": pipes.err, "result": pipes.result}
        self._output = Output(fds, self._channel, spool, self._masker)
        self._gate = Gate()
        self._control = ControlPipe(pipes.control, loop, self._send_control)
        self._cause: Cause | None = None
        self._began = self._ended = 0.0
        self._holdings = Holdings(job, self._process, instance.reuse)
        self._forged = False
        self._announced = 0
        self._announced_at = -NEVER
        self._boot_by = time.monotonic() + BOOT_S
        self._stop_at = self._kill_at = self._announce_at = NEVER
        self._faulty = self._over = self._cut = False

    def start(self) -> None:
        """Begin once the instance is ready. It may all be over when this returns."""
        for record in self.instance.take_said() if self.job.mode == "run" else ():
            self._output.retell(record)
        self.instance.attach(self._begin, self._dead)

    @property
    def key(self) -> str:
        """The key of its job."""
        return self.job.key

    @property
    def pids(self) -> tuple[int | None, ...]:
        """The processes that this run waits for itself."""
        return self._process.pipes.pid, self._process.first

    @property
    def wake_at(self) -> float:
        """When something is to be done although nothing happens."""
        return min(self._boot_by, self._stop_at, self._kill_at, self._holdings.look_at, self._announce_at)

    def tick(self, now: float) -> None:
        """Do what is due at `now`."""
        if now >= self._boot_by:
            self.stop("boot")
        if now >= self._stop_at:
            self._pump()  # a result that was sent in time counts, also when we were held up
            self.stop("time")
        if now >= self._kill_at:
            self._kill_at = NEVER
            self._kill()
        if now >= self._holdings.look_at:
            self._look()
        if now >= self._announce_at:
            self._announce(now)

    def stop(self, cause: Cause) -> None:
        """End it because of `cause`, unless it has ended or is ending: the first cause counts."""
        if self._cause is not None or self._channel.frame is not None:
            return
        self._cause = cause
        self._stop_at = self._boot_by = NEVER
        self._output.remark(REMARKS[cause])
        if cause not in AT_ONCE and self._began and self._process.terminate():
            self._kill_at = time.monotonic() + TERM_GRACE_S
        else:
            self._kill()

    def kill(self) -> None:
        """Kill it, whatever state it is in."""
        self._process.kill()

    def _kill(self) -> None:
        self._holdings.measure()
        self._process.kill()

    @guarded
    def _begin(self) -> None:
        pipes = self._process.pipes
        assert self._process.first is not None
        self._boot_by = NEVER
        self._began = time.monotonic()
        self._stop_at = self._began + self.job.limits.timeout_s
        self._holdings.begin(self._began)
        for fd in (pipes.out, pipes.err, pipes.result):
            self._loop.watch(fd, self._pump)
        self._tell(jobs.Started(key=self.job.key, pid=self._process.first))
        if self.job.mode != "install":
            self._control.say(order_for(self.job, self._channel.nonce))
        self._pump()  # what came together with its being ready

    @guarded
    def _send_control(self) -> None:
        self._control.write()

    def answer(self, answer: dict[str, Any]) -> None:
        """Tell the code what it has asked."""
        if not self._over and not self._faulty:
            self._control.say(answer, then=self._gate.leave)

    def _pass_on_requests(self) -> None:
        for text in self._channel.take_requests():
            if self.job.mode == "run" and self._gate.enter(time.monotonic()):
                self._pass_on(text)

    def _pass_on(self, text: bytes) -> None:
        try:
            request = parse_request(text, self._channel.nonce, self._masker)
            self._tell(jobs.Asked(key=self.job.key, request=request))
        except RefusedError as refused:
            self.answer({"id": refused.request_id, "error": "KV_KEY", "message": str(refused)})
        except (ValueError, RecursionError):
            self._gate.leave()

    @guarded
    def _pump(self) -> None:
        self._output.pump()
        self._pass_on_requests()
        for fd in self._output.take_ended():
            self._loop.forget(fd)
        if self._channel.frame is not None and not self._ended:
            self._close_with(self._channel.frame)
        elif self._channel.mistake and self.job.goes_on and not self._forged:
            self._forged = True  # the process may wait for another run, whatever its code has done
            self._kill()
        if not self._over and self._spool.size > self._announced:
            self._announce_at = min(self._announce_at, self._announced_at + ANNOUNCE_S)

    def _close_with(self, frame: Frame) -> None:
        self._ended = time.monotonic()
        self._stop_at = NEVER
        self._kill_at = min(self._kill_at, self._ended + LINGER_S)
        if frame.again:
            self._spare()
        # No code of the function follows its frame, and all that it wrote is in the pipes: what is left is Node.js
        # taking itself down, which takes longer than this. Only an exit has a code to wait for.
        self._cut = not self.spared and (frame.again or (frame.reason != "exit" and self._process.is_cheap_to_reach))
        if self._cut:
            self._holdings.measure()
            self._process.cut()

    def _spare(self) -> None:
        """End the job and let the process live on, if nothing at all speaks against it."""
        # All that the thread of the frame wrote is in the pipes. If a second look finds more, something else writes on.
        drained = not (self._output.pump() and self._output.pump())
        whole = self._channel.complete and not self._output.ended and self._gate.idle and self._control.idle
        if drained and whole and self.job.goes_on and self._cause is None and not self._faulty:
            if self._holdings.leaves_too_much(self._ended - self._began):
                return
            with contextlib.suppress(OSError):
                outcome = self._outcome(self.instance.reuse.note(self.job.mode), b"")
                if outcome.ok and self.instance.reuse.may_go_on:
                    self._end_well(outcome)

    def _end_well(self, outcome: Outcome) -> None:
        self._over = self.spared = True
        self._stop_at = self._kill_at = self._holdings.look_at = self._announce_at = NEVER
        pipes = self._process.pipes
        for fd in (pipes.out, pipes.err, pipes.result):
            self._loop.forget(fd)
        self._output.end()
        self._conclude(outcome)

    def _announce(self, now: float) -> None:
        self._announced, self._announced_at, self._announce_at = self._spool.size, now, NEVER
        self._tell(jobs.Output(key=self.job.key, size=self._spool.size))

    @guarded
    def _look(self) -> None:
        if passed := self._holdings.look(time.monotonic()):
            self.stop(passed)

    @guarded
    def _dead(self) -> None:
        self._stop_at = self._kill_at = self._holdings.look_at = self._announce_at = self._boot_by = NEVER
        self._over = True
        drained_by = time.monotonic() + DRAIN_S
        while self._began and self._output.pump() and time.monotonic() < drained_by:
            pass
        self._pass_on_requests()
        self._output.end()
        words = self._output.last_words if self._began else self._output.early_words()
        ended = self._process.collect()
        outcome = internal("The service failed while it watched this run. Its log says why.")
        if not self._faulty:
            outcome = self._outcome(ended, words)
        self._conclude(outcome)

    def _conclude(self, outcome: Outcome) -> None:
        self._output.finish()
        if self._spool.disk_full:
            outcome = replace(outcome, warnings=(*outcome.warnings, f"{FULL_DISK} Output of this run may be lost."))
        self._finish(replace(outcome, log_bytes=self._spool.kept, log_dropped_bytes=self._output.dropped))

    def give_up(self) -> None:
        """End it as our own failure."""
        if self.spared:
            self.spared = False
            self._process.kill()
        if self._over:
            self._finish(internal("The service failed at the end of this run. Its log says why."))
            return
        self._faulty = True
        pipes = self._process.pipes
        for fd in (pipes.out, pipes.err, pipes.result):
            self._loop.forget(fd)
        self._process.kill()

    def _finish(self, outcome: Outcome) -> None:
        self._tell(jobs.Finished(key=self.job.key, size=self._spool.size, outcome=outcome))

    def _outcome(self, ended: Exit, words: bytes) -> Outcome:
        now = time.monotonic()
        if not self._began and self._cause in (None, "boot"):
            logs.warning(
                "sandbox.not_started", key=self.job.key, code=ended.code, said=words.decode("utf-8", "replace")
            )
        exit_code, signal = (0, None) if self._cut or self._forged else split_exit(ended.code)
        outcome = outcome_of(
            Evidence(
                mode=self.job.mode,
                limits=self.job.limits,
                ready=bool(self._began),
                frame=self._channel.frame,
                mistake=self._channel.mistake,
                cause=self._cause or ("memory" if ended.out_of_memory else None),
                exit_code=exit_code,
                signal=signal,
                last_words=words,
            )
        )
        return replace(
            masked_outcome(outcome, self._masker),
            duration_ms=round(((self._ended or now) - self._began) * 1000) if self._began else 0,
            cpu_ms=self._holdings.cpu_ms(ended),
            peak_memory_bytes=self._holdings.peak_bytes(ended),
        )
