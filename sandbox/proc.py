"""What the kernel tells about processes: children, memory, identity (proc(5), prctl(2))."""

import contextlib
import ctypes
import os
import resource
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
_SIZES = {"RssAnon:": "held", "RssShmem:": "held", "VmRSS:": "resident", "VmHWM:": "highest", "VmData:": "data"}
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What one process or several use: memory in bytes, processor time in seconds.

    `held` is the memory that the kernel can't take back (no pages of files), `resident` all that is there, `highest`
    the most that was ever resident in one process, `data` what is reserved for data. `cpu_s` includes children that
    were waited for.
    """

    held: int = 0
    resident: int = 0
    highest: int = 0
    data: int = 0
    cpu_s: float = 0.0


def children(pid: int) -> list[int]:
    """The children of all threads of `pid`; empty if it is gone."""
    found: list[int] = []
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    except OSError:
        return found
    return found


def tree(pid: int) -> Iterator[int]:
    """`pid` and all that descends from it, as far as it is there."""
    yield pid
    for child in children(pid):
        yield from tree(child)


def usage(pid: int) -> Usage:
    """What `pid` uses; nothing if it is gone."""
    sums = dict.fromkeys(_SIZES.values(), 0)
    try:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
        # After the name, which may hold anything, come the fields from the third on (proc(5)).
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return Usage()
    for line in lines:
        name, *rest = line.split()
        if name in _SIZES:
            sums[_SIZES[name]] += int(rest[0]) * 1024
    return Usage(**sums, cpu_s=sum(map(int, fields[11:15])) / _TICKS)


def usage_of(pids: Iterable[int]) -> Usage:
    """What several processes use together."""
    parts = [usage(pid) for pid in pids]
    return Usage(
        held=sum(part.held for part in parts),
        resident=sum(part.resident for part in parts),
        highest=max((part.highest for part in parts), default=0),
        data=sum(part.data for part in parts),
        cpu_s=sum(part.cpu_s for part in parts),
    )


def cpu_s(pid: int) -> float:
    """The processor time of `pid` and its threads so far; OSError if it is gone.

    clock_getcpuclockid(3) has the number of its clock.
    """
    return time.clock_gettime((~pid << 3) | 2)


def memory(pid: int) -> tuple[int, int]:
    """The bytes of memory that `pid` has resident, and those of them that are its alone; OSError if it is gone."""
    _, resident, shared, *_ = map(int, Path(f"/proc/{pid}/statm").read_bytes().split())
    return resident * _PAGE, (resident - shared) * _PAGE


def limit(pid: int, which: int, value: int) -> None:
    """Lower a resource limit, soft and hard, of another process of this user; ProcessLookupError if it is gone."""
    _, hard = resource.prlimit(pid, which)
    lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.prlimit(pid, which, (lower, lower))


def offer_to_the_kernel(pid: int, score: int) -> None:
    """Make the kernel choose `pid` before others when it runs out of memory; nothing happens if it is gone."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text(str(score))


def allow_many_descriptors() -> None:
    """Let this process open as many files as it may; each run needs about ten."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def adopt_orphans() -> None:
    """From now on descendants whose parent died become children of this process, so that it can wait for them."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "PR_SET_CHILD_SUBREAPER")
