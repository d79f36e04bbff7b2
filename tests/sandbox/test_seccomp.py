"""The filter of system calls, asked by a process that runs under it."""

import errno
import json
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.seccomp import FILTERS, load_filter
from tools import build_seccomp

# Starts a second thread, loads the filter (prctl(2), seccomp(2)), then makes calls by number and prints what each
# answered: 0 or an errno.
PROBE = """
import ctypes, json, sys, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
libc = ctypes.CDLL(None, use_errno=True)
program = bytes.fromhex(sys.argv[1])
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
loaded = Program(len(program) // 8, program)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(loaded), 0, 0) == 0
def call(number, *arguments):
    ctypes.set_errno(0)
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    libc.syscall(ctypes.c_long(number), *map(ctypes.c_ulong, padded))
    return ctypes.get_errno()
print(json.dumps([call(*one) for one in json.loads(sys.argv[2])]))
"""

NUMBERS = {
    "x86_64": {
        "unshare": 272, "setns": 308, "mount": 165, "ptrace": 101, "keyctl": 250, "bpf": 321, "userfaultfd": 323,
        "perf_event_open": 298, "name_to_handle_at": 303, "process_vm_readv": 310, "pidfd_getfd": 438,
        "memfd_secret": 447, "fsopen": 430, "clone": 56, "clone3": 435, "io_uring_setup": 425, "socket": 41,
        "socketpair": 53, "ioctl": 16, "getpid": 39,
    },
    "aarch64": {
        "unshare": 97, "setns": 268, "mount": 40, "ptrace": 117, "keyctl": 219, "bpf": 280, "userfaultfd": 282,
        "perf_event_open": 241, "name_to_handle_at": 264, "process_vm_readv": 270, "pidfd_getfd": 438,
        "memfd_secret": 447, "fsopen": 430, "clone": 220, "clone3": 435, "io_uring_setup": 425, "socket": 198,
        "socketpair": 199, "ioctl": 29, "getpid": 172,
    },
}[platform.machine()]  # fmt: skip
DENIED = [
    "unshare", "setns", "mount", "ptrace", "keyctl", "bpf", "userfaultfd", "perf_event_open", "name_to_handle_at",
    "process_vm_readv", "pidfd_getfd", "memfd_secret", "fsopen",
]  # fmt: skip
# getpid of x32, which an x86_64 kernel may answer; 64-bit ARM has nothing of the kind.
FOREIGN = {"x86_64": [0x40000000 | 39], "aarch64": []}[platform.machine()]
HIGH = 1 << 32  # the kernel ignores the upper half of an int


def answers(*calls: tuple[str, *tuple[int, ...]], children: bool = True) -> list[int]:
    """What these calls, name and arguments, answer under the filter."""
    numbers = json.dumps([[NUMBERS[name], *arguments] for name, *arguments in calls])
    program = load_filter(children=children).hex()
    command = [sys.executable, "-c", PROBE, program, numbers]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert result.returncode == 0, result.stderr
    return list(json.loads(result.stdout))


def test_dangerous_calls_are_denied() -> None:
    assert answers(*((name, 0) for name in DENIED)) == [errno.EPERM] * len(DENIED)
    assert answers(("getpid",)) == [0]


def test_calls_with_a_fallback_are_absent() -> None:
    assert answers(("clone3", 0), ("io_uring_setup", 0)) == [errno.ENOSYS] * 2


def test_no_namespace_can_be_made() -> None:
    flags = build_seccomp.CLONE_NAMESPACES
    assert answers(*(("clone", flag) for flag in flags)) == [errno.EPERM] * len(flags)


def test_only_ordinary_sockets_can_be_made() -> None:
    families = [2, 10, 1, 16, 40, 17, 38, 0, 40 | HIGH, 17 | HIGH]  # the last six: VSOCK, PACKET, ALG, none, disguised
    assert answers(*(("socket", family, 2) for family in families)) == [0] * 4 + [errno.EAFNOSUPPORT] * 6
    assert answers(("socketpair", 40, 1)) == [errno.EAFNOSUPPORT]


def test_a_terminal_can_not_be_typed_on() -> None:
    requests = [0x5412, 0x541C, 0x5412 | HIGH]
    assert answers(*(("ioctl", 0, request) for request in requests)) == [errno.EPERM] * 3


def test_without_children_no_process_can_be_made() -> None:
    # SIGCHLD and no flag: a fork.
    assert answers(("clone", signal.SIGCHLD), children=False) == [errno.EPERM]


def test_calls_of_another_architecture_end_the_process() -> None:
    program = load_filter(children=True).hex()
    for number in FOREIGN:
        command = [sys.executable, "-c", PROBE, program, json.dumps([[number]])]
        assert subprocess.run(command, capture_output=True, timeout=20).returncode == -signal.SIGSYS


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_shipped_filters_are_those_of_the_source(machine: str, tmp_path: Path) -> None:
    built = build_seccomp.all_filters(machine)
    for suffix, rules in built.items():
        with (tmp_path / "built").open("wb") as file:
            rules.export_bpf(file)
        assert (tmp_path / "built").read_bytes() == (FILTERS / f"{machine}{suffix}.bpf").read_bytes()
    assert {path.name for path in FILTERS.glob(f"{machine}*")} == {f"{machine}{suffix}.bpf" for suffix in built}


def test_there_is_no_filter_for_an_unknown_machine() -> None:
    with pytest.raises(FileNotFoundError):
        load_filter(children=True, machine="vax")
