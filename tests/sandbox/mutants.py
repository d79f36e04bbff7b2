"""Sandboxes that lack one thing each, found in what the sandbox really composes; a mutant is the name of what it lacks.

So a flag, rule, limit or route that is added needs an attack here, or a reason why none can show that it is missing.
"""

import ipaddress
import platform
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pyseccomp

from hexasched.domain.limits import Limits
from sandbox import launch, limits, network
from sandbox.jobs import Job, SandboxSettings
from tests.sandbox.harness import runtime
from tools import build_seccomp

STARTS_NOTHING = frozenset(
    {
        *("--unshare-user", "--unshare-uts", "--dev /dev", "--tmpfs /dev/shm", "--tmpfs /tmp", "--info-fd"),
        "rule io_uring_setup",
    }
)
"""Without these bubblewrap, Node.js or the keeper gives up."""

HELD_ANYWAY = {
    "--new-session": "the keeper gives each sandbox a session, and the filter refuses to type on terminals",
    "--cap-drop": "bubblewrap without root gives no capability unless it is told to",
    "--unshare-cgroup-try": "it hides names only; cgroups are not mounted inside",
    "--die-with-parent": "what it is for comes from outside: test_what_a_killed_keeper_leaves",
}
"""What no attack from inside can miss, and who holds it then."""

_BY_CAPABILITY = (
    *("acct", "delete_module", "finit_module", "fsmount", "fsopen", "fspick", "init_module", "kexec_load", "reboot"),
    *("lookup_dcookie", "move_mount", "pivot_root", "setdomainname", "sethostname", "swapoff", "swapon", "vhangup"),
)
UNDECIDED = {
    "--block-fd": "the keeper sets the limits while bubblewrap still mounts, nearly always",
    "rule syslog": "most machines keep the kernel's log from users",
    **{f"rule {call}": "most kernels say the same for want of a capability" for call in _BY_CAPABILITY},
}
"""What is missed on some machines only, and why; these mutants are not tried."""

COMFORTS = ("--setenv", "--symlink", "--chdir", "--perms", "--proc", "--ro-bind")
"""Without these code sees or can do less. Of a mount that must be read-only there is a mutant in which it is not."""

NO_USERNS_RULES = ("rule unshare", "rule clone 7:10000000:10000000")

_ATTACKS: dict[str, tuple[str, ...]] = {
    "--disable-userns": ("kernel/makes_a_nested_user", *NO_USERNS_RULES),
    "--unshare-pid": ("proc/lists_processes",),
    "--unshare-ipc": ("scratch/leaves_kernel_objects",),
    "--unshare-net": ("net/none_reaches_loopback",),
    "--uid": ("proc/reads_who_it_is",),
    "--gid": ("proc/reads_who_it_is",),
    "--hostname": ("proc/reads_who_it_is",),
    "--clearenv": ("env/reads_own_environment", "an empty environment"),
    "--remount-ro /dev": ("files/writes_everywhere",),
    "--remount-ro /": ("files/writes_everywhere",),
    "--size /dev/shm": ("scratch/fills_shared_memory",),
    "--size /tmp": ("scratch/fills_tmp",),
    "--seccomp": ("kernel/asks_for_denied_calls",),
    "read-only /code": ("files/writes_own_code",),
    "an empty environment": ("env/reads_process_one",),
    "closed descriptors": ("files/climbs_through_descriptors",),
    "watch memory": ("memory/maps_by_number",),
    "watch files": ("scratch/makes_many_files",),
    "watch time": ("time/ignores_the_signal",),
    "watch kill": ("time/ignores_the_signal",),
    "pasta -t": ("net/opens_a_door",),
    "pasta -T": ("net/reaches_loopback",),
    "pasta -U": ("net/reaches_loopback_by_datagrams",),
    "pasta --no-map-gw": ("net/reaches_loopback_by_the_gateway",),
    "route 168.63.129.16/32": ("net/reaches_metadata",),
    "route 169.254.0.0/16": ("net/reaches_metadata",),
    "route 100.100.100.200/32": ("net/reaches_metadata", "route 100.64.0.0/10"),
    "route fd00:ec2::254/128": ("net/reaches_metadata", "route fc00::/7"),
    "route 224.0.0.0/4": ("net/calls_the_neighbourhood",),
    "route 2001:db8:77::1/128": ("net/reaches_the_host",),
    "route 10.77.0.1/32": ("net/reaches_the_host", "route 10.0.0.0/8"),
    "route 172.31.0.1/32": ("net/reaches_the_host", "route 172.16.0.0/12"),
}
"""The attack that breaks out of a mutant, and other things that hold the same and are taken away before."""

_FAMILIES = {
    "read-only": "files/writes_runtime",
    "limit": "kernel/raises_its_limits",
    "route": "net/reaches_private_networks",
    "rule fork": "proc/forks_by_number",
    "rule vfork": "proc/forks_by_number",
    "rule clone 7:10000:0": "proc/forks_by_number",
    "rule clone": "kernel/asks_for_each_namespace",
    "rule clone3": "kernel/asks_for_absent_calls",
    "rule io_uring": "kernel/asks_for_absent_calls",
    "rule ioctl": "kernel/types_on_a_terminal",
    "rule socket": "kernel/opens_strange_sockets",
    "rule": "kernel/asks_for_denied_calls",
}
"""The attacks on mutants of one kind, by the start of their name; the longest counts."""


def mutants() -> list[str]:
    """The names of all mutants that an attack may break out of, or that start nothing."""
    flags = [name for name in flag_names(flags_of(_composed())) if not name.startswith(COMFORTS)]
    read_only = [f"read-only {flag[-1]}" for flag in flags_of(_composed()) if flag[0] == "--ro-bind"]
    kernel = [f"limit {which}" for which in limits.kernel_limits(_job(), 0, own_user=True)]
    special = [name for name in _ATTACKS if name.startswith(("an ", "closed", "watch", "pasta"))]
    routes = [f"route {ipaddress.ip_network(one)}" for one in (*network.ALWAYS_CLOSED, *network.PRIVATE, *_HOST)]
    found = [*flags, *read_only, *kernel, *special, *routes, *sorted(rules())]
    return [name for name in found if name not in UNDECIDED]


_HOST = ("10.77.0.1", "172.31.0.1", "2001:db8:77::1")


def attack_on(mutant: str) -> tuple[str, tuple[str, ...]]:
    """The name of the attack that breaks out of a mutant, and what else it must lack for that."""
    if mutant in _ATTACKS:
        attack, *before = _ATTACKS[mutant]
        return attack, tuple(before)
    starts = [start for start in _FAMILIES if mutant.startswith(start)]
    return (_FAMILIES[max(starts, key=len)] if starts else "kernel/asks_for_denied_calls"), ()


def flags_of(arguments: bytes) -> list[list[str]]:
    """The flags of bubblewrap, each with its values."""
    flags: list[list[str]] = []
    for part in arguments.decode().removesuffix("\0").split("\0"):
        if part.startswith("--"):
            flags.append([part])
        else:
            flags[-1].append(part)
    return flags


def flag_names(flags: list[list[str]]) -> list[str]:
    """A name for each, such as "--tmpfs /tmp"; --size is named after what comes next."""
    following = [*flags[1:], [""]]
    values = [
        next_one[-1] if flag[0] == "--size" else flag[-1] for flag, next_one in zip(flags, following, strict=True)
    ]
    return [
        f"{flag[0]} {value}" if flag[0] in ("--proc", "--dev", "--tmpfs", "--remount-ro", "--size") else flag[0]
        for flag, value in zip(flags, values, strict=True)
    ]


def _job() -> Job:
    return Job(
        key="run-1-1",
        mode="run",
        runtime=runtime(),
        code_dir=tempfile.gettempdir(),
        handler="index.mjs",
        limits=Limits(),
        workspace="boats",
        network="none",
    )


@cache
def _composed() -> bytes:
    settings = SandboxSettings(mode="bubblewrap", state_dir="/nowhere")
    return launch.in_bubblewrap(_job(), settings, Path("/etc"), None).files[launch.ARGS_FD]


class _Filter(pyseccomp.SyscallFilter):  # type: ignore[misc]
    """Leaves out the rules in `lacks` and notes the names of all."""

    lacks: frozenset[str] = frozenset()
    seen: set[str]

    def add_rule(self, action: int, syscall: Any, *conditions: Any) -> None:
        """Add the rule, unless it is to be left out."""
        name = " ".join(["rule", syscall, *(f"{one._op}:{one._data_a:x}:{one._data_b:x}" for one in conditions)])
        self.seen.add(name)
        if name not in self.lacks:
            super().add_rule(action, syscall, *conditions)


def build_filter(lacks: frozenset[str], *, children: bool) -> tuple[bytes, set[str]]:
    """The BPF program of a filter without these rules, and the names of all rules that there are."""
    real = pyseccomp.SyscallFilter
    _Filter.lacks, _Filter.seen = lacks, set()
    pyseccomp.SyscallFilter = _Filter
    try:
        built = build_seccomp.build(platform.machine(), children=children)
    finally:
        pyseccomp.SyscallFilter = real
    with tempfile.TemporaryFile() as file:
        built.export_bpf(file)
        file.seek(0)
        return file.read(), _Filter.seen


@cache
def rules() -> frozenset[str]:
    """The names of all rules of the filters."""
    return frozenset(build_filter(frozenset(), children=True)[1] | build_filter(frozenset(), children=False)[1])
