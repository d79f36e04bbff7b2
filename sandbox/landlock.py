"""Closes the file system to the calling process, but for what it is given (landlock(7)).

The kernel's Landlock needs no right and can't be undone. What it leaves open, on every version: to ask for a file's
size and times (stat), and, outside of its own kind, sockets; the filter of system calls closes those.
"""

import os
import stat
import struct
from collections.abc import Iterable

from hexasched import linux

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION = 1  # the flag that asks for the version
PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
READ = EXECUTE | READ_FILE | READ_DIR
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
# The number of file rights that each version knows: 2 has REFER, 3 TRUNCATE, 5 IOCTL_DEV.
RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
LATEST_RIGHTS = 16
SCOPES = 0b11  # abstract sockets and signals, from version 6


def version() -> int:
    """The kernel's version of Landlock, 0 if it has none."""
    try:
        return linux.system_call(CREATE_RULESET, None, 0, VERSION)
    except OSError:
        return 0


def restrict(readable: Iterable[str], writable: Iterable[str]) -> None:
    """From now on read and execute only beneath `readable`, and do everything beneath `writable`.

    Both are absolute paths of files and folders that exist, or not: what is missing is left out. The process must have
    no_new_privs. Raises OSError, also where the kernel has no Landlock.
    """
    known = version()
    rights = (1 << RIGHTS.get(known, LATEST_RIGHTS)) - 1
    # struct landlock_ruleset_attr: rights over files, over TCP ports (none are handled), scopes.
    attributes = struct.pack("=QQQ", rights, 0, SCOPES)[: 24 if known >= 6 else 8]
    ruleset = linux.system_call(CREATE_RULESET, attributes, len(attributes), 0)
    for paths, wanted in ((readable, READ), (writable, rights)):
        for path in paths:
            _allow(ruleset, path, wanted & rights)
    linux.system_call(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    allowed = rights if stat.S_ISDIR(os.fstat(fd).st_mode) else rights & OF_FILES
    linux.system_call(ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", allowed, fd), 0)
    os.close(fd)
