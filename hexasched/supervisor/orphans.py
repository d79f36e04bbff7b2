"""Processes that dead children left behind: they become ours, get a moment to end by themselves, and are reaped.

The kernel gives the orphans below a "subreaper" (prctl(2)) to it, so none is missed, whatever session or process group
it made for itself. A worker's keeper is one for the moment in which it writes out the logs of a worker that was killed.
"""

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from hexasched import linux, logs


def adopt_from_now_on() -> None:
    """Become the parent of every orphan below this process."""
    linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)


def reap(own: Collection[int]) -> None:
    """Reap the dead orphans; `own` are the pids of started children, which their Process reaps."""
    with suppress(ChildProcessError):
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        while (dead := os.waitid(os.P_ALL, 0, options)) and dead.si_pid not in own:
            os.waitpid(dead.si_pid, 0)


def living(own: Collection[int]) -> set[int]:
    """The orphans that are there."""
    return set(_children(os.getpid())).difference(own)


def sweep(since: Mapping[int, float], own: Collection[int], now: float, grace_s: float) -> dict[int, float]:
    """Kill the orphans that have been here for `grace_s`; returns since when (monotonic) each one is, by its pid."""
    here = {pid: since.get(pid, now) for pid in living(own)}
    for pid, came in here.items():
        if now - came >= grace_s:
            kill(pid)
    return here


def kill(orphan: int) -> None:
    """SIGKILL `orphan` and all below it. It is our child and not reaped, so the pid can't be another's by now."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(orphan)
        logs.warning("supervisor.orphan_killed", pid=orphan, command=process.name())
        for below in process.children(recursive=True):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                below.kill()
        process.kill()


def _children(pid: int) -> list[int]:
    # The kernel's own list of children: looked at in every round, while psutil looks at every process there is.
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
