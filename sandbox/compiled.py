"""The runner's modules, compiled ahead by the Node.js that will run them."""

import subprocess
from functools import cache
from pathlib import Path

from hexasched import logs

NODE_FOLDER = Path(__file__).parent / "node"
COMPILE_S = 20.0


@cache
def compiled_modules(node: str) -> bytes:
    """What node/realm.cjs takes for the modules that every run loads; nothing, if this Node.js does not make it.

    About 200 kB, which save a run a tenth of its processor time. Takes about 50 ms once. No function's code is in it.
    """
    command = [node, str(NODE_FOLDER / "compile.cjs")]
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, env={}, check=True, timeout=COMPILE_S).stdout
    except (OSError, subprocess.SubprocessError) as error:  # then each process compiles them itself
        logs.warning("sandbox.not_compiled", node=node, error=error)
        return b""
