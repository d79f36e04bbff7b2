"""`make bench`: runs every measurement, prints the table and writes bench/results.json."""

import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure

MEASUREMENTS = ("isolation", "herd")
RESULTS = Path(__file__).parent / "results.json"

# Sandboxes are made by an ordinary user: as root, become one first.
_AS_USER = """
import importlib, json, pathlib, sys
from hexasched.privileges import drop_root
drop_root(pathlib.Path(sys.argv[1]))
figures = importlib.import_module(f"bench.{sys.argv[2]}").measure()
print(json.dumps([figure.__dict__ for figure in figures]))
"""


def main() -> None:
    """Measure, tell, keep."""
    figures = [figure for name in MEASUREMENTS for figure in _run(name)]
    print("\n".join(figure.row for figure in figures))
    facts = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}",
        "python": platform.python_version(),
    }
    numbers = {figure.name: {"value": round(figure.value, 3), "unit": figure.unit} for figure in figures}
    RESULTS.write_text(json.dumps(facts | {"figures": numbers}, indent=2) + "\n")


def _run(name: str) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _AS_USER, f"{folder}/data", name]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return [Figure(**figure) for figure in json.loads(done.stdout)]


if __name__ == "__main__":
    main()
