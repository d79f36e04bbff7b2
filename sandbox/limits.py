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
MAX_INSTALL_FILES = 200_000
CPU_GRACE_S = 10
REUSE_AGE_S = 600  # after which a process gets no further run
WORKER_THREADS = 4
THREAD_MB = 36  # what one reserves: see node/threads.cjs
SAMPLE_S, SOONEST_SAMPLE_S = 0.25, 0.02
FILLING = 4000 * MIB  # bytes a second: faster than two threads fill fresh memory


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
    """How many files /tmp and /dev/shm may have before the job is killed: each costs memory that is counted nowhere."""
    return MAX_INSTALL_FILES if job.mode == "install" else job.limits.scratch_files


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
        resource.RLIMIT_CPU: _cpu_limit(limits),
        resource.RLIMIT_DATA: _data_limit(limits, base),
    }


def most_cpu_before_run_s(limits: Limits) -> int:
    """How much processor time a process may have used for earlier runs, and still have enough for one more."""
    return REUSE_AGE_S * limits.cpus if limits.same_env else 0


def _cpu_limit(limits: Limits) -> int:
    # The kernel counts for a process, not for a run.
    return limits.timeout_s * limits.cpus + most_cpu_before_run_s(limits) + CPU_GRACE_S


def _data_limit(limits: Limits, base: int) -> int:
    # In a child process that is not ours a thread reserves as much again as the process did at its start.
    thread = base if limits.child_processes else THREAD_MB * MIB
    return base + WORKER_THREADS * thread + limits.memory_mb * MIB


def next_sample_s(room: int) -> float:
    """When to look again at a run that is `room` bytes below its memory limit: before it can be far above."""
    return min(SAMPLE_S, max(SOONEST_SAMPLE_S, room / FILLING))


def files_in_scratch(pid: int) -> int:
    """How many files /tmp and /dev/shm have together that process `pid` of a sandbox sees; 0 if it is gone."""
    try:
        spaces = [os.statvfs(f"/proc/{pid}/root/{folder}") for folder in ("tmp", "dev/shm")]
    except OSError:
        return 0
    return sum(space.f_files - space.f_ffree for space in spaces)
