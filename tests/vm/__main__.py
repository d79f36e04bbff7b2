"""`make test-vm`: boots Debian 12 with systemd and cgroup v2, and checks there what needs a machine of its own.

Needs root, debootstrap and qemu-system-x86_64; keeps what it made in ~/.cache/hexasched-vm. What the checks of a part
said is written to docs/operations/test-vm-PART.txt.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.vm.debian import debian
from tests.vm.machine import command, lines
from tests.vm.payload import ROOT, payload
from tests.vm.steps import say

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hexasched-vm"
REPORTS = ROOT / "docs" / "operations"
PROGRAMS = {"debootstrap": "debootstrap", "qemu-system-x86_64": "qemu-system-x86", "mke2fs": "e2fsprogs"}
PARTS = ("systemd", "hostile", "docker")  # a machine for each; side by side they would take each other's time
DEADLINE_S, SILENCE_S = 7200.0, 3600.0


def main() -> None:
    """Exit 0 if every check held."""
    parser = argparse.ArgumentParser(description="HexaSched in virtual machines.")
    parser.add_argument("--accel", default="tcg,thread=multi", help="qemu's accelerator; kvm is ten times as fast")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this one; may be given again")
    told = parser.parse_args()
    _refuse()
    CACHE.mkdir(parents=True, exist_ok=True)
    start = debian(CACHE)
    disk = payload(CACHE, start.docker_base)
    say(f"Booting; the kernels' and systemd's messages go to {CACHE}/*.log")

    def check(part: str) -> bool:
        began = time.monotonic()
        said = follow(part, command(start, disk, part, CACHE / f"{part}.log", told.accel))
        return report(part, said, f"accelerator {told.accel}, {(time.monotonic() - began) / 60:.0f} minutes")

    held = [check(part) for part in told.part or PARTS]
    good = all(held)
    say("All checks held." if good else "FAILED")
    sys.exit(0 if good else 1)


def follow(part: str, argv: list[str]) -> list[str]:
    """Boot one machine and show what it says, each line as it comes; all of it."""
    said = []
    for line in lines(argv, deadline_s=DEADLINE_S, silence_s=SILENCE_S):
        say(f"{part}: {line}")
        said.append(line)
    return said


def report(part: str, said: list[str], how: str) -> bool:
    """Keep what the checks of a part said; whether all held."""
    good = verdict(said)
    when = f"make test-vm, part {part}, of version {commit()} on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {how}."
    text = "\n".join([when, "All checks held." if good else "FAILED", "", *said, ""])
    (REPORTS / f"test-vm-{part}.txt").write_text(text)
    return good


def commit() -> str:
    """What git calls this checkout."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(git, stdout=subprocess.PIPE, text=True, check=False).stdout.strip() or "unknown"


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
