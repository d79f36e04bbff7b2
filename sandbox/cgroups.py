"""A control group (version 2) for each run, where systemd or the administrator has delegated one to the service.

The kernel then limits memory, processes and processor time of a run as a whole. Documentation/admin-guide/cgroup-v2.rst
of Linux has the files' meanings; a group that has processes of its own may not have groups with limits beneath it, so
the service's processes move to a group of their own.
"""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from hexasched.domain.limits import MIB
from sandbox.jobs import Job

MOUNT = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "memory", "pids")
OWN = "service"
PERIOD_US = 100_000
WEIGHT = 50  # of 100: the service itself goes first
MAX_MOVES = 100


def delegated(mount: Path = MOUNT) -> Path | None:
    """The group in which this process may make others, None if there is none or it lacks a controller."""
    home = _home(mount)
    if home is None or not all(os.access(path, os.W_OK) for path in (home, home / "cgroup.subtree_control")):
        return None
    there = (home / "cgroup.controllers").read_text().split()
    return home if set(CONTROLLERS) <= set(there) else None


def prepare(home: Path) -> None:
    """Make `home` ready for groups of runs: its processes move aside, its limits become available. Raises OSError."""
    own = home / OWN
    own.mkdir(exist_ok=True)
    for _ in range(MAX_MOVES):
        pids = (home / "cgroup.procs").read_text().split()
        if not pids:
            break
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                (own / "cgroup.procs").write_text(pid)
    (home / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in CONTROLLERS))


def sweep(home: Path, prefix: str) -> None:
    """Remove the groups of runs that a killed keeper left; those with processes are killed first."""
    for path in home.glob(f"{prefix}.*"):
        group = Group(path)
        group.kill()
        group.remove()


@dataclass(frozen=True)
class Group:
    """The group of one run."""

    path: Path

    @classmethod
    def make(cls, path: Path, job: Job, scratch_bytes: int) -> "Group":
        """A new group with the limits of `job`, whose files in /tmp count as memory; raises OSError."""
        limits = job.limits
        path.mkdir()
        group = cls(path)
        group._set("memory.max", limits.memory_mb * MIB + scratch_bytes)
        group._set("memory.oom.group", 1)
        group._set("pids.max", limits.processes)
        group._set("cpu.max", f"{limits.cpus * PERIOD_US} {PERIOD_US}")
        group._set("cpu.weight", WEIGHT)
        with contextlib.suppress(OSError):  # a kernel without swap has no such file
            group._set("memory.swap.max", 0)
        return group

    def add(self, pid: int) -> None:
        """Put a process in, and all that it will start; raises OSError."""
        self._set("cgroup.procs", pid)

    @property
    def out_of_memory(self) -> bool:
        """Whether the kernel has killed something in it because its memory was used up."""
        try:
            events = (self.path / "memory.events").read_text().split()
        except OSError:
            return False
        return dict(zip(events[::2], events[1::2], strict=False)).get("oom_kill", "0") != "0"

    def kill(self) -> None:
        """SIGKILL to all processes in it."""
        with contextlib.suppress(OSError):
            self._set("cgroup.kill", 1)

    def remove(self) -> None:
        """Remove it; the processes must be dead."""
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def _set(self, name: str, value: int | str) -> None:
        (self.path / name).write_text(str(value))


def _home(mount: Path) -> Path | None:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        if line.startswith("0::/"):
            path = mount / line.removeprefix("0::/")
            home = path.parent if path.name == OWN else path
            # A session's group is not ours alone: a person's shell would be moved with us.
            return home if home == mount or home.suffix == ".service" else None
    return None
