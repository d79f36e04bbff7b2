"""A failpoint does what it says, where and when it says, once, and only in a folder that a test has marked."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hexasched.failpoints import POINTS

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from pathlib import Path
from hexasched import failpoints, logs
logs.set_up("tried")
failpoints.arm(Path(sys.argv[1]))
for number in range(3):
    failpoints.reach("tick.after_read")
    print(number, flush=True)
"""


def _try(folder: Path, setting: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"HEXASCHED_FAILPOINT": setting}
    argv = [sys.executable, "-c", PROGRAM, str(folder)]
    return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


def test_it_kills_at_the_nth_time_and_says_so_and_only_once(tmp_path: Path) -> None:
    (tmp_path / "torture").touch()
    killed = _try(tmp_path, "tick.after_read:kill:2")
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "0\n")
    assert "warning tried failpoint.armed" in killed.stderr
    again = _try(tmp_path, "tick.after_read:kill:2")
    assert (again.returncode, again.stdout) == (0, "0\n1\n2\n")


def test_it_raises_an_error_at_its_own_point_only(tmp_path: Path) -> None:
    (tmp_path / "torture").touch()
    assert "RuntimeError: failpoint tick.after_read" in _try(tmp_path, "tick.after_read:error").stderr
    assert _try(tmp_path, "tick.after_commit:error").stdout == "0\n1\n2\n"


@pytest.mark.parametrize("setting", ["tick.after_read:kill", "tick.after_red:kill", "tick.after_read:explode"])
def test_it_is_refused_where_no_test_asked_for_it_or_when_it_is_misspelt(tmp_path: Path, setting: str) -> None:
    if setting != "tick.after_read:kill":
        (tmp_path / "torture").touch()
    refused = _try(tmp_path, setting)
    assert refused.returncode == 1
    assert "HexaSchedError: HEXASCHED_FAILPOINT" in refused.stderr
    assert refused.stdout == ""


def test_every_point_is_somewhere_in_the_program_once() -> None:
    packages = ("hexasched", "web", "workers")
    sources = [path.read_text() for package in packages for path in (ROOT / package).rglob("*.py")]
    reached = [name for source in sources for name in re.findall(r'failpoints\.reach\("([^"]+)"\)', source)]
    assert sorted(reached) == sorted(POINTS)
