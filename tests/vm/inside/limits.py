"""The limits of a run, counted by the kernel for the whole run: memory, processes, processor."""

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


def sandboxed(pattern: str = "/opt/node/bin/node") -> list[int]:
    """The processes of functions in the service's cgroup."""
    return [pid for pid in pids(cgroup(SERVICE)) if command(pid).startswith(pattern)]


def group_of(pid: int) -> Path:
    """The cgroup in which a process is."""
    return CGROUPS / Path(f"/proc/{pid}/cgroup").read_text().strip().removeprefix("0::/")


def _live() -> str:
    deploy("sleeps", "--memory", str(LIMIT_MB))
    begun("sleeps", '{"ms": 20000}')
    node = until("the function's process is there", lambda: sandboxed()[-1:])[0]
    group = group_of(node)
    expect(group != cgroup(SERVICE), group)
    found = {
        name: (group / name).read_text().strip() for name in ("memory.max", "memory.swap.max", "pids.max", "cpu.max")
    }
    limit = int(found["memory.max"])
    expect(LIMIT_MB * MIB <= limit <= 2 * LIMIT_MB * MIB, found)
    expect(found["pids.max"] != "max" and not found["cpu.max"].startswith("max"), found)
    until("the run has ended and its cgroup is gone", lambda: not group.exists(), deadline_s=90)
    return f"{group}: {found}"


def _spins() -> str:
    deploy("spins", "--child-processes")
    begun("spins", "{}")
    node = until("the function's process is there", lambda: sandboxed()[-1:])[0]
    group = group_of(node)
    throttled = until("it was held back", lambda: _stat(group / "cpu.stat", "nr_throttled"), deadline_s=60)
    until("the run has ended", lambda: not group.exists(), deadline_s=90)
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
    expect(not sandboxed(), [command(pid) for pid in sandboxed()])
    return json.dumps(told)


def _unharmed() -> str:
    says_hello()
    expect(
        shown(SERVICE, "NRestarts") == "0" and shown(SERVICE, "ActiveState") == "active", shown(SERVICE, "NRestarts")
    )
    return f"oom kills in the unit: {(cgroup(SERVICE) / 'memory.events').read_text().split('oom_kill ')[1].split()[0]}"
