"""Which versions' files and packages this host still needs: a folder's time says when it was claimed last.

Whoever is about to use a folder claims it, and it stays for 30 days: longer than any run. Claims share a lock that the
removal of a folder holds alone, so a folder is never taken away between somebody's look and their use of it. What was
removed comes back out of the database.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from hexasched import logs

EVERY_S = 3600.0
KEPT = timedelta(days=30)
LEFTOVERS_KEPT = timedelta(days=1)
"""Of a worker that died while it unpacked or removed something."""

KINDS = ("versions", "artifacts")


def claim(root: Path, folder: Path) -> bool:
    """Whether `folder` is there; if it is, nobody removes it for KEPT from now on."""
    try:
        with _lock(root, fcntl.LOCK_SH):
            os.utime(folder)
    except FileNotFoundError:
        return False
    return True


def remove_unused(root: Path, now: datetime) -> int:
    """Remove what nobody claimed for long; how many folders that was. It may take long: for the helper."""
    removed = 0
    try:
        for folder in [folder for kind in KINDS for folder in sorted((root / kind).glob("*"))]:
            removed += _remove(root, folder, now)
    except OSError:
        logs.failure("files.not_removed")
    if removed:
        logs.event("files.removed", folders=removed)
    return removed


def _remove(root: Path, folder: Path, now: datetime) -> bool:
    leftover = folder.name.startswith(".")
    before = now - (LEFTOVERS_KEPT if leftover else KEPT)
    if not _is_older(folder, before):
        return False  # a look that takes no lock
    aside = folder if leftover else folder.with_name(f".old-{secrets.token_hex(8)}")
    if not leftover:
        with _lock(root, fcntl.LOCK_EX):
            if not _is_older(folder, before):
                return False
            folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
    return True


def _is_older(folder: Path, before: datetime) -> bool:
    try:
        return folder.stat().st_mtime < before.timestamp()
    except FileNotFoundError:  # another worker was first
        return False


@contextmanager
def _lock(root: Path, kind: int) -> Iterator[None]:
    with (root / "files.lock").open("a") as file:
        fcntl.flock(file, kind)
        yield
