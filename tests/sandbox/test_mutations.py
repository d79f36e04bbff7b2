"""Whether the hostile functions would notice: from a sandbox that lacks any one thing, one of them must break out.

`make test` tries a sample of the rules of the filter, whose attacks are alike; `make mutations` tries all.
"""

import os
import random
import signal
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.sandbox.harness import alive, family, running_worker
from tests.sandbox.hostile import attacks, complaints, submit
from tests.sandbox.mutants import HELD_ANYWAY, STARTS_NOTHING, attack_on, mutants, rules
from tests.sandbox.mutated_keeper import workspace
from tests.sandbox.worlds import World, running_world
from tests.waiting import wait_until

SEED = 20261123
SAMPLE = 20
AT_ONCE = 5
KEEPER = "tests.sandbox.mutated_keeper"
LATE_S = 8.5
SLOW = ("watch time", "watch kill", "--info-fd")  # they take all of that, so they begin first
ATTACKS = {attack.name: attack for attack in attacks()}

Missing = tuple[str, ...]  # an attack, and what the sandbox lacks
Trial = Generator[None, None, list[str]]


def chosen() -> list[str]:
    """The mutants of this run."""
    if os.environ.get("TORTURE") == "yes":
        return mutants()
    sample = random.Random(SEED).sample(sorted(rules()), SAMPLE)
    return [name for name in mutants() if name not in rules() or name in sample]


def attempt(world: World, key: Missing) -> Trial:
    """Run the attack in a sandbox that lacks something; returns what it broke. Yields while it goes on.

    What needs a network and broke nothing is tried again: on a busy machine an open way over IPv6 was once not found.
    """
    broken = yield from attempt_once(world, key)
    if not broken and ATTACKS[key[0]].promise.startswith("net."):
        broken = yield from attempt_once(world, key)
    return broken


def attempt_once(world: World, key: Missing) -> Trial:
    broken: list[str] = []
    attack, missing = ATTACKS[key[0]], key[1:]
    for _ in range(2 if attack.again else 1):
        job = submit(world.worker, attack, world.facts, workspace=workspace(*missing))
        late_at = time.monotonic() + LATE_S
        while not world.worker.has_ended(job):
            if time.monotonic() > late_at:
                world.worker.order(type="stop", key=job.key, cause="cancel")
                return ["it did not end"]
            yield
        broken += complaints(world.worker, attack, job, world.worker.end_of(job))
    if attack.promise == "net.inbound":
        broken += [f"port {port} of the machine was open" for port in world.doors & {4440, 4441, 4442}]
    return broken


def keys_of(mutant: str) -> list[Missing]:
    """The trials of a mutant: without what holds the same, if anything does, and without the thing itself."""
    attack, before = attack_on(mutant)
    return [(attack, *before)] * bool(before) + [(attack, *before, mutant)]


def run(trials: dict[Missing, Trial], world: World) -> dict[Missing, list[str]]:
    """Run all, a few at a time."""
    done: dict[Missing, list[str]] = {}

    def turn() -> bool:
        world.look()
        for missing in [one for one in trials if one not in done][:AT_ONCE]:
            try:
                next(trials[missing])
            except StopIteration as end:
                done[missing] = end.value
        return len(done) == len(trials)

    wait_until(turn, deadline_s=240, what="the end of all trials", every_s=0.01)
    return done


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[Missing, list[str]]:
    """What was broken where something was missing."""
    keys = {key for name in chosen() for key in keys_of(name)}
    world_name = "bubblewrap-root" if os.getuid() == 0 else "bubblewrap-user"
    with running_world(world_name, tmp_path_factory.mktemp("world"), keeper=KEEPER) as world:
        in_order = sorted(keys, key=lambda key: (key[-1] not in SLOW, key))
        return run({key: attempt(world, key) for key in in_order}, world)


@pytest.mark.parametrize("mutant", chosen())
def test_what_is_missing_is_noticed(mutant: str, broken: dict[Missing, list[str]]) -> None:
    *before, key = keys_of(mutant)
    found = broken[key]
    if mutant in HELD_ANYWAY:
        assert found == [], "then it does not belong in this table"
    elif mutant in STARTS_NOTHING:
        assert "internal" in found[0] or found == ["it did not end"]
    else:
        assert found != [], "no attack has noticed"
        assert "internal" not in found[0]
        assert [broken[one] for one in before if broken[one]] == [], "what is left does not hold by itself"


def test_the_tables_have_no_more_than_there_is() -> None:
    assert (STARTS_NOTHING | HELD_ANYWAY.keys()) <= set(mutants())
    assert {attack_on(name)[0] for name in mutants()} <= ATTACKS.keys()


@pytest.mark.parametrize("missing", ["", "--die-with-parent"])
def test_what_a_killed_keeper_leaves(missing: str, tmp_path: Path) -> None:
    """Nothing, thanks to one flag."""
    with running_worker(tmp_path / "data", keeper=KEEPER) as worker:
        source = "export default () => { console.log('up'); return new Promise(() => setInterval(() => {}, 1000)) }"
        job = worker.submit(source, workspace=workspace(missing))
        worker.start_of(job)
        wait_until(lambda: worker.records(job), deadline_s=10, what="the first output")
        run_pids = family(worker.keeper_pid) - {worker.keeper_pid}
        os.kill(worker.keeper_pid, signal.SIGKILL)
        wait_until(lambda: not alive(worker.keeper_pid), deadline_s=5, what="the end of the keeper")
        if missing:
            assert wait_until(lambda: [pid for pid in run_pids if alive(pid)], deadline_s=1, what="what it leaves")
            for pid in filter(alive, run_pids):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not [pid for pid in run_pids if alive(pid)], deadline_s=5, what="the end of all")
