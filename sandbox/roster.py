"""The jobs that a keeper has in hand: those that wait for their process, and those that run."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hexasched import logs
from hexasched.domain.outcomes import Outcome, Reason
from hexasched.errors import FULL_DISK, is_full_disk
from sandbox import preload
from sandbox.instance import Instance
from sandbox.jobs import Finished, Job, Message, SandboxSettings
from sandbox.loop import Loop
from sandbox.run import Run
from sandbox.spool import Spool, now_ms
from sandbox.starter import Starter
from sandbox.stopped import Cause, internal, stopped
from sandbox.warm import Warm

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


class Roster:
    """Takes jobs, starts them or gives them to a process that waits, and tells of each until it is Finished."""

    def __init__(self, loop: Loop, settings: SandboxSettings, tell: Callable[[Message], None]) -> None:
        """Use the folder spool in the settings' state_dir, and what `Starter` uses."""
        self._loop, self._report = loop, tell
        self._spools = Path(settings.state_dir) / "spool"
        self._spools.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._starter = Starter(loop, settings)
        self._warm = Warm(self._starter, self._preload, tell)
        self._waiting: dict[str, tuple[Job, Spool]] = {}
        self._runs: dict[str, Run] = {}

    @property
    def empty(self) -> bool:
        """Whether nothing is in hand."""
        return not (self._waiting or self._runs) and self._warm.empty

    @property
    def wake_at(self) -> float:
        """When `tick` is due, on the monotonic clock."""
        return min([run.wake_at for run in self._runs.values()] + [self._starter.wake_at, self._warm.wake_at])

    @property
    def pids(self) -> set[int | None]:
        """The processes that are waited for by somebody here."""
        return {pid for run in self._runs.values() for pid in run.pids}.union(self._starter.pids, self._warm.pids)

    def submit(self, job: Job) -> None:
        """Take a job; whatever is wrong with it, it ends with a Finished."""
        if not KEY.fullmatch(job.key) or job.key in self._waiting or job.key in self._runs:
            self._tell(Finished(key=job.key, size=0, outcome=internal("The key of this job can't be used.")))
            return
        try:
            spool = Spool(self._spools / f"{job.key}.log")
        except OSError as error:
            logs.failure("sandbox.no_spool", key=job.key)
            why = FULL_DISK if is_full_disk(error) else f"{error.strerror}."
            self._tell(Finished(key=job.key, size=0, outcome=internal(f"Its output can't be kept: {why}")))
            return
        self._waiting[job.key] = (job, spool)
        if instance := self._warm.take(job):
            self._started(job.key, instance)
        else:
            self._starter.start(job, partial(self._started, job.key))

    def keep_warm(self, templates: Sequence[Job], room: int) -> None:
        """Have a process ready for each of these, the most wanted first, and others only for reuse, `room` in all."""
        self._warm.want(templates, room)

    def stop(self, key: str, cause: Cause) -> None:
        """End a job; nothing happens if it is not in hand (its Finished is on the way then)."""
        if key in self._runs:
            self._runs[key].stop(cause)
        elif key in self._waiting:
            self._starter.forget(key)
            self._finish_unstarted(key, stopped(cause, self._waiting[key][0].limits))

    def answer(self, key: str, answer: dict[str, Any]) -> None:
        """Answer a request of a job, if it is still there."""
        if key in self._runs:
            self._runs[key].answer(answer)

    def stop_all(self, cause: Cause) -> None:
        """End all jobs."""
        self._warm.close()
        for key in [*self._waiting, *self._runs]:
            self.stop(key, cause)

    def kill_all(self) -> None:
        """Kill all that runs, also what is ending for another reason."""
        for run in self._runs.values():
            run.kill()

    def tick(self, now: float) -> None:
        """Do what is due at `now`."""
        for run in list(self._runs.values()):
            if now >= run.wake_at:
                run.tick(now)
        self._starter.tick(now)
        self._warm.tick(now)

    def close(self) -> None:
        """End the networks; there must be no job any more."""
        self._starter.close()

    def _started(self, key: str, found: Instance | Outcome) -> None:
        if isinstance(found, Outcome):
            self._finish_unstarted(key, found)
            return
        job, spool = self._waiting.pop(key)
        if found.offline:
            spool.add("s", b"This machine has no way out to a network, so the function has no network.\n", now_ms())
        if job.limits.reuse:
            self._warm.lend(found)
        run = self._runs[key] = Run(job, found, spool, self._loop, self._tell)
        run.start()

    def _finish_unstarted(self, key: str, outcome: Outcome) -> None:
        _, spool = self._waiting.pop(key)
        spool.close(now_ms())
        self._tell(Finished(key=key, size=spool.size, outcome=outcome))

    def _tell(self, message: Message) -> None:
        run = self._runs.get(message.key)
        if isinstance(message, Finished) and run is not None:
            del self._runs[message.key]
            if not run.spared:
                self._starter.clean_up(run.template)
            self._end_of(run, message.outcome)
        if run is None or run.job.mode != "preload":
            self._report(message)

    def _preload(self, instance: Instance) -> bool:
        """Have a process that is ready load its module; whether that has begun."""
        key = instance.template.key
        instance.said = self._spools / f"{key}.log"
        try:
            spool = preload.spool_at(instance.said)
        except OSError:
            logs.failure("sandbox.no_spool", key=key)
            return False
        run = self._runs[key] = Run(preload.job_for(instance.template), instance, spool, self._loop, self._tell)
        run.start()
        return True

    def _end_of(self, run: Run, outcome: Outcome) -> None:
        instance = run.instance
        if run.job.mode != "preload":
            self._warm.give_back(instance, spared=run.spared)
            return
        if not run.spared:
            instance.forget_said()
        failed = not (run.spared or instance.doomed or outcome.reason is Reason.WORKER_GONE)
        self._warm.preloaded(instance, spared=run.spared, wrong=preload.why(run.job, outcome) if failed else "")
