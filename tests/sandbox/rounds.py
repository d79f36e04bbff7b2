"""Plays rounds of hostile functions in a world, with controls beside them, and looks for what is left of them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hexasched.domain.limits import Limits
from sandbox.jobs import Job
from tests.sandbox.harness import family
from tests.sandbox.hostile import Attack, complaints, submit
from tests.sandbox.worlds import NO_WALLS, World, running_world
from tests.waiting import wait_until

AT_ONCE = {"bubblewrap": 4, "landlock": 2, NO_WALLS: 4}
EACH = 3  # attacks that end before the next control
DEADLINE_S = 150
LEAVING_S = 40
MAX_GROWTH_MB = 25
CONTROL = "export default async (event) => { console.log('fine'); return event }"


@dataclass(kw_only=True)
class Round:
    """All attacks against one world: what was wrong with each, by its name, and what was left of them."""

    wrong: dict[str, list[str]] = field(default_factory=dict)
    controls_failed: list[str] = field(default_factory=list)
    ended: int = 0
    controls: int = 0
    left: list[str] = field(default_factory=list)


def run_round(world: World, chosen: list[Attack], slowness: int = 1) -> Round:
    """Run the attacks, a few at a time, and a control after every few; the machine may be `slowness` times as slow."""
    done = Round(wrong={attack.name: [] for attack in chosen})
    worker = world.worker
    # Those that only wait for their deadline do so all the while.
    waiting = sorted(chosen, key=_waits_for_its_deadline)
    again = [attack for attack in chosen if attack.again]
    running: list[tuple[Attack | None, Job, str]] = []

    def turn() -> bool:
        world.look()
        ended = [one for one in running if worker.has_ended(one[1])]
        for attack, job, after in ended:  # an attack, or the control after it
            running.remove((attack, job, after))
            if attack:
                done.wrong[attack.name] += complaints(worker, attack, job, worker.end_of(job))
                done.ended += 1
                if done.ended % EACH == 0:
                    running.append((None, worker.submit(CONTROL, event=attack.name), attack.name))
                if attack in again:
                    again.remove(attack)
                    waiting.append(attack)
            else:
                done.controls += 1
                if worker.end_of(job).result != f'"{after}"':
                    done.controls_failed.append(f"after {after}: {worker.end_of(job)}")
        while waiting and (_waits_for_its_deadline(waiting[-1]) or _busy(running) < AT_ONCE[world.walls]):
            attack = waiting.pop()
            running.append((attack, submit(worker, attack, world.facts, limits=_limits(attack, slowness)), ""))
        return not (running or waiting)

    wait_until(turn, deadline_s=DEADLINE_S * slowness, what=f"the end of {running}", every_s=0.01)
    return done


def _limits(attack: Attack, slowness: int) -> Limits:
    patience = 1 if _waits_for_its_deadline(attack) else slowness
    return replace(attack.limits, timeout_s=attack.limits.timeout_s * patience)


def _waits_for_its_deadline(attack: Attack) -> bool:
    return "timed_out/time" in attack.outcomes


def _busy(running: list[tuple[Attack | None, Job, str]]) -> int:
    return sum(attack is not None and not _waits_for_its_deadline(attack) for attack, _, _ in running)


def play(world_name: str, chosen: list[Attack], folder: Path, slowness: int = 1, **changes: Any) -> Round:
    """A round in a world of that name, and what is left in it; `changes` are of running_world."""
    with running_world(world_name, folder, **changes) as world:
        if world.walls == "bubblewrap":
            world.worker.end_of(world.worker.submit(CONTROL, network="outbound"))
        descriptors, memory, objects = world.descriptors(), world.resident_mb(), kernel_objects()
        everybody = processes(world)
        result = run_round(world, chosen, slowness)
        result.left += _not_in_time(lambda: processes(world) <= everybody, "the end of all processes")
        result.left += _not_in_time(lambda: world.descriptors() == descriptors, f"{descriptors} open files")
        growth = [now - then for now, then in zip(world.resident_mb(), memory, strict=True)]
        if max(growth) > MAX_GROWTH_MB:
            result.left.append(f"{growth} MB of memory")
        if kernel_objects() != objects:
            result.left.append(f"objects of the kernel: {kernel_objects()}")
        own = world.neighbour.key
        scratch = (world.worker.folder / "state" / "scratch").iterdir()
        result.left += [f"scratch: {path}" for path in scratch if path.name != own]
        result.left += [f"an open port: {port}" for port in world.doors & {4440, 4441, 4442}]
    return result


def _not_in_time(condition: Callable[[], bool], what: str) -> list[str]:
    """What is wrong, which does not end the round: to remove what fills all of /tmp takes a while on a busy machine."""
    try:
        wait_until(condition, deadline_s=LEAVING_S, what=what)
    except AssertionError as error:
        return [str(error)]
    return []


def processes(world: World) -> set[int]:
    """The keeper and all that descends from it."""
    return family(world.worker.keeper_pid)


def kernel_objects() -> set[str]:
    """Which queues and pieces of shared memory of the attacks and the neighbour there are on this machine."""
    rows = [line.split() for name in ("msg", "shm") for line in Path(f"/proc/sysvipc/{name}").read_text().splitlines()]
    return {row[0] for row in rows} & {str(0x51AB7E), str(0x4E8)}
