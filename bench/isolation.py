"""What the sandbox adds to a bare Node.js process: the same script with and without it, in turn, from start to end."""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.figures import Figure, Measured, middle
from bench.node import Node
from hexasched.domain.limits import Limits
from sandbox import launch, limits
from sandbox.jobs import Job, Runtime, SandboxSettings
from sandbox.loop import Loop
from sandbox.namespaces import Entry, Namespaces
from sandbox.process import Process
from sandbox.selftest import problems
from sandbox.starter import ETC

ROUNDS = 20
BEFORE = 3  # that are not counted: they find nothing in the caches


def measure() -> Measured:
    """Medians of interleaved runs, in ms: bare, in the whole composition without and with the network."""
    if missing := problems("bubblewrap", wants_pasta=True):
        return Measured(figures=[], left_out={"isolation_added_ms": f"bubblewrap does not work here ({missing[0]})"})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        code = folder / "code"
        code.mkdir()
        node = Node(code)
        loop = Loop()
        settings = SandboxSettings(mode="bubblewrap", state_dir=name)
        etc = _etc(folder)
        namespaces = Namespaces(loop, settings, etc)
        way_in = _network(loop, namespaces)
        job = _job(node.runtime, code)
        kinds: dict[str, Callable[[], None]] = {
            "bare_node_ms": node.bare,
            "sandboxed_node_ms": lambda: _sandboxed(loop, job, settings, etc, None),
            "sandboxed_node_online_ms": lambda: _sandboxed(loop, job, settings, etc, way_in),
        }
        times = _in_turn(kinds)
        namespaces.close()
        loop.close()
    added = median(map(float.__sub__, times["sandboxed_node_online_ms"], times["bare_node_ms"]))
    figures = [middle(name, values, "ms") for name, values in times.items()]
    figures.append(Figure(name="isolation_added_ms", value=added, unit="ms"))
    return Measured(figures=figures, sizes={"rounds": ROUNDS})


def _in_turn(kinds: dict[str, Callable[[], None]]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(ROUNDS + BEFORE):
        for name, run in kinds.items():
            start = time.perf_counter()
            run()
            if number >= BEFORE:
                times[name].append((time.perf_counter() - start) * 1000)
    return times


def _sandboxed(loop: Loop, job: Job, settings: SandboxSettings, etc: Path, way_in: int | None) -> None:
    composed = launch.in_bubblewrap(job, settings, etc, way_in)
    command = replace(composed, argv=[*composed.argv[:-1], f"{launch.INSIDE_CODE}/hello.js"])
    dead: list[bool] = []
    kernel = limits.kernel_limits(job, limits.base_data_bytes(job.runtime.node), own_user=True)
    process = Process(command, loop, on_up=lambda: process.release(kernel), on_dead=lambda: dead.append(True))
    while not dead:
        loop.turn(10)
    assert os.read(process.pipes.out, 100) == b"hello"
    assert process.collect().code == 0


def _network(loop: Loop, namespaces: Namespaces) -> int | None:
    entries: list[Entry] = []
    namespaces.enter("bench", "bench", entries.append)
    while not entries:
        loop.turn(10)
    if entries[0].failure:
        raise RuntimeError(entries[0].failure)
    return entries[0].pid


def _job(runtime: Runtime, code: Path) -> Job:
    return Job(
        key="bench",
        mode="run",
        runtime=runtime,
        code_dir=str(code),
        handler="hello.js",
        limits=Limits(),
        workspace="bench",
    )


def _etc(folder: Path) -> Path:
    etc = folder / "etc"
    etc.mkdir()
    for name, text in ETC.items():
        (etc / name).write_text(text)
    return etc
