"""The four top-level names are ours alone: a package with the same name would overwrite files without a word."""

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["hexasched", "web", "workers", "sandbox"])
def test_it_owns_its_names_alone(name: str) -> None:
    owners = set(packages_distributions().get(name, ["hexasched"]))
    assert owners == {"hexasched"}


def test_it_lists_every_package_that_is_there() -> None:
    listed = {line.strip() for line in (ROOT / "setup.cfg").read_text().splitlines()}
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for top in ("hexasched", "web", "workers", "sandbox")
        for path in (ROOT / top).rglob("__init__.py")
        if "node_modules" not in path.parts
    }
    assert found <= listed


def test_it_starts_without_loading_what_is_not_needed() -> None:
    unwanted = ("flask", "gunicorn", "apscheduler", "alembic", "mako")
    code = f"import sys, hexasched.cli.processes; print(*(m for m in {unwanted} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
