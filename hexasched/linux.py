"""The Linux system calls that Python 3.11 has no function for; each raises OSError as os.* would."""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

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
PR_SET_KEEPCAPS = 8
PR_SET_SECCOMP = 22
PR_SET_MM, PR_SET_MM_MAP = 35, 14
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE, PR_CAP_AMBIENT_CLEAR_ALL = 2, 4
SECCOMP_MODE_FILTER = 2

CAP_KILL, CAP_SETGID, CAP_SETUID = 5, 6, 7
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
_libc.sbrk.argtypes, _libc.sbrk.restype = [ctypes.c_long], ctypes.c_ulong
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]

_command_line: "ctypes.Array[ctypes.c_char] | None" = None


def prctl(option: int, value: int, second: int = 0) -> None:
    """Set one attribute of the calling process (prctl(2))."""
    _checked(_libc.prctl(option, value, second, 0, 0), "prctl")


def set_command_line(words: Iterable[str]) -> None:
    """Be shown with these words by ps(1) and the like, until the next exec: PR_SET_MM_MAP of prctl(2).

    It moves the arguments in the description of this process's memory; the rest of that is handed back as it is.
    """
    global _command_line  # noqa: PLW0603 - the kernel reads it from this process's memory as long as this lives
    text = b"".join(os.fsencode(word) + b"\0" for word in words)
    shown = ctypes.create_string_buffer(text, len(text))
    stat = Path("/proc/self/stat").read_text().rpartition(")")[2].split()

    def field(number: int) -> int:
        return int(stat[number - 3])  # as proc(5) counts them; two are before the parenthesis

    start = ctypes.addressof(shown)
    code, data, stack = (field(26), field(27)), (field(45), field(46)), field(28)
    arguments, environment = (start, start + len(text)), (field(50), field(51))
    described = (*code, *data, field(47), _libc.sbrk(0), stack, *arguments, *environment)
    struct_prctl_mm_map = struct.pack("=12QIi", *described, 0, 0, -1)  # neither another auxv nor another executable
    described_at = ctypes.create_string_buffer(struct_prctl_mm_map, len(struct_prctl_mm_map))
    _checked(
        _libc.prctl(PR_SET_MM, PR_SET_MM_MAP, ctypes.addressof(described_at), len(struct_prctl_mm_map), 0), "prctl"
    )
    _command_line = shown


def set_capabilities(numbers: Iterable[int]) -> None:
    """Have exactly these capabilities, and hand them on to every program that is executed (capabilities(7))."""
    bits = sum(1 << number for number in numbers)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    # Effective, permitted, inheritable: the low halves, then the high ones.
    _checked(_libc.capset(header, struct.pack("=6I", bits, bits, bits, 0, 0, 0)), "capset")
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    for number in numbers:
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number)


def has_capabilities(numbers: Iterable[int]) -> bool:
    """Whether this process may use all of these capabilities now."""
    status = Path("/proc/self/status").read_text()
    bits = int(status.partition("CapEff:")[2].split(None, 1)[0], 16)
    return all(bits >> number & 1 for number in numbers)


def filter_system_calls(program: bytes) -> None:
    """Put a BPF program over this thread's system calls for good (seccomp(2)); needs no_new_privs."""
    instructions = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))  # struct sock_fprog
    description = ctypes.create_string_buffer(head, len(head))
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(description))


def system_call(number: int, *arguments: int | bytes | None) -> int:
    """A system call that the C library has no function for; `number` must be the same on all our architectures."""
    result: int = _libc.syscall(ctypes.c_long(number), *map(_as_argument, arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), f"system call {number}")
    return result


def _as_argument(value: int | bytes | None) -> "ctypes.c_long | ctypes.c_char_p":
    return ctypes.c_long(value) if isinstance(value, int) else ctypes.c_char_p(value)


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
