"""Runs programs, and waits until something is so."""

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any, TypeVar

from tests.vm.inside.tap import NotSoError

HEXASCHED = "/opt/hexasched/bin/hexasched"
Found = TypeVar("Found")


def sh(*argv: str, deadline_s: float = 600, given: str = "", status: int | None = 0) -> str:
    """What the program writes, both streams; raises NotSoError unless it ends in time (with `status`, if not None)."""
    try:
        done = subprocess.run(
            argv,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=deadline_s,
            check=False,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired as late:
        raise NotSoError(f"{' '.join(argv)}: not done after {deadline_s:.0f} s\n{late.stdout or b''!r}") from None
    if status is not None and done.returncode != status:
        raise NotSoError(f"{' '.join(argv)}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def until(what: str, look: Callable[[], Found | None], *, deadline_s: float = 300) -> Found:
    """The first thing that `look` finds; raises NotSoError if it finds nothing in time."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise NotSoError(f"Not so after {deadline_s:.0f} s: {what}")


def hexasched(*arguments: str, **options: Any) -> str:
    """One command of HexaSched, started as root as a person would."""
    return sh(HEXASCHED, *arguments, **options)


def finished_run(name: str, event: str = "{}") -> dict[str, Any]:
    """Run the function `name` now and wait; all that is known of the run."""
    said = hexasched("function", "run", name, "--event", event, "--wait", "--json", status=None, deadline_s=240)
    return _object(said)


def runs(*options: str) -> list[dict[str, Any]]:
    """The newest runs, newest first."""
    found: list[dict[str, Any]] = json.loads(hexasched("run", "list", "--json", *options))
    return found


def _object(said: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(said)
    except ValueError:
        raise NotSoError(said) from None
    return found
