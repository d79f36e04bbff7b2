"""Writes sandbox/seccomp/*.bpf: the system calls that code in the sandbox may not make. Run it at release time.

Everything that is not named here is allowed: a deny list keeps working with a new Node.js, and the namespaces are
what isolates; the filter takes away the kernel's less travelled parts. Needs libseccomp (apt-get install libseccomp2).
"""

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

import pyseccomp as seccomp

TARGET = Path(__file__).parent.parent / "sandbox" / "seccomp"
ARCHITECTURES = {"x86_64": seccomp.Arch.X86_64, "aarch64": seccomp.Arch.AARCH64}

# Namespaces and mounts; other processes' memory; keys and other things that outlive a run or have no namespace;
# the machine's clock, modules, swap and quota.
DENIED = (
    "unshare setns mount umount2 umount pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick "
    "mount_setattr "
    "ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp "
    "keyctl add_key request_key bpf perf_event_open userfaultfd memfd_secret fanotify_init "
    "name_to_handle_at open_by_handle_at mknod mknodat acct syslog lookup_dcookie "
    "kexec_load kexec_file_load init_module finit_module delete_module reboot swapon swapoff quotactl quotactl_fd "
    "settimeofday clock_settime clock_adjtime adjtimex stime sethostname setdomainname "
    "ioperm iopl modify_ldt vhangup vm86 vm86old uselib nfsservctl _sysctl "
    "mbind move_pages migrate_pages set_mempolicy set_mempolicy_home_node "
)

# System V and POSIX objects that a namespace would end with the run.
SHARED = "shmget shmat shmctl msgget msgsnd msgrcv msgctl semget semop semtimedop semctl mq_open mq_unlink"

# glibc then falls back to clone, whose flags a filter can see, and libuv to epoll.
ABSENT = ["clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"]

FAMILIES = {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK}
CLONE_THREAD = 0x00010000
CLONE_NAMESPACES = (
    0x00000080,  # time
    0x00020000,  # mount
    0x02000000,  # cgroup
    0x04000000,  # UTS
    0x08000000,  # IPC
    0x10000000,  # user
    0x20000000,  # PID
    0x40000000,  # network
)
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
INT = 0xFFFFFFFF  # the kernel looks at the low half of an int argument only


def build(architecture: str, *, children: bool) -> seccomp.SyscallFilter:
    """The filter for "x86_64" or "aarch64"; without `children` a process can start threads but no process."""
    rules, wanted = _start(architecture), ARCHITECTURES[architecture]
    refuse, missing = seccomp.ERRNO(errno.EPERM), seccomp.ERRNO(errno.ENOSYS)
    for name in _known(wanted, DENIED.split()):
        rules.add_rule(refuse, name)
    for name in _known(wanted, ABSENT):
        rules.add_rule(missing, name)
    for flag in CLONE_NAMESPACES:
        rules.add_rule(refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    for request in (TIOCSTI, TIOCLINUX):
        rules.add_rule(refuse, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, INT, request))
    _limit_families(rules)
    if not children:
        rules.add_rule(refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, 0))
        for name in _known(wanted, ["fork", "vfork"]):
            rules.add_rule(refuse, name)
    return rules


def build_slot(architecture: str) -> seccomp.SyscallFilter:
    """What comes on top where no namespace isolates: no sockets in files, nothing shared that outlives a run."""
    rules = _start(architecture)
    rules.add_rule(seccomp.ERRNO(errno.EACCES), "socket", seccomp.Arg(0, seccomp.EQ, socket.AF_UNIX))
    for name in _known(ARCHITECTURES[architecture], SHARED.split()):
        rules.add_rule(seccomp.ERRNO(errno.EPERM), name)
    return rules


def build_offline(architecture: str) -> seccomp.SyscallFilter:
    """What comes on top where there is no network namespace to be without network in."""
    rules = _start(architecture)
    for family in FAMILIES - {socket.AF_UNIX}:
        rules.add_rule(seccomp.ERRNO(errno.ENETUNREACH), "socket", seccomp.Arg(0, seccomp.EQ, family))
    return rules


def _start(architecture: str) -> seccomp.SyscallFilter:
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    # Killed as a thread, which is the default, the rest of a process would hang until its deadline.
    rules.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.KILL_PROCESS)
    native, wanted = seccomp.system_arch(), ARCHITECTURES[architecture]
    if wanted != native:
        rules.add_arch(wanted)
        rules.remove_arch(native)
    return rules


def _known(architecture: int, names: list[str]) -> Iterator[str]:
    # A call that an architecture lacks has a number below 0.
    return (name for name in names if seccomp.resolve_syscall(architecture, name) >= 0)


def _limit_families(rules: seccomp.SyscallFilter) -> None:
    # AF_VSOCK leads to the hypervisor and no namespace closes it.
    refuse = seccomp.ERRNO(errno.EAFNOSUPPORT)
    for call in ("socket", "socketpair"):
        for family in set(range(max(FAMILIES))) - FAMILIES:
            rules.add_rule(refuse, call, seccomp.Arg(0, seccomp.EQ, family))
        rules.add_rule(refuse, call, seccomp.Arg(0, seccomp.GT, max(FAMILIES)))


def all_filters(architecture: str) -> dict[str, seccomp.SyscallFilter]:
    """Every filter for "x86_64" or "aarch64", by what its file's name ends with."""
    return {
        "": build(architecture, children=True),
        "-alone": build(architecture, children=False),
        "-slot": build_slot(architecture),
        "-offline": build_offline(architecture),
    }


def main() -> None:
    """Write all filters."""
    TARGET.mkdir(exist_ok=True)
    for architecture in ARCHITECTURES:
        for suffix, rules in all_filters(architecture).items():
            path = TARGET / f"{architecture}{suffix}.bpf"
            with path.open("wb") as file:
                rules.export_bpf(file)
            print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
