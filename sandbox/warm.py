"""Processes that are started ahead of need and wait for their job, and those that wait for another one."""

import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import partial

from hexasched import logs
from hexasched.domain.outcomes import Outcome
from sandbox.instance import Instance
from sandbox.jobs import Job, NotPreloaded, likeness
from sandbox.preload import NOT_STILL, too_large
from sandbox.reuse import COST_MB, WATCH_S
from sandbox.starter import Starter

BOOT_S = 20.0
AT_ONCE = 1  # that are starting: what waits for its job now goes first
PAUSE_S = 5.0  # after one that did not become ready
REPLACE_S = 0.25  # after one was taken: its job, and others of the same moment, get the processors first
NEVER = float("inf")


class Warm:
    """The waiting instances of one keeper."""

    def __init__(
        self, starter: Starter, preload: Callable[[Instance], bool], report: Callable[[NotPreloaded], None]
    ) -> None:
        """`preload` has a process that is ready load its module, and `preloaded` told how that ended, if it begins."""
        self._starter, self._preload, self._report = starter, preload, report
        self._wanted: list[tuple[Hashable, Job]] = []
        self._room = 0
        self._starting: dict[str, tuple[Job, float]] = {}
        self._instances: list[Instance] = []
        self._lent: list[Instance] = []
        self._loading: list[Instance] = []
        self._failed: set[Hashable] = set()
        self._costs: dict[Hashable, int] = {}  # of those whose module was loaded
        self._missing: Job | None = None
        self._changed = False
        self._count = 0
        self._not_before = 0.0
        self._watch_at = NEVER

    @property
    def pids(self) -> set[int | None]:
        """The processes that are waited for here."""
        return {pid for one in [*self._instances, *self._loading] for pid in (one.process.pipes.pid, one.process.first)}

    @property
    def wake_at(self) -> float:
        """When `tick` is due, on the monotonic clock."""
        due = [since + BOOT_S for _, since in self._starting.values()]
        return min([*due, self._watch_at, self._not_before if self._missing is not None and not due else NEVER])

    @property
    def empty(self) -> bool:
        """Whether there is no process here."""
        return not (self._instances or self._starting or self._loading)

    def want(self, templates: Sequence[Job], room: int) -> None:
        """Keep an instance for each of these, the most wanted first; all others are ended.

        But those that have done a run like one of these stay, as long as there is room: `room` is for so many that hold
        COST_MB or less, and one that holds more takes the place of several.
        """
        self._changed = True
        self._wanted, self._room = [(likeness(job), job) for job in templates], room
        kinds = {kind for kind, _ in self._wanted}
        self._failed &= kinds
        self._costs = {kind: cost for kind, cost in self._costs.items() if kind in kinds}
        self.tick(time.monotonic())

    def take(self, job: Job) -> Instance | None:
        """An instance that can do `job`, which is then no longer ours; the one that is ready, or will be, first."""
        self._changed = True
        kind = likeness(job)
        alike = [one for one in reversed(self._present()) if one.kind == kind]
        for one in sorted(alike, key=lambda one: not one.ready):
            if self._starter.fits(one) and (not one.reuse.rested or one.wake()):
                if self._missing is None:
                    self._not_before = max(self._not_before, time.monotonic() + REPLACE_S)
                self._instances.remove(one)
                self._starting.pop(one.template.key, None)
                return one
            one.end()
        return None

    def lend(self, instance: Instance) -> None:
        """One that will come back is at work: no other is started in its place, unless its last runs are near."""
        self._changed = True
        if not instance.reuse.ends_soon:
            self._lent.append(instance)

    def give_back(self, instance: Instance, *, spared: bool) -> None:
        """A run is over. If its process was spared it waits for another one, where that is wanted and there is room."""
        self._changed = True
        if instance in self._lent:
            self._lent.remove(instance)
        if spared:
            self._rest(instance)

    def preloaded(self, instance: Instance, *, spared: bool, wrong: str) -> None:
        """A module was loaded or not. If there is something `wrong` with it, nothing like it is tried again."""
        self._changed = True
        self._loading.remove(instance)
        kind = instance.kind
        if spared:
            self._rest(instance)
            self._costs[kind] = instance.reuse.cost
            if instance.reuse.cost > self._room:
                wrong = too_large(instance.reuse.held, self._room * COST_MB)
        if wrong:
            self._refuse(kind, wrong)

    def _refuse(self, kind: Hashable, why: str) -> None:
        self._changed = True
        self._failed.add(kind)
        for key in [job.key for wanted, job in self._wanted if wanted == kind][:1]:
            logs.warning("sandbox.not_preloaded", key=key)
            self._report(NotPreloaded(key=key, why=why))

    def _rest(self, instance: Instance) -> None:
        instance.rest(partial(self._dead, instance))
        self._instances.append(instance)
        self._watch_at = min(self._watch_at, time.monotonic() + WATCH_S)

    def tick(self, now: float) -> None:
        """Give up what does not come up or does not rest, and start the next that is missing."""
        for key, (_, since) in list(self._starting.items()):
            if now >= since + BOOT_S:
                logs.warning("sandbox.warm_not_started", key=key)
                self._end(key, now)
        if now >= self._watch_at:
            self._watch(now)
        if self._changed:
            beyond, self._missing = self._share_out()
            for one in beyond:
                one.end()
            self._changed = False
        if self._missing is not None and len(self._starting) < AT_ONCE and now >= self._not_before:
            self._count += 1
            template = replace(self._missing, key=f"warm-{self._count}")
            self._starting[template.key] = (template, now)
            self._changed = True
            self._starter.start(template, partial(self._launched, template))

    def close(self) -> None:
        """End all of them, and start none any more."""
        self._changed = True
        self._wanted = []
        for one in [*self._instances, *self._loading]:
            one.end()

    def _present(self) -> list[Instance]:
        return [one for one in self._instances if not (one.dead or one.doomed)]

    def _share_out(self) -> tuple[list[Instance], Job | None]:
        """Give the room to what is wanted, then to those that have done a run; who gets none, and what to start."""
        room, missing = self._room, None
        # The unused first: where one that was used has to go, a new one is there.
        waiting = sorted([*self._present(), *self._loading], key=lambda one: one.reuse.runs > 0)
        left = [(one.kind, one) for one in waiting]
        launched = {one.template.key for one in self._instances}
        coming = Counter(one.kind for one in self._lent)
        coming.update(likeness(job) for key, (job, _) in self._starting.items() if key not in launched)
        for kind, job in self._wanted:
            one = next((one for its, one in left if its == kind), None)
            cost = self._costs.get(kind, 1) if one is None else one.reuse.cost
            if cost > room or (one is None and not coming[kind] and kind in self._failed):
                continue
            room -= cost
            if one is not None:
                left.remove((kind, one))
            elif coming[kind]:
                coming[kind] -= 1
            else:
                missing = missing or job
        beyond = []
        kinds = {kind for kind, _ in self._wanted}
        for kind, one in left:
            if one.reuse.runs and kind in kinds and one.reuse.cost <= room:
                room -= one.reuse.cost
            else:
                beyond.append(one)
        return beyond, missing

    def _watch(self, now: float) -> None:
        used = [one for one in self._present() if one.reuse.rested]
        self._changed = True
        for one in used:
            if not one.reuse.may_go_on:
                one.restless = not one.reuse.old
                one.end()
        self._watch_at = now + WATCH_S if used else NEVER

    def _launched(self, template: Job, found: Instance | Outcome) -> None:
        if isinstance(found, Outcome):
            self._end(template.key, time.monotonic())
            return
        self._changed = True
        self._instances.append(found)
        found.attach(partial(self._ready, found), partial(self._dead, found))

    def _ready(self, instance: Instance) -> None:
        self._changed = True
        self._starting.pop(instance.template.key, None)
        if instance.template.limits.preload and not instance.doomed:
            self._instances.remove(instance)
            self._loading.append(instance)
            if not self._preload(instance):
                self._not_before = time.monotonic() + PAUSE_S
                instance.end()
        self.tick(time.monotonic())

    def _dead(self, instance: Instance) -> None:
        where = next((place for place in (self._instances, self._loading) if instance in place), None)
        if where is None:
            return
        self._changed = True
        where.remove(instance)
        instance.forget_said()
        instance.process.collect()
        if instance.reuse.rested and not instance.reuse.runs and (instance.restless or not instance.doomed):
            self._refuse(instance.kind, NOT_STILL)
        if self._starting.pop(instance.template.key, None) is not None and not instance.doomed:
            self._not_before = time.monotonic() + PAUSE_S
        self._starter.clean_up(instance.template)

    def _end(self, key: str, now: float) -> None:
        self._changed = True
        template, _ = self._starting.pop(key)
        self._not_before = now + PAUSE_S
        launched = [one for one in self._instances if one.template.key == key]
        for one in launched:
            one.end()
        if not launched:
            self._starter.clean_up(template)
