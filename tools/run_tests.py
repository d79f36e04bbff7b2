"""Runs every folder of tests, says how long each took, and is honest about the whole in its exit code.

Arguments are handed to pytest. Folders that mostly wait for the clock run beside the others, and their output comes at
the end. A folder over its budget is named; with CI=true, over 25 minutes in all fail the run.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
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
WAITING = ("processes", "story", "fresh")
"""Most of their time they wait: for schedules that fire at real minutes, leases that end, processes that start."""

LIMIT_S = 1500
NOTHING_SELECTED = 5  # pytest's exit code


@dataclass(frozen=True)
class Result:
    """How one folder went."""

    name: str
    exit_code: int
    seconds: float
    output: str = ""

    @property
    def budget_s(self) -> int:
        """How long the folder may take."""
        return BUDGETS_S.get(self.name, OTHER_BUDGET_S)


def main() -> None:
    """Run all folders, print the table, exit 1 if anything failed (or, with CI=true, if all took too long)."""
    options = sys.argv[1:]
    started = time.monotonic()
    results = run_all(folders(), options)
    problems = [verdict(result, bool(options)) for result in results]
    print()
    for result, problem in zip(results, problems, strict=True):
        slow = "over budget" if result.seconds > result.budget_s else "ok"
        print(f"{result.name:<10} {result.seconds:6.1f} s of {result.budget_s:3} s  {problem or slow}")
    total_s = time.monotonic() - started
    print(f"{'in all':<10} {total_s:6.1f} s of {LIMIT_S:3} s")
    if os.geteuid() != 0:
        print("Not root: the tests that begin as root were left out.")
    too_slow = total_s > LIMIT_S and os.environ.get("CI") == "true"
    sys.exit(1 if any(problems) or too_slow else 0)


def run_all(found: dict[str, list[str]], options: list[str]) -> list[Result]:
    """All folders, those that wait one after the other beside all others."""
    with ThreadPoolExecutor(1) as beside:
        later = [beside.submit(run, name, found[name], options, quiet=True) for name in WAITING if name in found]
        results = [run(name, paths, options) for name, paths in found.items() if name not in WAITING]
        for future in later:
            print(future.result().output, end="", flush=True)
    return results + [future.result() for future in later]


def folders() -> dict[str, list[str]]:
    """Every folder with tests by its name; the files directly in tests/ come as one, "tests"."""
    names = [*BUDGETS_S, *sorted({path.parent.name for path in TESTS.glob("*/test_*.py")} - set(BUDGETS_S))]
    found = {name: [str(TESTS / name)] for name in names if any((TESTS / name).rglob("test_*.py"))}
    beside = sorted(str(path) for path in TESTS.glob("test_*.py"))
    return {**found, "tests": beside} if beside else found


def run(name: str, paths: list[str], options: list[str], *, quiet: bool = False) -> Result:
    """One pytest call; its output as it comes, or with the result if it is to be `quiet`."""
    title = f"\n== {name}\n"
    if not quiet:
        print(title, end="", flush=True)
    started = time.monotonic()
    selected = [] if os.geteuid() == 0 else ["-m", "not root"]
    command = [sys.executable, "-m", "pytest", "-q", *selected, *options, *paths]
    out, err = (subprocess.PIPE, subprocess.STDOUT) if quiet else (None, None)
    done = subprocess.run(command, cwd=TESTS.parent, check=False, text=True, stdout=out, stderr=err)
    return Result(name, done.returncode, time.monotonic() - started, title + done.stdout if quiet else "")


def verdict(result: Result, selecting: bool) -> str:
    """What is wrong with the folder's result; empty if nothing is."""
    if result.exit_code == 0 or (result.exit_code == NOTHING_SELECTED and selecting):
        return ""
    return f"FAILED (pytest's exit code {result.exit_code})"


if __name__ == "__main__":
    main()
