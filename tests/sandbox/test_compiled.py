"""The runner's modules come compiled into a process."""

import json
import subprocess
from pathlib import Path

import pytest

from hexasched.domain.limits import Limits
from sandbox.compiled import NODE_FOLDER, compiled_modules
from sandbox.limits import node_flags
from tests.sandbox.bare_node import NODE18, NODE24
from tests.sandbox.harness import Worker

PROBE = f"""const {{ readCompiled }} = require('{NODE_FOLDER}/realm.cjs');
const script = readCompiled('{NODE_FOLDER}', 0);
process.stdout.write(JSON.stringify([script.cachedDataRejected, Object.keys(script.runInThisContext()).length]));"""


def probed(compiled: bytes, *flags: str) -> tuple[bool, int]:
    """Whether V8 refuses the code, and how many modules there are."""
    command = [str(NODE24), *flags, "-e", PROBE]
    rejected, count = json.loads(subprocess.run(command, input=compiled, stdout=subprocess.PIPE, check=True).stdout)
    return rejected, count


@pytest.mark.parametrize("memory_mb", [64, 4096])
def test_v8_takes_the_code_under_the_flags_of_every_limit(memory_mb: int) -> None:
    rejected, count = probed(compiled_modules(str(NODE24)), *node_flags(Limits(memory_mb=memory_mb), 24))
    assert (rejected, count > 10) == (False, True)


def test_code_that_v8_does_not_take_is_compiled_anew() -> None:
    rejected, count = probed(compiled_modules(str(NODE18)))
    assert (rejected, count > 10) == (True, True)


def test_a_node_that_can_not_compile_them_runs_them_all_the_same(tmp_path: Path) -> None:
    broken = tmp_path / "node"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    assert compiled_modules(str(broken)) == compiled_modules(str(tmp_path / "absent")) == b""


def test_the_code_of_a_function_sees_nothing_of_it(worker: Worker) -> None:
    source = "export default () => process.argv.map((part) => part.split('/').at(-1))"
    assert worker.run(source).result == '["node","bootstrap.cjs"]'
