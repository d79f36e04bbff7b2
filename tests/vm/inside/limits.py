"""The limits of a run, counted by the kernel for the whole run: memory, processes, processor."""

import contextlib
import json
from pathlib import Path

from tests.vm.inside.functions import deploy
from tests.vm.inside.shell import finished_run, until
from tests.vm.inside.story import SERVICE, begun, page, says_hello
from tests.vm.inside.tap import check, expect, title
from tests.vm.inside.units import CGROUPS, cgroup, command, pids, shown

MIB = 1024 * 1024
LIMIT_MB = 128


def limits() -> None:
    """Needs hexasched.service running."""
    title("limits by cgroup v2")
    check("the worker says that its runs are counted in cgroups", _ready)
    check("a live run has memory.max, pids.max and cpu.max of its own", _live)
    check("two threads that spin get one core together", _spins)
    check("a run that takes all memory ends with the reason memory", _bomb)
    check("a run that starts processes without end is refused them at the limit", _forks)
    check("the service has lost no process to any of it", _unharmed)


def _ready() -> None:
    said = json.loads(page("/readyz"))
    expect(said == {"status": "ready", "sandbox": ["bubblewrap+cgroup"]}, said)


def groups() -> dict[Path, list[int]]:
    """The cgroups of runs, and of processes that wait for one, with their processes."""
    home = cgroup(SERVICE)
    found: dict[Path, list[int]] = {}
    for pid in pids(home):
        if command(pid).startswith("/opt/node/bin/node"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                path = Path(f"/proc/{pid}/cgroup").read_text().strip().removeprefix("0::/")
                found.setdefault(CGROUPS / path, []).append(pid)
    return found


def _live() -> str:
    deploy("sleeps", "--memory", str(LIMIT_MB))
    begun("sleeps", '{"ms": 20000}')
    group = until("a group has the limit of this function", lambda: next(filter(_limited, groups()), None))
    expect(group != cgroup(SERVICE), group)
    found = {name: (group / name).read_text().strip() for name in ("memory.swap.max", "pids.max", "cpu.max")}
    expect(found["pids.max"] != "max" and not found["cpu.max"].startswith("max"), found)
    return f"{group}: {found}"


def _limited(group: Path) -> bool:
    try:
        told = (group / "memory.max").read_text().strip()
    except OSError:
        return False  # its run has ended meanwhile
    return told != "max" and LIMIT_MB * MIB <= int(told) <= 2 * LIMIT_MB * MIB


def _spins() -> str:
    deploy("spins", "--child-processes")
    begun("spins", "{}")
    throttled = until(
        "it was held back", lambda: max([_stat(group / "cpu.stat", "nr_throttled") for group in groups()], default=0)
    )
    return f"held back {throttled} times by then"


def _stat(file: Path, name: str) -> int:
    try:
        return {line.split()[0]: int(line.split()[1]) for line in file.read_text().splitlines()}[name]
    except OSError:
        return 0


def _bomb() -> str:
    deploy("eats-memory", "--memory", str(LIMIT_MB))
    run = finished_run("eats-memory")
    expect((run["status"], run["reason"]) == ("failed", "memory"), run)
    return json.dumps(run["error"])


def _forks() -> str:
    deploy("forks", "--child-processes", "--memory", "512", "--timeout", "240")
    run = finished_run("forks")
    told = json.loads(run["stdout"].splitlines()[-1])
    expect(told["refused"] > 0 and told["started"] < 64, run)
    left = [command(pid) for pid in pids(cgroup(SERVICE)) if "setTimeout" in command(pid)]
    expect(not left, left)
    return json.dumps(told)


def _unharmed() -> str:
    says_hello()
    expect(
        shown(SERVICE, "NRestarts") == "0" and shown(SERVICE, "ActiveState") == "active", shown(SERVICE, "NRestarts")
    )
    return f"oom kills in the unit: {(cgroup(SERVICE) / 'memory.events').read_text().split('oom_kill ')[1].split()[0]}"
