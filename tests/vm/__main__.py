"""`make test-vm`: boots Debian 12 with systemd and cgroup v2, and checks there what needs a machine of its own.

Needs root, debootstrap and qemu-system-x86_64; keeps what it made in ~/.cache/hexasched-vm. What the checks said is
written to docs/operations/test-vm.txt.
"""

import argparse
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from tests.vm.debian import debian
from tests.vm.machine import command, lines
from tests.vm.payload import ROOT, payload
from tests.vm.steps import say

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hexasched-vm"
REPORT = ROOT / "docs" / "operations" / "test-vm.txt"
PROGRAMS = {"debootstrap": "debootstrap", "qemu-system-x86_64": "qemu-system-x86", "mke2fs": "e2fsprogs"}
PARTS = ("systemd", "docker")  # a machine for each, at the same time
DEADLINE_S, SILENCE_S = 7200.0, 3600.0


def main() -> None:
    """Exit 0 if every check held."""
    parser = argparse.ArgumentParser(description="HexaSched in virtual machines.")
    parser.add_argument("--accel", default="tcg,thread=multi", help="qemu's accelerator; kvm is ten times as fast")
    accel = parser.parse_args().accel
    _refuse()
    CACHE.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    start = debian(CACHE)
    disk = payload(CACHE, start.docker_base)
    say(f"Booting; the kernels' and systemd's messages go to {CACHE}/*.log")
    with ThreadPoolExecutor() as pool:
        said = list(
            pool.map(lambda part: follow(part, command(start, disk, part, CACHE / f"{part}.log", accel)), PARTS)
        )
    good = all(verdict(lines) for lines in said)
    summary = f"{'All checks held' if good else 'FAILED'}, {(time.monotonic() - began) / 60:.0f} minutes in all."
    when = f"make test-vm on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, accelerator {accel}. {summary}"
    REPORT.write_text("\n".join([when, *(line for lines in said for line in ["", *lines]), ""]))
    say(summary)
    sys.exit(0 if good else 1)


def follow(part: str, argv: list[str]) -> list[str]:
    """Boot one machine and show what it says, each line as it comes; all of it."""
    said = []
    for line in lines(argv, deadline_s=DEADLINE_S, silence_s=SILENCE_S):
        say(f"{part}: {line}")
        said.append(line)
    return said


def verdict(said: list[str]) -> bool:
    """Whether the checks came to their end and none failed."""
    done = any(line.startswith("done: ") for line in said)
    return done and not any(line.startswith("not ok") for line in said)


def _refuse() -> None:
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if os.geteuid() != 0:
        sys.exit("make test-vm needs root: debootstrap makes device files and enters the tree that it made.")
    if missing:
        sys.exit(f"Missing: apt-get install --no-install-recommends {' '.join(missing)}")


if __name__ == "__main__":
    main()
