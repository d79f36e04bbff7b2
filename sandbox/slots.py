"""The users that confined runs have, one each: taken, emptied of all processes, given back."""

import contextlib
import fcntl
import os
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path

from hexasched import linux, privileges

FIRST_UID = 61440
COUNT = 1024
TIDY_S = 5.0
_HELPERS = FIRST_UID + COUNT
"""The first of as many users of the keeper's helpers, one for each slot."""
_SLOTS = frozenset(range(FIRST_UID, FIRST_UID + COUNT))
GID = privileges.SLOT_GID
"""The group of all of them. The service belongs to it too, so that it can let them into folders of its own."""


LOCKS = Path("/dev/shm")  # noqa: S108 - one for all who see the same processes, whatever else they don't share


class Slots:
    """The slots of one keeper. Their locks are the kernel's, which frees them however the keeper ends."""

    def __init__(self, left_in: Path) -> None:
        """End what keepers that were killed left behind, and let the service remove their files beneath `left_in`."""
        self._locks: dict[int, int] = {}
        self._tidying: set[int] = set()
        files = _left(left_in)
        for uid in _SLOTS.intersection([*map(_uid, _pids()), *files]):
            if self._lock(uid):
                for path in files.get(uid, []):
                    open_tree(uid, path)
                self.give(uid)

    def take(self) -> int:
        """The uid of a slot that nobody has; raises OSError if there is none."""
        for uid in sorted(_SLOTS):
            if uid not in self._locks and self._lock(uid):
                kill(uid)
                return uid
        raise OSError("all users for confined runs are taken")

    def give(self, uid: int) -> None:
        """End what is left of the slot, and let others have it."""
        kill(uid)
        os.close(self._locks.pop(uid))

    def retire(self, uid: int, tidy: Callable[[], None]) -> int:
        """As `give`, after `tidy`, in a process of its own: many files take long, and others wait for the keeper.

        That process has the lock until it ends. Returns its pid; the caller is to wait for it.
        """
        lock = self._locks.pop(uid)
        pid = os.fork()
        if pid == 0:
            try:
                _close_all_but(lock)
                kill(uid)
                tidy()
            finally:
                os._exit(0)
        self._tidying = {one for one in self._tidying if Path(f"/proc/{one}").exists()} | {pid}
        os.close(lock)
        return pid

    def close(self) -> None:
        """Wait a while for what is still being tidied up."""
        give_up_at = time.monotonic() + TIDY_S
        for pid in self._tidying:
            with contextlib.suppress(ProcessLookupError):
                fd = os.pidfd_open(pid)
                select.select([fd], [], [], max(0.0, give_up_at - time.monotonic()))
                os.close(fd)

    def _lock(self, uid: int) -> bool:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            lock = os.open(LOCKS / f"hexasched-slot-{uid}", flags, 0o600)
        except OSError:
            return False  # somebody else's
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._locks[uid] = lock
        return True


def kill(uid: int) -> None:
    """SIGKILL to every process of a slot; none can escape by forking, because the kernel does it in one step."""
    run_as(uid, lambda: os.kill(-1, signal.SIGKILL))


def clear(uid: int, folder: Path) -> None:
    """Remove what the slot's user has put into `folder`; programs that no depth of folders can stop."""
    run_as(uid, lambda: _execute("chmod", "-R", "u+rwX", str(folder)))
    run_as(uid, lambda: _execute("find", str(folder), "-mindepth", "1", "-delete"))


def open_tree(uid: int, folder: Path) -> None:
    """Let the service read and remove what the slot's user has put into `folder`. Links are not followed."""
    run_as(uid, lambda: _execute("chmod", "-R", "g+rwX", str(folder)))


def used(uid: int, folder: Path, most_files: int) -> tuple[int, int]:
    """How many files the slot's user has in `folder` and their bytes; counting ends above `most_files`."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as answer:
        try:
            run_as(uid, lambda: os.write(writing, "{} {}".format(*_count(folder, most_files)).encode()))
        finally:
            os.close(writing)
        files, size = (answer.read() or "0 0").split()
    return int(files), int(size)


def living(uid: int) -> list[int]:
    """The processes of a slot that are not dead yet."""
    return [pid for pid in _pids() if _uid(pid) == uid]


def _close_all_but(fd: int) -> None:
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are enough
        if int(name) > 2 and int(name) != fd:
            with contextlib.suppress(OSError):
                os.close(int(name))


def open_way(path: Path) -> None:
    """Let the slots' users pass through our own folders on the way to `path`, but not look into them."""
    for folder in path.resolve().parents:
        status = folder.stat()
        closed = not status.st_mode & 0o001 and not (status.st_gid == GID and status.st_mode & 0o010)
        if closed and status.st_uid == os.geteuid():
            os.chown(folder, -1, GID)
            folder.chmod(status.st_mode & 0o7707 | 0o010)


def open_folders(top: Path) -> None:
    """Let the slots' users into a folder of ours with all that it has; it must not change meanwhile."""
    if top.stat().st_uid != os.geteuid() or top.stat().st_mode & 0o001:
        return
    for root, _, _ in os.walk(top, topdown=False):  # `top` last: that it is open says that all is
        Path(root).chmod(0o755)


def run_as(uid: int, action: Callable[[], object]) -> None:
    """Do something quick with the rights of a slot's user, in a process of its own; what fails there is let be."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(GID, GID, GID)
            # The real uid decides who may send signals here: not what is to be ended, no helper for another slot.
            helper = uid - FIRST_UID + _HELPERS
            os.setresuid(helper, uid, helper)
            linux.set_capabilities(())
            action()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def _left(folder: Path) -> dict[int, list[Path]]:
    """The outermost files beneath `folder` that belong to slots, by uid."""
    found: dict[int, list[Path]] = {}
    for root, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(root, name)
            with contextlib.suppress(OSError):
                if (uid := path.lstat().st_uid) in _SLOTS:
                    found.setdefault(uid, []).append(path)
                    folders[:] = [one for one in folders if one != name]
    return found


def _execute(*command: str) -> None:
    # Not through a shell, which would go back to the real uid. Of the files that are not the slot's own it would speak.
    os.dup2(os.open(os.devnull, os.O_RDWR), 2)
    os.execvpe(command[0], command, {"PATH": os.defpath})  # noqa: S606


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208 - names are enough


def _uid(pid: int) -> int | None:
    """The real uid of a process that is not dead, from a place that it can't change (proc(5))."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except OSError:
        return None
    dead = status.partition("\nState:")[2].split(None, 1)[0] in "ZX"
    return None if dead else int(status.partition("\nUid:")[2].split(None, 1)[0])


def _count(folder: Path, most: int) -> tuple[int, int]:
    files = size = 0
    for root, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            with contextlib.suppress(OSError):
                size += os.lstat(Path(root, name)).st_blocks * 512
            files += 1
            if files > most:
                return files, size
    return files, size
