"""`pip install .` into an empty environment, with no Node.js to be found: the command works and has its assets."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.service import ROOT

PASSED_ON = ("PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")


@pytest.fixture(scope="module")
def installed() -> Iterator[Path]:
    """The folder of an environment into which a copy of the committed tree was installed."""
    folder = Path(tempfile.mkdtemp(prefix="hexasched-install-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        subprocess.run(["git", "clone", "-q", str(ROOT), str(folder / "source")], check=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        _call(folder, "-m", "pip", "install", "-q", str(folder / "source"))
        shutil.rmtree(folder / "source")
        yield folder
    finally:
        shutil.rmtree(folder)


def _call(folder: Path, *arguments: str) -> str:
    """Python of the environment, with nothing on the PATH but a shell."""
    (folder / "bin").mkdir(exist_ok=True)
    if not (folder / "bin" / "sh").exists():
        (folder / "bin" / "sh").symlink_to("/bin/sh")
    env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    env |= {"PATH": str(folder / "bin"), "HOME": str(folder), "HEXASCHED_DATA_DIR": str(folder / "data")}
    done = subprocess.run(
        [str(folder / "venv" / "bin" / "python"), *arguments],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_has_the_command_its_runtime_and_its_assets(installed: Path) -> None:
    assert _call(installed, "-m", "hexasched", "--version").startswith("hexasched, version ")
    code = "from sandbox.runtimes import find_runtimes; print(*(r.name for r in find_runtimes()))"
    assert _call(installed, "-c", code).split() == ["node24"]
    _call(installed, "-m", "hexasched", "migrate")
    page = (
        "from hexasched.cli.instance import open_instance; from web import create_app; i = open_instance();"
        "print(create_app(i.config, i.database, i.keys).test_client().get('/setup').get_data(as_text=True))"
    )
    assert "/static/app-" in _call(installed, "-c", page)


def test_it_has_no_address_of_a_registry_in_its_lock_files() -> None:
    for lock in [path for path in ROOT.rglob("package-lock.json") if "node_modules" not in path.parts]:
        assert '"resolved"' not in lock.read_text(), lock
