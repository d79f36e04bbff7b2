"""Says what is being done and how long it takes; runs programs with a deadline."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

BEGAN = time.monotonic()


def say(text: str) -> None:
    """Print a line of progress with the seconds since the start."""
    print(f"[{time.monotonic() - BEGAN:6.1f}] {text}", flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say that `what` begins, and how long it took."""
    say(f"{what} …")
    began = time.monotonic()
    yield
    say(f"{what}: {time.monotonic() - began:.0f} s")


def run(argv: Sequence[str | Path], *, deadline_s: float, log: Path | None = None) -> None:
    """Run a program; if it fails or takes longer, show the end of what it said and exit."""
    out = log.open("ab") if log else subprocess.DEVNULL
    try:
        status = subprocess.run(argv, stdout=out, stderr=subprocess.STDOUT, timeout=deadline_s, check=False).returncode
        problem = f"exit status {status}" if status else ""
    except subprocess.TimeoutExpired:
        problem = f"not done after {deadline_s:.0f} s"
    if problem:
        said = "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log else ""
        sys.exit(f"{said}\n{Path(argv[0]).name}: {problem}")
