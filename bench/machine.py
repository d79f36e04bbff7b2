"""The facts of the machine and of the program that was measured on it."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from hexasched.store.database import sqlite_module
from sandbox.runtimes import find_runtimes

ROOT = Path(__file__).resolve().parents[1]


def facts() -> dict[str, Any]:
    """What a number means nothing without; `load` is how busy the machine was before."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores ({_processor()}), {_memory_gb()} GB, Linux {platform.release()}",
        "load": round(os.getloadavg()[1], 2),
        "python": platform.python_version(),
        "node": find_runtimes()[0].version,
        "sqlite": sqlite_module().sqlite_version,
        "commit": _commit(),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gb() -> int:
    return round(psutil.virtual_memory().total / 2**30)


def _commit() -> str:
    """The first letters of the commit, with a + if files differ from it; "" outside of a clone."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
