"""One family of measurements in a process of its own, which is the unprivileged user that the service would be.

`python -m bench.child FOLDER NAME`: prints what was measured as JSON. Started as root, it becomes the owner of FOLDER.
"""

import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from hexasched.privileges import drop_root
from workers.facts import needs_slots

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure and tell."""
    folder, name = sys.argv[1:]
    drop_root(Path(folder), [ROOT], needs_slots=needs_slots)
    measured = importlib.import_module(f"bench.{name}").measure()  # after the process became another user
    print(json.dumps(asdict(measured)))


if __name__ == "__main__":
    main()
