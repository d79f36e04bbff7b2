"""What one sandboxed process may use: flags of Node.js, limits of the kernel, and the measures of the watchdog."""

import os
import resource
import subprocess
from functools import cache

from hexasched.domain.limits import MIB, Limits
from sandbox import proc
from sandbox.jobs import Job

HEAP_SHARE = 0.6  # the rest is for Buffers, WebAssembly and the machine code
SEMI_SPACE_MB = 8
INSTALL_SCRATCH_MB = 512  # npm's cache
MAX_SCRATCH_FILES = 5_000  # an empty file costs kernel memory that no other limit sees
MAX_INSTALL_FILES = 200_000
CPU_GRACE_S = 10
THREADS_OF_A_FAMILY = 4  # worker threads that code with child processes may have beside them
SAMPLE_S = 0.25


def node_flags(limits: Limits, major: int) -> list[str]:
    """Flags that keep the heap below the memory limit, so that its end is a message and not a kill.

    Without the second flag the young generation comes on top of the first.
    """
    flags = [
        f"--max-old-space-size={int(limits.memory_mb * HEAP_SHARE)}",
        f"--max-semi-space-size={SEMI_SPACE_MB}",
    ]
    # On SIGUSR1 Node opens a debugger's port. 20 and 22 got the flag in a minor release; the oldest with it is named.
    return [*flags, "--disable-sigusr1"] if major >= 24 else flags


@cache
def base_data_bytes(node: str) -> int:
    """How much data memory this Node.js reserves for an empty program: mostly address space for machine code.

    560 MiB for Node 24, 48 for Node 20; measured, because it belongs to the build. Takes about 40 ms once.
    """
    program = "process.stdout.write('x'); setTimeout(() => {}, 60000)"
    with subprocess.Popen([node, "-e", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env={}) as process:
        try:
            assert process.stdout is not None
            process.stdout.read(1)
            return proc.usage(process.pid).data
        finally:
            process.kill()


def scratch_bytes(job: Job) -> int:
    """The size of /tmp."""
    least = INSTALL_SCRATCH_MB if job.mode == "install" else 0
    return max(job.limits.scratch_mb, least) * MIB


def scratch_files(job: Job) -> int:
    """How many files /tmp and /dev/shm may have before the job is killed."""
    return MAX_INSTALL_FILES if job.mode == "install" else MAX_SCRATCH_FILES


def kernel_limits(job: Job, base: int, *, own_user: bool) -> dict[int, int]:
    """Resource limits (see prlimit(2)) of a job's first process, which all others inherit.

    The number of processes is a user's, so it can be limited only where the job has `own_user`, or a user namespace.
    """
    limits = job.limits
    processes = {resource.RLIMIT_NPROC: limits.processes} if own_user else {}
    return processes | {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_FSIZE: scratch_bytes(job),
        resource.RLIMIT_CPU: limits.timeout_s * limits.cpus + CPU_GRACE_S,
        resource.RLIMIT_DATA: _data_limit(limits, base),
    }


def _data_limit(limits: Limits, base: int) -> int:
    # A worker thread reserves as much again as the process did at its start.
    families = 1 + (THREADS_OF_A_FAMILY if limits.child_processes else 0)
    return base * families + limits.memory_mb * MIB


def files_in_scratch(pid: int) -> int:
    """How many files /tmp and /dev/shm have together that process `pid` of a sandbox sees; 0 if it is gone."""
    try:
        spaces = [os.statvfs(f"/proc/{pid}/root/{folder}") for folder in ("tmp", "dev/shm")]
    except OSError:
        return 0
    return sum(space.f_files - space.f_ffree for space in spaces)
