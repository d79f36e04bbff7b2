"""Hostile functions against every promise of docs/security.md, in every world that this machine allows.

Controls run before, beside and after them: a sandbox that can start nothing at all must not pass.
"""

import platform
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.sandbox.hostile import Attack, attacks, promises
from tests.sandbox.rounds import Round, play, run_round
from tests.sandbox.worlds import NO_WALLS, WORLDS, belongs, running_world


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
