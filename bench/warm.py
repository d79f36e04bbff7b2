"""One run at a time on an idle service: warm, cold, reused, and Node.js alone in turn with them."""

import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path

from bench.figures import Figure, Measured, middle, ratio
from bench.node import Node, timed_ms
from bench.proof import Row, newest, nonces, prove, prove_fresh, prove_reused
from bench.rig import Rig, ms, rig
from hexasched.domain.limits import Limits

ROUNDS = 20
BEFORE = 2  # that are not counted: they fill the caches
FLUSHED_BYTES = 4 * 4120  # four pages of a write-ahead log with their heads
NO_REUSE = "functions have no setting reuse"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One run as its caller saw it: seconds since 1970, and `took_ms` on the monotonic clock from accepted to seen."""

    sent_at: float
    seen_at: float
    took_ms: float


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A way to run: `waiting` instances are warm before each of its runs."""

    name: str
    rig: Rig
    function: str
    waiting: int
    samples: dict[str, Sample] = field(default_factory=dict)

    def run(self) -> None:
        """Press Run now and wait for the final row."""
        nonce = nonces(1)[0]
        sent_at = time.time()
        run_id = self.rig.person.run_now(self.function, json.dumps({"nonce": nonce}))
        took_ms = timed_ms(lambda: self.rig.wait_for_end(run_id))
        self.samples[nonce] = Sample(sent_at=sent_at, seen_at=time.time(), took_ms=took_ms)

    def prove(self, rows: list[Row]) -> None:
        """Raise InvalidError if these, its runs in their order, were not run as its name says."""
        if self.name == "reuse":
            prove_reused(rows[BEFORE:])
        else:
            prove_fresh(rows)

    @property
    def times(self) -> list[float]:
        """The counted times in ms."""
        return [sample.took_ms for sample in self.samples.values()][BEFORE:]


def has_reuse() -> bool:
    """Whether functions have the setting."""
    return "reuse" in {setting.name for setting in fields(Limits)}


def measure() -> Measured:
    """Medians in ms, each kind in turn in every round."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        node = Node(folder)
        warm, cold = stack.enter_context(rig()), stack.enter_context(rig(WORKERS_WARM_MB="0"))
        kinds = _kinds(warm, cold)
        before = {id(one): newest(one.database) for one in (warm, cold)}
        flushes: list[float] = []
        bare = _in_turn(kinds, node.bare, lambda: flushes.append(timed_ms(lambda: flush(folder / "flushed"))))
        rows: dict[str, Row] = {}
        for one in (warm, cold):
            asked = [nonce for kind in kinds if kind.rig is one for nonce in kind.samples]
            rows |= prove(one.database, before[id(one)], asked)
        for kind in kinds:
            kind.prove([rows[nonce] for nonce in kind.samples])
        sizes = {"rounds": ROUNDS, "warm": warm.sizes, "cold": cold.sizes}
    figures = [middle("bare_node_beside_ms", bare, "ms"), middle("flush_ms", flushes, "ms"), *_figures(kinds, bare)]
    figures += [figure for kind in kinds for figure in _phases(kind, rows)]
    left_out = {} if has_reuse() else {"reuse_run_ms": NO_REUSE}
    return Measured(figures=figures, sizes=sizes, left_out=left_out)


def _kinds(warm: Rig, cold: Rig) -> list[Kind]:
    waiting = 2 if has_reuse() else 1
    kinds = [Kind(name="warm", rig=warm, function="hello", waiting=waiting)]
    kinds += [Kind(name="cold", rig=cold, function="hello", waiting=0)]
    for one in (warm, cold):
        one.deploy("hello")
    if has_reuse():
        warm.deploy("reused", "--reuse")
        kinds.append(Kind(name="reuse", rig=warm, function="reused", waiting=waiting))
    return kinds


def flush(file: Path) -> None:
    """Append what a small commit does and flush it to the disk: what each commit has to wait for."""
    with file.open("ab") as opened:
        opened.write(bytes(FLUSHED_BYTES))
        opened.flush()
        os.fdatasync(opened.fileno())


def _in_turn(kinds: list[Kind], bare: Callable[[], None], note_flush: Callable[[], None]) -> list[float]:
    times = []
    for number in range(BEFORE + ROUNDS):
        times.append(timed_ms(bare))
        note_flush()
        for kind in kinds:
            # In the first round of all nothing is warm yet: a function is kept warm after it ran.
            kind.rig.let_settle(kind.waiting if number else 0)
            kind.run()
    return times[BEFORE:]


def _figures(kinds: list[Kind], bare: list[float]) -> list[Figure]:
    figures = [middle(f"{kind.name}_run_ms", kind.times, "ms") for kind in kinds]
    return figures + [ratio(f"{kind.name}_run_ratio", kind.times, bare) for kind in kinds if kind.name != "reuse"]


def _phases(kind: Kind, rows: dict[str, Row]) -> list[Figure]:
    """Where the time of a run goes; the store's moments are cut to milliseconds."""
    phases: dict[str, list[float]] = {}
    for nonce, sample in list(kind.samples.items())[BEFORE:]:
        row = rows[nonce]
        assert row.claimed_at is not None
        assert row.finished_at is not None
        moments: dict[str, tuple[datetime | float, datetime | float]] = {
            "asked": (sample.sent_at, row.created_at),
            "queued": (row.created_at, row.claimed_at),
            "starting": (row.claimed_at, row.first_line_at),
            "ending": (row.first_line_at, row.finished_at),
            "seen": (row.finished_at, sample.seen_at),
            "whole": (sample.sent_at, sample.seen_at),
        }
        for name, (since, until) in moments.items():
            phases.setdefault(name, []).append(ms(since, until))
    return [middle(f"phases_{kind.name}_{name}_ms", values, "ms") for name, values in phases.items()]
