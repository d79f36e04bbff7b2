"""The trial from inside that decides whether a worker may start: it finds nothing where the sandbox holds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox.harness import CHECKOUT
from tests.sandbox.mutated_keeper import workspace

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

# The same for sandboxes that lack something: the trial's own job, in a workspace whose name says what.
TRY_EACH = """
import json, sys
from dataclasses import replace
from pathlib import Path
from hexasched.privileges import drop_root
from sandbox import trial
from sandbox.client import Keeper
from sandbox.jobs import SandboxSettings
from sandbox.runtimes import find_runtimes
from tests.sandbox.worker import use_keeper
data, workspaces = Path(sys.argv[1]), sys.argv[2:]
drop_root(data)
data.mkdir(exist_ok=True)
settings = SandboxSettings(mode="bubblewrap", state_dir=str(data))
use_keeper("tests.sandbox.mutated_keeper")
keeper, make_job = Keeper.start(settings), trial._job
def found_in(workspace):
    trial._job = lambda *given: replace(make_job(*given), workspace=workspace)
    return trial.weaknesses(keeper, settings, find_runtimes()[0])
print(json.dumps({one: found_in(one) for one in workspaces}))
keeper.close()
"""

# The same on a machine that is slow: a trial that outlasts the lease, one that outlasts its own time, one that failed.
TRY_SLOWLY = """
import sys
from dataclasses import replace
from pathlib import Path
from hexasched.domain import limits
from hexasched.errors import TryAgainError
from hexasched.privileges import drop_root
limits.HEARTBEAT_S = 0.2
from sandbox import trial
from sandbox.client import Keeper
from sandbox.jobs import SandboxSettings
from sandbox.runtimes import find_runtimes
data, make_job = Path(sys.argv[1]), trial._job
drop_root(data)
trial.PROBE = data / "probe"
trial.PROBE.mkdir(parents=True)
(trial.PROBE / "probe.mjs").write_text("export default () => new Promise((done) => setTimeout(done, 3000, []))")
settings = SandboxSettings(mode="bubblewrap", state_dir=str(data), lease_s=1.5)
keeper = Keeper.start(settings)
for change in {}, {"limits": replace(trial.LIMITS, timeout_s=1)}, {"key": "../trial"}:
    trial._job = lambda *given: replace(make_job(*given), **change)
    try:
        print(trial.weaknesses(keeper, settings, find_runtimes()[0]))
    except TryAgainError as error:
        print(type(error).__name__, error)
keeper.close()
"""

# What is missing, and what the trial then says.
FOUND: dict[tuple[str, ...], str] = {
    (): "",
    ("--unshare-pid",): "see other processes",
    ("--seccomp",): "make any system call",
    ("--remount-ro /",): "write outside of its folder",
    ("an empty environment",): "read the environment of another process",
    ("an empty environment", "--clearenv"): "see the environment of the service",
    ("closed descriptors",): "see descriptors that it was not given",
    ("rule clone 7:10000:0", "rule fork", "rule vfork"): "start a process",
    ("limit 2",): "use memory without end",
    ("limit 6",): "make threads without end",
    ("pasta -T",): "reach the loopback of this machine",
    ("route 169.254.0.0/16",): "reach the metadata service of a cloud",
}


def found(folder: Path, mode: str, *before: str) -> str:
    """What the trial finds, as JSON."""
    command = [*before, sys.executable, "-c", TRY, str(folder / "data"), mode]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, check=True, timeout=60).stdout


def test_namespaces_hold(tmp_path: Path) -> None:
    assert found(tmp_path, "bubblewrap") == "[]\n"


def test_namespaces_hold_under_the_profile_that_a_container_gets(tmp_path: Path) -> None:
    assert found(tmp_path, "bubblewrap", sys.executable, "-m", "tests.sandbox.under_profile") == "[]\n"


def test_what_is_missing_is_found(tmp_path: Path) -> None:
    names = {workspace(*missing): said for missing, said in FOUND.items()}
    command = [sys.executable, "-c", TRY_EACH, str(tmp_path / "data"), *names]
    answered = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=CHECKOUT, timeout=90).stdout)
    assert {name: said for name, said in names.items() if said not in (answered[name] or [""])} == {}


def test_a_trial_that_could_not_be_done_is_to_be_done_again(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TRY_SLOWLY, str(tmp_path / "data")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, check=True, timeout=60)
    found, too_long, failed = done.stdout.splitlines()
    assert found == "[]"
    assert too_long.startswith("TryAgainError The sandbox could not be tried: ")
    assert failed == "TryAgainError The sandbox could not be tried: The key of this job can't be used."


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
