"""The filter of system calls that a sandboxed process runs under; tools/build_seccomp.py makes the files."""

import platform
from pathlib import Path

FILTERS = Path(__file__).parent / "seccomp"


def load_filter(*, children: bool, machine: str | None = None) -> bytes:
    """The BPF program for this machine; without `children` code can start threads but no process.

    Raises FileNotFoundError where there is no filter for the machine's architecture.
    """
    suffix = "" if children else "-alone"
    return (FILTERS / f"{machine or platform.machine()}{suffix}.bpf").read_bytes()


def load_additional(name: str) -> bytes:
    """The filter that comes on top of the other: "slot" where there are no namespaces, "offline" for no network."""
    return (FILTERS / f"{platform.machine()}-{name}.bpf").read_bytes()
