"""Ends what is left of sandboxes whose keeper and bubblewrap were killed before all was set up.

Process 1 of a sandbox waits for a word of bubblewrap's before it asks the kernel to die with it. If bubblewrap is
killed just then, the word never comes: the process has run nothing and never will, and waits for ever. While a keeper
lives it gets such orphans and kills them; those of a dead one are ended by the next.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from hexasched import logs
from sandbox.launch import ARGS_FD, INSIDE_NODE

_COMMAND = ["--args", str(ARGS_FD), "--", INSIDE_NODE]


def end_unfinished() -> None:
    """Kill every process 1 of a sandbox of this user whose parent is neither bubblewrap nor a keeper."""
    for pid in _own():
        with contextlib.suppress(OSError):  # it is gone
            # Opened first: from now on the number can't come to mean another process.
            handle = os.pidfd_open(pid)
            try:
                if _is_unfinished(pid):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    logs.warning("sandbox.unfinished_killed", pid=pid)
            finally:
                os.close(handle)


def _own() -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal() and entry.stat().st_uid == os.geteuid():
                yield int(entry.name)


def _is_unfinished(pid: int) -> bool:
    if _words(pid)[1:5] != _COMMAND:
        return False
    facts = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines())
    inside = facts["NSpid"].split()
    parent = int(facts["PPid"])
    return len(inside) > 1 and inside[-1] == "1" and not _is_minded(parent)


def _is_minded(parent: int) -> bool:
    words = _words(parent)
    return words[1:5] == _COMMAND or "sandbox.keeper" in words


def _words(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
