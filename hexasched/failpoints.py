"""Named points at which a test of crashes can end, stop, delay or disturb a process; without one nothing happens.

`HEXASCHED_FAILPOINT=name:action` or `name:action:nth`: when a process comes to the point for the nth time (the first,
if not said), it does so. It happens once in a data folder: the file `torture` in it, without which the variable is
refused, notes which points were obeyed.
"""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from hexasched import logs
from hexasched.errors import HexaSchedError

VARIABLE = "HEXASCHED_FAILPOINT"
POINTS = (
    *("tick.after_read", "tick.before_commit", "tick.after_commit"),
    *("claim.after_commit", "spawn.before", "spawn.after", "hb.before", "log.after_ship"),
    *("finish.before_commit", "finish.after_commit", "reap.after_commit"),
    *("outbox.after_send", "drain.mid", "edit.after_commit"),
)
ACTIONS = ("kill", "stop", "sleep", "error")
SLEEP_S = 3.0


@dataclass
class _Failpoint:
    name: str
    action: str
    left: int  # how often it is still passed by
    notes: Path


_armed: _Failpoint | None = None


def arm(data_dir: Path) -> None:
    """Read the variable, once, at the start of a process. Raises HexaSchedError if it is wrong or not allowed here."""
    global _armed  # noqa: PLW0603 - what is read at the start holds for the process
    wanted = os.environ.get(VARIABLE, "")
    if not wanted:
        return
    name, action, nth = (*wanted.split(":"), "1", "1")[:3]
    if name not in POINTS or action not in ACTIONS or not nth.isdecimal():
        raise HexaSchedError(f"{VARIABLE} must be one of {', '.join(POINTS)}, with :{', :'.join(ACTIONS)}.")
    notes = data_dir / "torture"
    if not notes.is_file():
        raise HexaSchedError(f"{VARIABLE} breaks this service on purpose. Unset it; tests make the file {notes} first.")
    if f"{name}:{action}" in notes.read_text().split():
        return
    _armed = _Failpoint(name, action, int(nth) - 1, notes)
    logs.warning("failpoint.armed", point=name, action=action, nth=nth)


def reach(name: str) -> None:
    """Say that the process is at the point `name`. Raises RuntimeError if it is to be disturbed there."""
    if _armed is not None and _armed.name == name:
        _obey(_armed)


def _obey(point: _Failpoint) -> None:
    global _armed  # noqa: PLW0603 - once is enough
    point.left -= 1
    if point.left >= 0:
        return
    _armed = None
    with point.notes.open("a") as notes:
        notes.write(f"{point.name}:{point.action}\n")
    logs.warning("failpoint.reached", point=point.name, action=point.action)
    match point.action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "sleep":
            Event().wait(SLEEP_S)
        case _:
            raise RuntimeError(f"failpoint {point.name}")
