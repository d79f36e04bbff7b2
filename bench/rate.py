"""How many runs a second: isolated ones against Node.js alone and in bubblewrap, reused ones off a long queue."""

import shutil
import tempfile
import time
from pathlib import Path

from bench.figures import Figure, Measured, middle, ratio
from bench.node import Node, per_second
from bench.proof import newest, nonces, prove, prove_fresh, prove_reused
from bench.rig import Rig, rig, wait_until
from bench.warm import NO_REUSE, has_reuse
from hexasched.store import functions
from hexasched.store.functions import Function

ROUNDS = 5
BATCH = 30
AT_ONCE = 2
WARM_UP = 500
QUEUED = 5_000
SLOW_PER_S = 100.0  # with less, 5,000 would take a minute: then as many as before are queued again, and `sizes` says so
LOOK_S = 0.01
NO_BUBBLEWRAP = "there is no bubblewrap"


def measure() -> Measured:
    """Runs per second; each round has a batch of every kind."""
    found = _isolated()
    if not has_reuse():
        return Measured(figures=found.figures, sizes=found.sizes, left_out=found.left_out | {"reuse_per_s": NO_REUSE})
    reused, sizes = _reused()
    return Measured(figures=[*found.figures, reused], sizes=found.sizes | {"reused": sizes}, left_out=found.left_out)


def _isolated() -> Measured:
    with tempfile.TemporaryDirectory() as name, rig(WORKERS_WARM_MB="0") as service:
        node = Node(Path(name))
        function = _deployed(service, "hello")
        batch(service, function, 4)
        bare, composed, isolated = [], [], []
        for _ in range(ROUNDS):
            bare.append(per_second(node.bare, BATCH, AT_ONCE))
            if shutil.which("bwrap"):
                composed.append(per_second(node.composed, BATCH, AT_ONCE))
            isolated.append(batch(service, function, BATCH))
        sizes = {"rounds": ROUNDS, "runs": BATCH, "at_once": AT_ONCE, **service.sizes}
    figures = [middle("isolated_per_s", isolated, "1/s"), middle("bare_node_per_s", bare, "1/s")]
    figures.append(ratio("isolated_to_bare_ratio", isolated, bare))
    if not composed:
        return Measured(figures=figures, sizes=sizes, left_out={"bare_composition_per_s": NO_BUBBLEWRAP})
    figures.append(middle("bare_composition_per_s", composed, "1/s"))
    figures.append(ratio("isolated_to_composition_ratio", isolated, composed))
    return Measured(figures=figures, sizes=sizes)


def _reused() -> tuple[Figure, dict[str, object]]:
    with rig() as service:
        function = _deployed(service, "reused", "--reuse")
        first = batch(service, function, WARM_UP, reused=True)
        queued = QUEUED if first >= SLOW_PER_S else WARM_UP
        rate = batch(service, function, queued, reused=True)
        return Figure(name="reuse_per_s", value=rate, unit="1/s"), {"queued": queued, **service.sizes}


def batch(service: Rig, function: Function, count: int, *, reused: bool = False) -> float:
    """Queue so many runs at once: how many of them end in a second, until the last one's row is final."""
    asked, before = nonces(count), newest(service.database)
    service.let_settle(0)
    service.enqueue(function, asked)
    start = time.perf_counter()
    wait_until(service.all_final, 120, f"the end of {count} runs", every_s=LOOK_S)
    took_s = time.perf_counter() - start
    found = prove(service.database, before, asked).values()
    if reused:
        prove_reused(found)
    else:
        prove_fresh(found)
    return count / took_s


def _deployed(service: Rig, name: str, *options: str) -> Function:
    service.deploy(name, *options)
    with service.database.reading() as connection:
        function = functions.by_name(connection, 1, name)
    assert function is not None
    return function
