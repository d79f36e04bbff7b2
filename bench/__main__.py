"""`make bench`: runs the families of measurements, prints a table, keeps the results of a whole run.

`make bench ARGS="warm herd"` measures only these, and keeps them in bench/results-part.json.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import table
from bench.figures import Measured
from bench.machine import facts

FAMILIES = ("isolation", "warm", "rate", "fire", "herd", "idle", "start", "pages")
HERE = Path(__file__).resolve().parent
RESULTS, PART = HERE / "results.json", HERE / "results-part.json"


def main() -> None:
    """Measure, tell, keep; exit 1 if a measurement is not valid. A goal that is missed is no error."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended then, too
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("families", nargs="*", metavar="FAMILY", help=", ".join(FAMILIES))
    wanted = parser.parse_args().families or list(FAMILIES)
    if unknown := set(wanted) - set(FAMILIES):
        parser.error(f"{', '.join(sorted(unknown))}: there is {', '.join(FAMILIES)}.")
    begun, told = time.monotonic(), facts()
    found = {name: measured for name in wanted if (measured := _measure(name)) is not None}
    results = told | {"seconds": round(time.monotonic() - begun)} | table.collected(found)
    print("\n".join(table.rows(results)))
    invalid = [name for name in wanted if name not in found]
    whole = wanted == list(FAMILIES)
    if not invalid:
        (RESULTS if whole else PART).write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    if not invalid and whole:
        table.write(results)
    if invalid:
        sys.exit(f"Not valid, and nothing was kept: {', '.join(invalid)}. The reasons are above.")


def _measure(name: str) -> Measured | None:
    """None if it could not be measured; the child has said why."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.child", f"{folder}/data", name]
        done = subprocess.run(command, stdout=subprocess.PIPE, cwd=HERE.parent, env=_environ(), check=False)
    print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return _read(json.loads(done.stdout)) if done.returncode == 0 else None


def _environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HEXASCHED_")}


def _read(told: dict[str, Any]) -> Measured:
    figures = [table.figure(one) for one in told.pop("figures")]
    return Measured(figures=figures, **told)


if __name__ == "__main__":
    main()
