"""What the processes of one run hold, looked at from outside: memory, processor time and files, beside their limits."""

import resource

from hexasched.domain.limits import MIB
from sandbox import limits, proc
from sandbox.jobs import Job
from sandbox.process import Exit, Process
from sandbox.reuse import Reuse
from sandbox.stopped import Cause

COUNT_SHARE = 20  # at most a part of the time goes into counting one run's files, in processor time
NEVER = float("inf")


class Holdings:
    """`look_at` is when `look` is due, on the monotonic clock."""

    def __init__(self, job: Job, process: Process, reuse: Reuse) -> None:
        """What `reuse` knows of earlier runs of the process is not this one's."""
        self._job, self._process, self._reuse = job, process, reuse
        self._cpu_before = reuse.tree_cpu_s
        self._peak, self._cpu_s = 0, 0.0
        self._count_at = 0.0
        self.look_at = NEVER

    def begin(self, now: float) -> None:
        """The run begins: from now on it is looked at."""
        self.look_at = now + limits.next_sample_s(self._job.limits.memory_mb * MIB - self._reuse.held)

    def look(self, now: float) -> Cause | None:
        """Measure; the limit that is passed, if one is."""
        room = self._job.limits.memory_mb * MIB - self.measure().held
        self.look_at = now + limits.next_sample_s(room)
        if room < 0:
            return "memory"
        if now < self._count_at:
            return None
        began = _spent_s()
        passed = self._count_files()
        # Where files are counted one by one it takes a while, and others wait meanwhile.
        self._count_at = now + max(limits.SAMPLE_S, COUNT_SHARE * (_spent_s() - began))
        return passed

    def leaves_too_much(self, ran_s: float) -> bool:
        """Whether the next run of the process, after this one of `ran_s`, would begin above the limits of its files.

        Where counting takes a process of ours that is asked as often as within one long run: runs add up.
        """
        self._reuse.uncounted_s += ran_s
        if not self._process.is_cheap_to_reach and self._reuse.uncounted_s < limits.SAMPLE_S:
            return False
        began = _spent_s()
        passed = self._count_files()
        self._reuse.uncounted_s = limits.SAMPLE_S - max(limits.SAMPLE_S, COUNT_SHARE * (_spent_s() - began))
        return passed is not None

    def measure(self) -> proc.Usage:
        """To be called before anything is killed: of what was killed nobody else tells the processor time."""
        used = proc.usage_of(self._process.members)
        # The highest of a process that has done other runs may be theirs.
        highest = 0 if self._reuse.rested else used.highest
        self._peak = max(self._peak, used.resident, highest)
        self._cpu_s = max(self._cpu_s, used.cpu_s)
        return used

    def cpu_ms(self, ended: Exit) -> int:
        """The processor time of the run whose process has `ended`, or has ended the run."""
        return max(0, round((max(self._cpu_s, ended.cpu_s) - self._cpu_before) * 1000))

    def peak_bytes(self, ended: Exit) -> int:
        """The most memory that the run had resident, as far as one can tell."""
        # Of a process that has done other runs nobody knows which of them had the peak.
        return max(self._peak, 0 if self._reuse.rested and self._peak else ended.peak_bytes)

    def _count_files(self) -> Cause | None:
        most = limits.scratch_files(self._job)
        files, size = self._process.scratch(most)
        if files > most:
            return "files"
        return "scratch" if size > limits.scratch_bytes(self._job) else None


def _spent_s() -> float:
    """The processor time of the keeper and of all that it has waited for.

    Not the time that passes: whoever keeps the machine busy would make files be counted seldom.
    """
    used = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)
