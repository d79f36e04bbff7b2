"""Turns the calling process, just forked, into a confined one: another uid, limits, Landlock, filters of system calls.

For machines that refuse user namespaces, such as a container's default. The uid belongs to one run at a time, so
files and signals of the service and of other runs are out of reach; Landlock closes what any user may read.
"""

import os
import resource
from dataclasses import dataclass
from pathlib import Path

from hexasched import linux, privileges
from sandbox import landlock

WORST_FOR_THE_KERNEL = 1000  # when the machine runs out of memory a run goes first


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """Whom to become and what to keep: limits by their number, paths, filters of system calls as BPF programs."""

    uid: int
    gid: int
    umask: int
    limits: dict[int, int]
    readable: tuple[str, ...]
    writable: tuple[str, ...]
    filters: tuple[bytes, ...]


def possible() -> bool:
    """Whether this process has the rights for it, and the kernel the means."""
    return linux.has_capabilities(privileges.SLOT_RIGHTS) and landlock.version() > 0


def enter(confinement: Confinement) -> None:
    """Confine this process for good; raises OSError, and then it must not go on."""
    Path("/proc/self/oom_score_adj").write_text(str(WORST_FOR_THE_KERNEL))
    os.setgroups([])
    os.setresgid(confinement.gid, confinement.gid, confinement.gid)
    os.setresuid(confinement.uid, confinement.uid, confinement.uid)
    linux.set_capabilities(())
    linux.prctl(linux.PR_SET_PDEATHSIG, 9)  # not before: a change of the uid clears it
    os.umask(confinement.umask)
    for which, value in confinement.limits.items():
        resource.setrlimit(which, (value, value))
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    landlock.restrict(confinement.readable, confinement.writable)
    for program in confinement.filters:
        linux.filter_system_calls(program)
