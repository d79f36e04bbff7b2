"""The virtual machine's second disk: this checkout's wheel, what it needs, the units, the Dockerfile, the checks."""

import shutil
import sys
from pathlib import Path

from tests.vm.debian import make_disk
from tests.vm.steps import run, step

ROOT = Path(__file__).resolve().parents[2]
# The Python of Debian 12, whatever this one is.
TARGET = ("--python-version=3.11", "--implementation=cp", "--only-binary=:all:")
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "manylinux_2_34_x86_64")


def payload(cache: Path, docker_base: Path) -> Path:
    """Make the disk; wheels that were downloaded before are used again."""
    folder, wheels = cache / "payload", cache / "wheels"
    shutil.rmtree(folder, ignore_errors=True)
    wheels.mkdir(parents=True, exist_ok=True)
    with step("The wheel and what it needs"):
        _fill(wheels, cache / "pip.log")
    context = folder / "context"
    shutil.copytree(wheels, context / "wheels")
    vm = folder / "tests" / "vm"
    shutil.copytree(ROOT / "tests" / "vm" / "inside", vm / "inside", ignore=shutil.ignore_patterns("__pycache__"))
    for package in (vm, vm.parent):
        (package / "__init__.py").touch()
    shutil.copytree(ROOT / "tests" / "sandbox", vm.parent / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "tests" / "waiting.py", vm.parent)
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    for name in ("Dockerfile", ".dockerignore"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, context)
    (folder / "base.tar").hardlink_to(docker_base)
    with step("The wheel installed by Debian's Python"):
        _install(folder, cache / "root", docker_base, cache / "pip.log")
    make_disk(folder, cache / "payload.ext4", "payload", "2G")
    return cache / "payload.ext4"


def _install(folder: Path, root: Path, docker_base: Path, log: Path) -> None:
    """Make /opt/hexasched as a person would, but outside of the machine, where it takes seconds instead of minutes."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    run(["tar", "-C", root, "-xf", docker_base], deadline_s=300, log=log)
    shutil.copytree(folder / "context" / "wheels", root / "wheels")
    run(["chroot", root, "python3", "-m", "venv", "/opt/hexasched"], deadline_s=300, log=log)
    pip = ["/opt/hexasched/bin/pip", "install", "--quiet", "--no-index", "--find-links=/wheels", "hexasched"]
    run(["env", "-i", "PATH=/usr/bin:/bin:/usr/sbin:/sbin", "chroot", root, *pip], deadline_s=300, log=log)
    shutil.copytree(root / "opt" / "hexasched", folder / "hexasched", symlinks=True)
    shutil.rmtree(root)


def _fill(wheels: Path, log: Path) -> None:
    for old in wheels.glob("hexasched-*.whl"):
        old.unlink()
    pip = [sys.executable, "-m", "pip", "--quiet"]
    run([*pip, "wheel", "--no-deps", "--wheel-dir", wheels, ROOT], deadline_s=300, log=log)
    wheel = next(wheels.glob("hexasched-*.whl"))
    platforms = [f"--platform={name}" for name in PLATFORMS]
    folders = [f"--find-links={wheels}", f"--dest={wheels}"]
    run([*pip, "download", *TARGET, *platforms, *folders, f"{wheel}[postgres]"], deadline_s=900, log=log)
