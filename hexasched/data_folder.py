"""The data folder changes hands: made if missing, and what root owns of it given to the service's user."""

import errno
import os
import stat
from pathlib import Path

from hexasched.errors import HexaSchedError

_OURS = frozenset({"config.toml", "hexasched.db"})
_NOBODYS = "lost+found"


def give(data_dir: Path, uid: int, gid: int) -> None:
    """Make `data_dir` (0700) if it is missing, and give `uid` what root owns of it; called by root.

    That is the folder and what lies directly in it. No link is followed, neither soft nor hard. Raises
    HexaSchedError if the folder is another user's or has only things in it that are not ours.
    """
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(data_dir):
        data_dir.mkdir(0o700)
    folder = _open(data_dir)
    try:
        with os.scandir(folder) as entries:
            names = {entry.name for entry in entries} - {_NOBODYS}
        _take(data_dir, folder, names, uid, gid)
        for name in names:
            _give_entry(folder, name, uid, gid)
    finally:
        os.close(folder)


def _open(data_dir: Path) -> int:
    try:
        return os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        raise HexaSchedError(f"The data folder {data_dir} is a link or a file. Name the folder itself.") from None


def _take(data_dir: Path, folder: int, names: set[str], uid: int, gid: int) -> None:
    owner = os.fstat(folder).st_uid
    if owner not in (0, uid):
        raise HexaSchedError(
            f"The data folder {data_dir} belongs to uid {owner}, but the service runs as {uid}. "
            f"Give it the folder: chown -R {uid}:{gid} {data_dir}"
        )
    # A slip such as data_dir = "/tmp" must not give the machine's own folders away.
    if owner == 0 and names and not names & _OURS:
        raise HexaSchedError(
            f"The data folder {data_dir} has other things in it ({sorted(names)[0]!r}, …). Choose an empty folder."
        )
    if owner == 0:
        os.fchown(folder, uid, gid)
        os.fchmod(folder, 0o700)


def _give_entry(folder: int, name: str, uid: int, gid: int) -> None:
    entry = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        info = os.fstat(entry)
        # A file with a second name may be one that root keeps elsewhere.
        movable = stat.S_ISDIR(info.st_mode) or (stat.S_ISREG(info.st_mode) and info.st_nlink == 1)
        if info.st_uid == 0 and movable:
            os.chown(f"/proc/self/fd/{entry}", uid, gid)
    finally:
        os.close(entry)
