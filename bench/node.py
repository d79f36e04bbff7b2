"""What the service is held against: Node.js alone, and in a plain bubblewrap that anybody could type."""

import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.figures import InvalidError
from sandbox.jobs import Runtime
from sandbox.runtimes import find_runtimes

SCRIPT = "process.stdout.write('hello')"
_SYSTEM = ("/usr", "/bin", "/lib", "/lib64")


class Node:
    """The newest runtime, and a script for it in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.runtime: Runtime = find_runtimes()[0]
        self.script = folder / "hello.js"
        self.script.write_text(SCRIPT)

    def bare(self) -> None:
        """Run the script, from the start of the process to its end. Raises InvalidError if it said something else."""
        _said_hello([self.runtime.node, str(self.script)])

    def composed(self) -> None:
        """The same in a bubblewrap with every namespace and a read-only root."""
        bwrap = shutil.which("bwrap")
        assert bwrap is not None
        seen = [part for folder in _SYSTEM for part in ("--ro-bind-try", folder, folder)]
        node = str(Path(self.runtime.node).resolve())
        seen += ["--ro-bind", node, "/opt/node", "--ro-bind", str(self.script.parent), "/code"]
        walls = ["--unshare-all", "--die-with-parent", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
        _said_hello([bwrap, *walls, *seen, "--", "/opt/node", f"/code/{self.script.name}"])


def _said_hello(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, env={}, check=False)
    if (done.returncode, done.stdout) != (0, b"hello"):
        raise InvalidError(f"{command[0]} ended with {done.returncode} and said {done.stdout!r}.")


def timed_ms(run: Callable[[], object]) -> float:
    """How long `run` takes."""
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1000


def per_second(run: Callable[[], None], count: int, at_once: int) -> float:
    """How many of `count` runs end in a second when `at_once` go on at any time."""
    start = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        for done in [pool.submit(run) for _ in range(count)]:
            done.result()
    return count / (time.perf_counter() - start)
