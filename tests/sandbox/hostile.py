"""The hostile functions: what each attacks, how to run it, and whether the sandbox held.

A function is a file in functions/hostile/GROUP. Its first comment lines say which promise of docs/security.md it
attacks, how, and what may come of it:

    // promise: scratch.files
    // attack: one sentence
    // outcome: failed/memory | timed_out/time      (succeeded/ok if it is left out)
    // result: JSON that a success must return      ("held" if it is left out)
    // limits: {"timeout_s": 1}      // network: outbound      // again: yes (a second run must hold as well)
    // walls: bubblewrap             (others do not promise it)
"""

import json
import os
import platform
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from hexasched.domain.limits import MIB, Limits
from hexasched.domain.outcomes import Outcome
from sandbox.jobs import Job
from tests.sandbox.harness import CHECKOUT, Worker

FOLDER = Path(__file__).parent / "functions" / "hostile"
DOCUMENT = CHECKOUT / "docs" / "security.md"
HELPERS = ("attack.cjs", "syscalls.cjs")
NATIVE = "syscalls.cjs"  # machine code, which there is for one architecture
PROMISE = re.compile(r"^\| `([a-z.]+)` \| .* \| (.+) \|$", re.MULTILINE)
MAX_SPOOL_BYTES = 5.5 * MIB
_HEADER = re.compile(r"// (promise|attack|outcome|result|limits|network|again|walls): (.+)\n")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One hostile function; `outcomes` are texts such as "failed/memory"."""

    name: str  # "scratch/makes_many_files"
    path: Path
    promise: str
    sentence: str
    outcomes: frozenset[str]
    result: str
    limits: Limits
    network: Literal["none", "outbound"]
    again: bool
    walls: frozenset[str]


@cache
def attacks() -> tuple[Attack, ...]:
    """All that this machine can run, by name."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*/*.[cm]js")) if _runs_here(path))


def _runs_here(path: Path) -> bool:
    return NATIVE not in path.read_text() or platform.machine() == "x86_64"


def _read(path: Path) -> Attack:
    header = {}
    text = path.read_text()
    while match := _HEADER.match(text):
        header[match[1]] = match[2]
        text = text[match.end() :]
    return Attack(
        name=f"{path.parent.name}/{path.stem}",
        path=path,
        promise=header["promise"],
        sentence=header["attack"],
        outcomes=frozenset(header.get("outcome", "succeeded/ok").split(" | ")),
        result=header.get("result", '"held"'),
        limits=Limits(**{"timeout_s": 20, **json.loads(header.get("limits", "{}"))}),
        network="outbound" if header.get("network") == "outbound" else "none",
        again=header.get("again") == "yes",
        walls=_walls(header),
    )


def _walls(header: dict[str, str]) -> frozenset[str]:
    # Without namespaces the network is the machine's own or none.
    everywhere = "walls" not in header and "network" not in header
    return frozenset({"bubblewrap", "landlock"} if everywhere else {"bubblewrap"})


def promises() -> dict[str, str]:
    """The promises in docs/security.md by name, and whether they hold without namespaces: "yes", "no", or how far."""
    return dict(PROMISE.findall(DOCUMENT.read_text()))


def submit(worker: Worker, attack: Attack, facts: dict[str, Any], **changes: Any) -> Job:
    """Start the attack in a folder that the service's user owns, as one that the service made; `facts` is its event."""
    file = f"index{attack.path.suffix}"
    folder = worker.write({file: attack.path.read_text()})
    for helper in HELPERS:
        shutil.copy(FOLDER / helper, folder)
    if os.getuid() == 0:
        for path in (folder, *folder.iterdir()):
            os.chown(path, worker.uid, worker.uid)
    given = {"limits": attack.limits, "network": attack.network, "event": facts}
    return worker.submit(folder, file=file, **given | changes)


def complaints(worker: Worker, attack: Attack, job: Job, outcome: Outcome) -> Iterator[str]:
    """What is wrong with how the attack ended; nothing if the sandbox held."""
    ended = f"{outcome.status}/{outcome.reason}"
    if ended not in attack.outcomes:
        yield f"it ended as {ended}: {outcome.error and outcome.error.message}; {outcome.result}"
    elif outcome.ok and outcome.result != attack.result:
        yield f"it returned {outcome.result}"
    most = (2 * attack.limits.memory_mb + 64) * MIB
    if outcome.peak_memory_bytes > most:
        yield f"it had {outcome.peak_memory_bytes // MIB} MB of memory"
    if (worker.folder / "state" / "spool" / f"{job.key}.log").stat().st_size > MAX_SPOOL_BYTES:
        yield "more of its output was kept than may be"
    if _UNSTORABLE.search(json.dumps(asdict(outcome), ensure_ascii=False)):
        yield "its end has text that no database takes"
