"""Runs every folder of tests, says how long each took, and is honest about the whole in its exit code.

Arguments are handed to pytest. A folder over its budget is named; with CI=true, over 25 minutes in all fail the run.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "tests"
BUDGETS_S = {
    "unit": 60,
    "store": 120,
    "sandbox": 180,
    "processes": 240,
    "web": 240,
    "story": 300,
    "fresh": 300,
    "torture": 75,
}
OTHER_BUDGET_S = 60
LIMIT_S = 1500
NOTHING_SELECTED = 5  # pytest's exit code


@dataclass(frozen=True)
class Result:
    """How one folder went."""

    name: str
    exit_code: int
    seconds: float

    @property
    def budget_s(self) -> int:
        """How long the folder may take."""
        return BUDGETS_S.get(self.name, OTHER_BUDGET_S)


def main() -> None:
    """Run all folders, print the table, exit 1 if anything failed (or, with CI=true, if all took too long)."""
    options = sys.argv[1:]
    results = [run(name, paths, options) for name, paths in folders().items()]
    problems = [verdict(result, bool(options)) for result in results]
    print()
    for result, problem in zip(results, problems, strict=True):
        slow = "over budget" if result.seconds > result.budget_s else "ok"
        print(f"{result.name:<10} {result.seconds:6.1f} s of {result.budget_s:3} s  {problem or slow}")
    total_s = sum(result.seconds for result in results)
    print(f"{'in all':<10} {total_s:6.1f} s of {LIMIT_S:3} s")
    if os.geteuid() != 0:
        print("Not root: the tests that begin as root were left out.")
    too_slow = total_s > LIMIT_S and os.environ.get("CI") == "true"
    sys.exit(1 if any(problems) or too_slow else 0)


def folders() -> dict[str, list[str]]:
    """Every folder with tests by its name; the files directly in tests/ come as one, "tests"."""
    names = [*BUDGETS_S, *sorted({path.parent.name for path in TESTS.glob("*/test_*.py")} - set(BUDGETS_S))]
    found = {name: [str(TESTS / name)] for name in names if any((TESTS / name).rglob("test_*.py"))}
    beside = sorted(str(path) for path in TESTS.glob("test_*.py"))
    return {**found, "tests": beside} if beside else found


def run(name: str, paths: list[str], options: list[str]) -> Result:
    """One pytest call, its output as it comes."""
    print(f"\n== {name}", flush=True)
    started = time.monotonic()
    selected = [] if os.geteuid() == 0 else ["-m", "not root"]
    command = [sys.executable, "-m", "pytest", "-q", *selected, *options, *paths]
    done = subprocess.run(command, cwd=TESTS.parent, check=False)
    return Result(name, done.returncode, time.monotonic() - started)


def verdict(result: Result, selecting: bool) -> str:
    """What is wrong with the folder's result; empty if nothing is."""
    if result.exit_code == 0 or (result.exit_code == NOTHING_SELECTED and selecting):
        return ""
    return f"FAILED (pytest's exit code {result.exit_code})"


if __name__ == "__main__":
    main()
