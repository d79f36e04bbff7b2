"""The Linux system calls that Python 3.11 has no function for; each raises OSError as os.* would."""

import ctypes
import os

CLONE_NEWNS = 0x00020000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_SLAVE = 1 << 19

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]


def prctl(option: int, value: int) -> None:
    """Set one attribute of the calling process (prctl(2))."""
    _checked(_libc.prctl(option, value, 0, 0, 0), "prctl")


def unshare_mounts() -> None:
    """Give the calling thread a mount namespace of its own; needs CAP_SYS_ADMIN."""
    _checked(_libc.unshare(CLONE_NEWNS), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2): `kind` is the file system's type, `options` what mount -o has for that type."""
    result = _libc.mount(source.encode(), os.fsencode(target), kind.encode(), flags, options.encode())
    _checked(result, target)


def _checked(result: int, about: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), about)
