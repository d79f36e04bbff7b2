"""How many processes may wait in a worker: what workers.warm_mb says, as far as the memory for them is there."""

from dataclasses import dataclass
from pathlib import Path

import psutil

from hexasched.config import Config
from hexasched.domain.limits import MIB
from sandbox.reuse import COST_MB

SPARE_MB = 512
"""What is not for them: the service itself takes 200 MB, a run by default 256."""

MOUNT, MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


@dataclass(frozen=True, kw_only=True)
class Memory:
    """How much there is, and who says so: "this machine" or "its control group"."""

    mb: int
    owner: str


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How many processes of COST_MB may wait in each worker; `trouble` is what is wrong with the setting, or empty."""

    room: int
    trouble: str


def budget_for(config: Config, memory: Memory) -> Budget:
    """The budget of each of the configured workers; what does not fit is not kept warm, and starts cold."""
    wanted, count = config.workers.warm_mb, config.workers.count
    most = max(0, memory.mb - SPARE_MB) // count
    if wanted == 0 or COST_MB <= wanted <= most:
        return Budget(room=wanted // COST_MB, trouble="")
    if wanted < COST_MB:
        why = f"is {wanted}, and a process that waits takes {COST_MB} MB: none waits, every run starts cold"
        return Budget(room=0, trouble=f"workers.warm_mb {why}. Set it to {COST_MB} or more, or to 0 if that is meant.")
    each = "" if count == 1 else f" for each of {count} workers"
    room = most // COST_MB
    waits = f"only {room} of {wanted // COST_MB:,} processes wait, other runs" if room else "every run"
    has = f"workers.warm_mb is {wanted:,}{each}, but {memory.owner} has {memory.mb:,} MB for everything"
    cure = f"at most {room * COST_MB:,}" if room else "0"
    return Budget(
        room=room,
        trouble=f"{has}: {waits} start{'' if room else 's'} cold. Set it to {cure}, or give the service more memory.",
    )


def memory_here(mount: Path = MOUNT, membership: Path = MEMBERSHIP) -> Memory:
    """The machine's memory, or that of the strictest control group (version 1 or 2) around this process."""
    machine = psutil.virtual_memory().total
    limits = [limit for path in _limit_files(mount, membership) if (limit := _read(path)) is not None]
    held = min(limits, default=machine)
    return Memory(mb=min(machine, held) // MIB, owner="its control group" if held < machine else "this machine")


def _limit_files(mount: Path, membership: Path) -> list[Path]:
    """Those of the groups that this process is in, and of all above; in a container some are not to be seen."""
    found: list[Path] = []
    for line in membership.read_text().splitlines():
        _, controllers, name = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top, file = (mount / "memory", "memory.limit_in_bytes") if controllers else (mount, "memory.max")
        group = top / name.lstrip("/")
        found += [place / file for place in (group, *group.parents) if place.is_relative_to(top)]
    return found


def _read(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return None if text == "max" else int(text)
