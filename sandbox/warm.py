"""Processes that are started ahead of need and wait for their job: one job each, then they are thrown away."""

import time
from collections.abc import Hashable, Sequence
from dataclasses import replace
from functools import partial

from hexasched import logs
from hexasched.domain.outcomes import Outcome
from sandbox.instance import Instance
from sandbox.jobs import Job
from sandbox.starter import Starter

BOOT_S = 20.0
AT_ONCE = 1  # that are starting: what waits for its job now goes first
PAUSE_S = 5.0  # after one that did not become ready
REPLACE_S = 0.1  # after one was taken: its job, and others of the same moment, get the processors first


def likeness(job: Job) -> Hashable:
    """What two jobs must share so that one process can do either: all that is decided before it is told anything."""
    return (job.mode, job.runtime.node, job.code_dir, job.modules_dir, job.limits, job.workspace, job.network)


class Warm:
    """The waiting instances of one keeper."""

    def __init__(self, starter: Starter) -> None:
        self._starter = starter
        self._wanted: list[Job] = []
        self._starting: dict[str, tuple[Job, float]] = {}
        self._instances: list[Instance] = []
        self._count = 0
        self._not_before = 0.0

    @property
    def pids(self) -> set[int | None]:
        """The processes that are waited for here."""
        return {pid for one in self._instances for pid in (one.process.pipes.pid, one.process.first)}

    @property
    def wake_at(self) -> float:
        """When `tick` is due, on the monotonic clock."""
        due = [since + BOOT_S for _, since in self._starting.values()]
        return min([*due, self._not_before if self._missing() is not None and not due else float("inf")])

    @property
    def empty(self) -> bool:
        """Whether there is no process here."""
        return not (self._instances or self._starting)

    def want(self, templates: Sequence[Job]) -> None:
        """Keep an instance for each of these, the most wanted first; all others are ended."""
        self._wanted = list(templates)
        spare = [likeness(job) for job in self._wanted]
        for one in list(self._instances):
            kind = likeness(one.template)
            if kind in spare:
                spare.remove(kind)
            else:
                one.process.kill()
        self.tick(time.monotonic())

    def take(self, job: Job) -> Instance | None:
        """An instance that can do `job`, which is then no longer ours; the one that is ready, or will be, first."""
        alike = [one for one in self._instances if not one.dead and likeness(one.template) == likeness(job)]
        for one in sorted(alike, key=lambda one: not one.ready):
            if self._starter.fits(one):
                if self._missing() is None:
                    self._not_before = max(self._not_before, time.monotonic() + REPLACE_S)
                self._instances.remove(one)
                self._starting.pop(one.template.key, None)
                return one
            one.process.kill()
        return None

    def tick(self, now: float) -> None:
        """Give up what does not come up, and start the next that is missing."""
        for key, (_, since) in list(self._starting.items()):
            if now >= since + BOOT_S:
                logs.warning("sandbox.warm_not_started", key=key)
                self._end(key, now)
        missing = self._missing()
        if missing is not None and len(self._starting) < AT_ONCE and now >= self._not_before:
            self._count += 1
            template = replace(missing, key=f"warm-{self._count}")
            self._starting[template.key] = (template, now)
            self._starter.start(template, partial(self._launched, template))

    def close(self) -> None:
        """End all of them, and start none any more."""
        self._wanted = []
        for one in self._instances:
            one.process.kill()

    def _missing(self) -> Job | None:
        there = [likeness(one.template) for one in self._instances if not one.dead]
        there += [likeness(job) for job, _ in self._starting.values()]
        for job in self._wanted:
            if likeness(job) in there:
                there.remove(likeness(job))
            else:
                return job
        return None

    def _launched(self, template: Job, found: Instance | Outcome) -> None:
        if isinstance(found, Outcome):
            self._end(template.key, time.monotonic())
            return
        self._instances.append(found)
        found.attach(partial(self._ready, template.key), partial(self._dead, found))

    def _ready(self, key: str) -> None:
        self._starting.pop(key, None)
        self.tick(time.monotonic())

    def _dead(self, instance: Instance) -> None:
        if instance not in self._instances:
            return
        self._instances.remove(instance)
        instance.process.collect()
        if self._starting.pop(instance.template.key, None) is not None:
            self._not_before = time.monotonic() + PAUSE_S
        self._starter.clean_up(instance.template)

    def _end(self, key: str, now: float) -> None:
        template, _ = self._starting.pop(key)
        self._not_before = now + PAUSE_S
        launched = [one for one in self._instances if one.template.key == key]
        for one in launched:
            one.process.kill()
        if not launched:
            self._starter.clean_up(template)
