"""Hostile functions against every promise of docs/security.md, in every world that this machine allows.

Controls run before, beside and after them: a sandbox that can start nothing at all must not pass.
"""

import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from sandbox.jobs import Job
from tests.sandbox.harness import family
from tests.sandbox.hostile import Attack, attacks, complaints, promises, submit
from tests.sandbox.worlds import NO_WALLS, WORLDS, World, belongs, running_world
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


def run_round(world: World, chosen: list[Attack]) -> Round:
    """Run the attacks, a few at a time, and a control after every few."""
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
            running.append((attack, submit(worker, attack, world.facts), ""))
        return not (running or waiting)

    wait_until(turn, deadline_s=DEADLINE_S, what=f"the end of {running}", every_s=0.01)
    return done


def _waits_for_its_deadline(attack: Attack) -> bool:
    return "timed_out/time" in attack.outcomes


def _busy(running: list[tuple[Attack | None, Job, str]]) -> int:
    return sum(attack is not None and not _waits_for_its_deadline(attack) for attack, _, _ in running)


def play(world_name: str, chosen: list[Attack], folder: Path) -> Round:
    """A round in a world of that name, and what is left in it."""
    with running_world(world_name, folder) as world:
        if world.walls == "bubblewrap":
            world.worker.end_of(world.worker.submit(CONTROL, network="outbound"))
        descriptors, memory, objects = world.descriptors(), world.resident_mb(), kernel_objects()
        everybody = processes(world)
        result = run_round(world, chosen)
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


@pytest.fixture(scope="module")
def round_in(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Round]:
    """Plays a round in the world of that name, once, with those attacks whose tests were selected."""
    calls = [one.callspec.params for one in request.session.items if hasattr(one, "callspec")]
    wanted = {(call["world"], call["attack"].name) for call in calls if "attack" in call}

    @cache
    def round_in_world(world: str) -> Round:
        chosen = [attack for attack in attacks() if belongs(attack, world)]
        selected = [attack for attack in chosen if (world, attack.name) in wanted]
        return play(world, selected or chosen, tmp_path_factory.mktemp("world"))

    return round_in_world


def processes(world: World) -> set[int]:
    """The keeper and all that descends from it."""
    return family(world.worker.keeper_pid)


def kernel_objects() -> set[str]:
    """Which queues and pieces of shared memory of the attacks and the neighbour there are on this machine."""
    rows = [line.split() for name in ("msg", "shm") for line in Path(f"/proc/sysvipc/{name}").read_text().splitlines()]
    return {row[0] for row in rows} & {str(0x51AB7E), str(0x4E8)}


def marks(world: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.root] if world.endswith("-root") else []


each_world = pytest.mark.parametrize("world", [pytest.param(world, marks=marks(world)) for world in WORLDS])
each_attack = pytest.mark.parametrize(
    ("world", "attack"),
    [
        pytest.param(world, attack, marks=marks(world), id=f"{world}-{attack.name}")
        for world in WORLDS
        for attack in attacks()
        if belongs(attack, world)
    ],
)


@each_attack
def test_the_sandbox_holds(world: str, attack: Attack, round_in: Callable[[str], Round]) -> None:
    assert round_in(world).wrong[attack.name] == []


@each_world
def test_the_others_run_on(world: str, round_in: Callable[[str], Round]) -> None:
    assert round_in(world).controls > 0
    assert round_in(world).controls_failed == []


@each_world
def test_nothing_is_left(world: str, round_in: Callable[[str], Round]) -> None:
    assert round_in(world).left == []


# What succeeds on every machine where nothing is in the way, and does no harm there.
SUCCEED_BARE = (
    *("env/searches_all_processes", "files/climbs_through_proc", "files/climbs_with_links", "files/looks_around"),
    *("files/reads_accounts", "files/reads_service_files", "files/writes_own_code", "kernel/asks_for_absent_calls"),
    *("kernel/asks_for_denied_calls", "kernel/asks_for_each_namespace", "kernel/leaves_the_filter"),
    *("kernel/opens_strange_sockets", "kernel/raises_its_limits", "kernel/types_on_a_terminal"),
    *("net/calls_the_neighbourhood", "net/none_has_interfaces", "net/none_reaches_loopback", "net/reaches_loopback"),
    *("net/reaches_loopback_by_datagrams", "net/reaches_metadata", "net/reaches_private_networks"),
    *("net/reaches_the_host", "others/reaches_a_neighbour", "others/reads_a_neighbours_files"),
    *("others/takes_a_neighbours_queue", "proc/forks_by_number", "proc/lists_processes", "proc/reads_who_it_is"),
    *("proc/signals_by_number", "proc/spawns", "scratch/fills_tmp", "scratch/hides_removed_files"),
    *("scratch/leaves_a_key", "scratch/leaves_files", "scratch/leaves_kernel_objects"),
)


def test_without_walls_they_break_out(tmp_path: Path) -> None:
    with running_world(NO_WALLS, tmp_path) as world:
        played = run_round(world, [attack for attack in attacks() if attack.name in SUCCEED_BARE])
    assert {name for name, wrong in played.wrong.items() if not wrong} == set()
    assert len(played.wrong) == len(SUCCEED_BARE) or platform.machine() != "x86_64"


def test_every_promise_is_attacked_and_every_attack_has_a_promise() -> None:
    assert {attack.promise for attack in attacks()} == set(promises())
    elsewhere = {attack.promise for attack in attacks() if "landlock" in attack.walls}
    assert elsewhere == {name for name, given in promises().items() if given != "no"}


def test_every_attack_says_what_it_does() -> None:
    assert len(attacks()) >= 80
    sentences = [attack.sentence for attack in attacks()]
    assert len(set(sentences)) == len(sentences)
    for attack in attacks():
        assert attack.promise.partition(".")[0] == attack.path.parent.name, attack.name
