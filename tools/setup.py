"""Sees to the programs of the system that HexaSched needs: installs them as root, else says the line to type.

Runs with the system's Python before there is a virtual environment: `setup.py install|run|test`.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MANAGERS = ("apt-get", "dnf")


@dataclass(frozen=True)
class Need:
    """One thing that must be there; `packages` has its package's name for each of MANAGERS."""

    name: str
    why: str
    there: Callable[[], bool]
    packages: tuple[str, str]


def on_path(*names: str) -> bool:
    """Whether one of the programs `names` is installed; sbin is not on everybody's PATH."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    return any(shutil.which(name, path=path) for name in names)


def postgres_there() -> bool:
    """Whether a PostgreSQL server can be started; Debian and Fedora keep it beside the PATH."""
    places = [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), *Path("/").glob("usr/pgsql-*/bin/initdb")]
    return on_path("initdb") or bool(places)


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"

INSTALL = (
    Need(
        "venv",
        "its own Python packages",
        lambda: bool(importlib.util.find_spec("ensurepip")),
        (f"{PYTHON}-venv", PYTHON),
    ),
)
RUN = (
    *INSTALL,
    Need("bubblewrap", "the sandbox", lambda: on_path("bwrap"), ("bubblewrap", "bubblewrap")),
    Need("pasta", "the sandbox's network", lambda: on_path("pasta"), ("passt", "passt")),
    Need("ip", "the sandbox's network", lambda: on_path("ip"), ("iproute2", "iproute")),
    Need("nsenter", "the sandbox's network", lambda: on_path("nsenter"), ("util-linux", "util-linux-core")),
)
TEST = (
    *RUN,
    Need("PostgreSQL", "the tests of the store", postgres_there, ("postgresql", "postgresql-server")),
    Need("Chromium", "the tests of the pages", lambda: on_path(*BROWSERS), ("chromium", "chromium")),
)
NEEDS = {"install": INSTALL, "run": RUN, "test": TEST}


def main() -> None:
    """Exit 0 when all is there, 1 after saying what is missing and what to type."""
    purpose, *options = sys.argv[1:]
    needs = INSTALL if "--unsafe-no-sandbox" in options else NEEDS[purpose]
    missing = [need for need in needs if not need.there()]
    if not missing:
        return
    manager = next((name for name in MANAGERS if shutil.which(name)), None)
    packages = [need.packages[MANAGERS.index(manager)] for need in missing] if manager else []
    if os.geteuid() == 0 and manager:
        install(manager, packages)
        missing = [need for need in missing if not need.there()]
    if missing:
        sys.exit(cure(missing, manager, packages, purpose))


def install(manager: str, packages: list[str]) -> None:
    """Install `packages` and show what the package manager says; called by root."""
    print(f"Installing {', '.join(packages)} with {manager} …", flush=True)
    options = ["-y", "--no-install-recommends"] if manager == "apt-get" else ["-y"]
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if manager == "apt-get":
        subprocess.run([manager, "update", "-q"], check=False, stdout=subprocess.DEVNULL)
    subprocess.run([manager, "install", "-q", *options, *packages], check=False, env=environ, stdout=sys.stderr)


def cure(missing: list[Need], manager: str | None, packages: list[str], purpose: str) -> str:
    """What is missing, what for, and the line to type."""
    lines = ["Missing on this machine:", *(f"  {need.name} (for {need.why})" for need in missing)]
    if manager and os.geteuid() == 0:
        lines += [f"{manager} could not install them; what it said is above."]
    elif manager:
        lines += ["Type this:", f"  sudo {manager} install {' '.join(packages)}"]
    else:
        lines += ["Install them with this system's package manager."]
    if purpose == "run" and set(missing) - set(INSTALL):
        lines += ["Or let functions run as you, without any sandbox:", "  make run ARGS=--unsafe-no-sandbox"]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
