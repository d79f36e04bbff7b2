"""What systemd knows of the units, and what runs in them."""

import pwd
from pathlib import Path

from tests.vm.inside.shell import sh
from tests.vm.inside.tap import NotSoError

CGROUPS = Path("/sys/fs/cgroup")


def start(*units: str) -> None:
    """Start `units` and wait until they say that they are ready."""
    try:
        sh("systemctl", "start", *units, deadline_s=330)
    except NotSoError:
        said = sh("journalctl", "--no-pager", "-n", "40", *[f"--unit={unit}" for unit in units], status=None)
        raise NotSoError(said) from None


def shown(unit: str, name: str) -> str:
    """One property of the unit."""
    return sh("systemctl", "show", "--value", f"--property={name}", unit).strip()


def cgroup(unit: str) -> Path:
    """The unit's folder below /sys/fs/cgroup."""
    return CGROUPS / shown(unit, "ControlGroup").lstrip("/")


def pids(folder: Path) -> list[int]:
    """All processes of a cgroup and those below it."""
    found = []
    for file in [folder / "cgroup.procs", *folder.rglob("*/cgroup.procs")]:
        try:
            found += [int(line) for line in file.read_text().split()]
        except OSError:
            continue  # it was removed meanwhile
    return found


def owner(pid: int) -> str:
    """The name of the user as which a process runs."""
    return pwd.getpwuid(Path(f"/proc/{pid}").stat().st_uid).pw_name


def command(pid: int) -> str:
    """The command line of a process; "" if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def journal(unit: str, count: int = 30) -> str:
    """The last lines that a unit wrote."""
    return sh("journalctl", "--no-pager", "--output=cat", "-n", str(count), f"--unit={unit}", status=None)
