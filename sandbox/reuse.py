"""Whether a process that has done a run may do another one: nothing of the run may be left that goes on."""

import math
import select
import time

from hexasched.domain.limits import MIB, Limits
from sandbox import proc
from sandbox.jobs import Mode
from sandbox.limits import REUSE_AGE_S, most_cpu_before_run_s
from sandbox.process import Exit, Process

COST_MB = 48
"""What one that waits has been seen to hold (Node.js 24 with the runner loaded, 45 MB resident)."""

MAX_RUNS = 100
LAST_RUNS = 20
WATCH_S = 1.0
IDLE_CPU_S = 0.1  # while it waits: threads of Node.js tidy up behind a run
HELD_SHARE = 0.5  # of the memory limit, that one run may leave to the next


class Reuse:
    """What one process has done, and whether it may go on.

    `cpu_s` is what Node.js itself had used when it ended something last, `tree_cpu_s` that with its children;
    `rested` says that it has waited behind that.
    """

    def __init__(self, process: Process, limits: Limits) -> None:
        self._process, self._limits = process, limits
        self._ends_at = time.monotonic() + REUSE_AGE_S
        self.runs = 0
        self.rested = False
        self.cpu_s = self.tree_cpu_s = 0.0
        self.held = 0
        self.uncounted_s = 0.0  # of runs, since its files were counted behind one

    def note(self, mode: Mode) -> Exit:
        """A run has ended well: what the process has used until now, as if it had ended. OSError if it is gone."""
        assert self._process.main is not None
        self.runs += mode == "run"
        self.cpu_s = proc.cpu_s(self._process.main)
        self.tree_cpu_s = proc.usage_of(self._process.members).cpu_s if self._may_have_children else self.cpu_s
        resident, self.held = proc.memory(self._process.main)
        return Exit(code=0, cpu_s=self.tree_cpu_s, peak_bytes=resident, out_of_memory=False)

    @property
    def cost(self) -> int:
        """How many places it takes where it waits, each of COST_MB."""
        return max(1, math.ceil(self.held / (COST_MB * MIB)))

    @property
    def old(self) -> bool:
        """Whether its time is over, whatever it has done."""
        return time.monotonic() >= self._ends_at

    @property
    def ends_soon(self) -> bool:
        """Whether the next process should be started."""
        return self.runs >= MAX_RUNS - LAST_RUNS

    @property
    def may_go_on(self) -> bool:
        """Whether there may be another run; it need not be the same in a moment."""
        fresh = self.runs < MAX_RUNS and not self.old and self.cpu_s <= most_cpu_before_run_s(self._limits)
        return fresh and self._rests and self._holds_little and self._quiet and self._alone

    @property
    def _rests(self) -> bool:
        """Look at it again; whether nothing of it goes on, as far as that shows."""
        assert self._process.main is not None
        try:
            _, self.held = proc.memory(self._process.main)
            return proc.cpu_s(self._process.main) - self.cpu_s <= IDLE_CPU_S
        except OSError:
            return False

    @property
    def _holds_little(self) -> bool:
        # What loading the module takes the first run would have taken as well.
        return self.held <= (HELD_SHARE if self.runs else 1) * self._limits.memory_mb * MIB

    @property
    def _quiet(self) -> bool:
        pipes = self._process.pipes
        poll = select.poll()
        for fd in (pipes.out, pipes.err, pipes.result):
            poll.register(fd, select.POLLIN)
        return not poll.poll(0)

    @property
    def _may_have_children(self) -> bool:
        # Elsewhere the filter of system calls lets no process be made.
        return self._limits.child_processes or not self._process.walled

    @property
    def _alone(self) -> bool:
        return not self._may_have_children or len(self._process.members) == (2 if self._process.contained else 1)
