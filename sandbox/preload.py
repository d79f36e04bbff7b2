"""Loads a function's module in a process that waits, as a job of its own whose end is nobody's run."""

from dataclasses import replace
from pathlib import Path

from hexasched.domain.limits import KIB, MIB
from hexasched.domain.outcomes import Outcome, Reason
from sandbox.jobs import Job
from sandbox.spool import Spool

PRELOAD_S = 10
HEAD_BYTES, TAIL_BYTES = 64 * KIB, 192 * KIB
WHY_CHARS = 300
NOT_STILL = "It did not stand still when its module was loaded."


def job_for(template: Job) -> Job:
    """The job that prepares a process for runs like `template`."""
    limits = replace(template.limits, timeout_s=min(PRELOAD_S, template.limits.timeout_s))
    return replace(template, mode="preload", limits=limits)


def spool_at(path: Path) -> Spool:
    """Where the output goes until there is a run that it belongs to; raises OSError."""
    path.unlink(missing_ok=True)
    return Spool(path, head=HEAD_BYTES, tail=TAIL_BYTES)


def why(job: Job, outcome: Outcome) -> str:
    """What is wrong, in a sentence or two, at most 300 printable characters."""
    if outcome.reason is Reason.TIME:
        return f"Loading the module took longer than {job.limits.timeout_s} s."
    if outcome.ok:
        return NOT_STILL
    return _plain(outcome.error.message) if outcome.error else f"It ended as {outcome.reason}."


def too_large(held: int, room_mb: int) -> str:
    """What is wrong with a process that holds `held` bytes where there is room for so many MB in all."""
    return f"It holds {held // MIB:,} MB with its module loaded; workers.warm_mb has room for {room_mb:,} MB."


def _plain(text: str) -> str:
    """The first line of what the code said, fit for a terminal: nothing that moves, colours or turns around."""
    line = next(iter(text.strip().splitlines()), "")
    shown = "".join(character if character.isprintable() else "\ufffd" for character in line)
    return shown if len(shown) <= WHY_CHARS else f"{shown[: WHY_CHARS - 1]}…"
