"""The trial from inside that decides whether a worker may start: it finds nothing where the sandbox holds."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox.harness import CHECKOUT

TRY = """
import json, sys
from pathlib import Path
from hexasched.privileges import drop_root
from sandbox.client import Keeper
from sandbox.jobs import SandboxSettings
from sandbox.runtimes import find_runtimes
from sandbox.trial import weaknesses
from workers.facts import needs_slots
data, mode = Path(sys.argv[1]), sys.argv[2]
drop_root(data, needs_slots=needs_slots)
settings = SandboxSettings(mode=mode, state_dir=str(data / "workers" / "1"))
(data / "workers" / "1").mkdir(parents=True)
keeper = Keeper.start(settings)
print(json.dumps(weaknesses(keeper, settings, find_runtimes()[0])))
keeper.close()
"""


def found(folder: Path, mode: str, *before: str) -> str:
    """What the trial finds, as JSON."""
    command = [*before, sys.executable, "-c", TRY, str(folder / "data"), mode]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, check=True, timeout=60).stdout


def test_namespaces_hold(tmp_path: Path) -> None:
    assert found(tmp_path, "bubblewrap") == "[]\n"


@pytest.mark.root
def test_a_user_for_each_run_holds(tmp_path: Path) -> None:
    assert found(tmp_path, "landlock", sys.executable, "-m", "tests.sandbox.refused") == "[]\n"


def test_without_a_sandbox_everything_is_found(tmp_path: Path) -> None:
    weak = found(tmp_path, "none")
    for what in (
        "read a file of the service",
        "read the environment of another process",
        "write to its own code",
        "write outside of its folder",
        "send a signal to the service",
        "start a process",
        "gain rights by starting programs",
        "make any system call",
        "reach the loopback of this machine",
    ):
        assert what in weak
