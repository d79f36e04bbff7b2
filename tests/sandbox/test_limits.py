"""Each limit of a run, really hit: the reason, and the sentence that names what to raise."""

import subprocess
from dataclasses import dataclass

import pytest

from hexasched.domain.limits import MIB, Limits
from hexasched.domain.outcomes import Reason, Status
from sandbox.limits import node_flags
from tests.sandbox.harness import Worker, runtime

THREADS = "import { Worker } from 'node:worker_threads'\n"
SAYS = 'require("node:worker_threads").parentPort.postMessage(process.env.WHO); setInterval(() => {}, 1000)'
START = f"""const start = () => new Promise((done, fail) => {{
    const worker = new Worker('{SAYS}', {{ eval: true }})
    worker.once('message', (said) => {{ worker.unref(); done([worker, said]) }}).once('error', fail)
}})
"""
FILL = "const all = []; for (;;) all.push(Buffer.alloc(16e6, 1))"


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A function that goes over a limit, and how that ends."""

    source: str
    limits: Limits
    reason: Reason
    error: str
    raise_it: str


HITS = {
    "open files": Hit(
        source="""import fs from 'node:fs'
        export default () => { for (;;) fs.openSync('/code/index.mjs') }""",
        limits=Limits(timeout_s=20, open_files=40),
        reason=Reason.ERROR,
        error="EMFILE: too many open files",
        raise_it="limits.max_open_files",
    ),
    "processes": Hit(
        source="""import { spawn } from 'node:child_process'
        export default () => new Promise((_, fail) => {
            for (let i = 0; i < 20; i++) spawn(process.execPath, ['-e', '0']).on('error', fail)
        })""",
        limits=Limits(timeout_s=20, processes=16, child_processes=True),
        reason=Reason.ERROR,
        error="EAGAIN",
        raise_it="limits.max_processes",
    ),
    "threads": Hit(
        source=THREADS + START + "export default async () => { for (;;) await start() }",
        limits=Limits(timeout_s=20, processes=16, memory_mb=1024),
        reason=Reason.ERROR,
        error="EAGAIN",
        raise_it="limits.max_processes",
    ),
    "scratch space": Hit(
        source="""import fs from 'node:fs'
        export default () => { for (let i = 0; ; i++) fs.writeFileSync(`/tmp/${i}`, Buffer.alloc(4e5)) }""",
        limits=Limits(timeout_s=20, scratch_mb=1),
        reason=Reason.ERROR,
        error="ENOSPC: no space left on device",
        raise_it="limits.max_scratch_mb",
    ),
    "one file": Hit(
        source="""import fs from 'node:fs'
        export default () => fs.writeFileSync('/tmp/one', Buffer.alloc(4e6))""",
        limits=Limits(timeout_s=20, scratch_mb=1),
        reason=Reason.ERROR,
        error="EFBIG: file too large",
        raise_it="limits.max_scratch_mb",
    ),
    "a program": Hit(
        source="""import { execFileSync } from 'node:child_process'
        export default () => execFileSync(process.execPath, ['-v'])""",
        limits=Limits(timeout_s=20),
        reason=Reason.DENIED,
        error="EPERM",
        raise_it="It may start child processes",
    ),
    "an ArrayBuffer": Hit(
        source="export default () => new ArrayBuffer(3e9).byteLength",
        limits=Limits(timeout_s=20),
        reason=Reason.MEMORY,
        error="Array buffer allocation failed",
        raise_it="limits.max_memory_mb",
    ),
    "a Buffer": Hit(
        source="export default () => Buffer.alloc(3e9).length",
        limits=Limits(timeout_s=20),
        reason=Reason.MEMORY,
        error="allocat",
        raise_it="limits.max_memory_mb",
    ),
    "WebAssembly": Hit(
        source="""export default () => {
            const memory = new WebAssembly.Memory({ initial: 1 })
            for (;;) { const end = memory.grow(99) * 65536; new Uint8Array(memory.buffer, end).fill(1) }
        }""",
        limits=Limits(timeout_s=20, memory_mb=128),
        reason=Reason.MEMORY,
        error="memory",
        raise_it="limits.max_memory_mb",
    ),
    "shared memory": Hit(
        source="""export default () => {
            const all = []
            for (;;) all.push(new Uint8Array(new SharedArrayBuffer(32e6)).fill(1))
        }""",
        limits=Limits(timeout_s=20, memory_mb=128),
        reason=Reason.MEMORY,
        error="",
        raise_it="limits.max_memory_mb",
    ),
    "memory of threads": Hit(
        source=THREADS
        + f"""export default () => new Promise((_, fail) => {{
            for (let i = 0; i < 4; i++) new Worker('{FILL}', {{ eval: true }}).on('error', fail)
        }})""",
        limits=Limits(timeout_s=20, memory_mb=128),
        reason=Reason.MEMORY,
        error="",
        raise_it="limits.max_memory_mb",
    ),
    "too many threads": Hit(
        source=THREADS + START + "export default async () => { for (;;) await start() }",
        limits=Limits(timeout_s=20, memory_mb=96, processes=256),
        reason=Reason.MEMORY,
        error="",
        raise_it="limits.max_memory_mb",
    ),
    "the result": Hit(
        source="export default () => 'x'.repeat(300000)",
        limits=Limits(timeout_s=20),
        reason=Reason.RESULT,
        error="of JSON; at most 256 ",
        raise_it="",
    ),
}


@pytest.mark.parametrize("name", HITS)
def test_a_limit_that_is_hit_is_named(name: str, worker: Worker) -> None:
    hit = HITS[name]
    job = worker.submit(hit.source, limits=hit.limits)
    outcome = worker.end_of(job)
    assert (outcome.status, outcome.reason) == (Status.FAILED, hit.reason), worker.text(job)[-2000:]
    assert outcome.error
    assert hit.error in outcome.error.message
    assert hit.raise_it in (outcome.error.hint or "")
    # What docs/decisions/006 says, and the pages of Node.js itself.
    assert outcome.peak_memory_bytes < (hit.limits.memory_mb + 240) * MIB


@pytest.mark.parametrize("name", ["node24", "node18"])
def test_four_worker_threads_start_under_the_lowest_memory_limit(name: str, worker: Worker) -> None:
    source = (
        THREADS
        + START
        + """export default async () => {
        const workers = await Promise.all([start(), start(), start(), start()])
        for (const [worker] of workers) await worker.terminate()
        return workers.map(([, said]) => said).join()
    }"""
    )
    limits = Limits(timeout_s=20, memory_mb=96)
    outcome = worker.run(source, limits=limits, env={"WHO": "me"}, runtime=runtime(name))
    assert outcome.result == '"me,me,me,me"', outcome


def test_threads_of_threads_and_classes_of_ones_own_work(worker: Worker) -> None:
    source = """const { Worker } = require('worker_threads')
    const inner = 'require("worker_threads").parentPort.postMessage("from below")'
    const outer = `const { Worker, parentPort } = require("worker_threads")
        new Worker(${JSON.stringify(inner)}, { eval: true }).on("message", (said) => parentPort.postMessage(said))`
    class Mine extends Worker {}
    exports.handler = async () => {
        const mine = new Mine(outer, { eval: true, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: 32 } })
        const { maxOldGenerationSizeMb } = mine.resourceLimits // of a thread that has ended they are empty
        const said = await new Promise((done) => mine.on('message', done))
        return [said, mine instanceof Worker, mine instanceof Mine, maxOldGenerationSizeMb]
    }"""
    outcome = worker.run(source, file="index.cjs")
    assert outcome.result == '["from below",true,true,32]', outcome


COMPILED_AGAIN = """
['net', 'stream', 'worker_threads'].forEach((name) => require(name));
const used = require('internal/test/binding').internalBinding('builtins').getCacheUsage();
console.log(used.compiledWithCache.size > 10, used.compiledWithoutCache.size);
"""


@pytest.mark.parametrize(("more", "said"), [((), "true 0"), (("--no-opt",), "false")])
def test_no_flag_makes_node_compile_its_own_modules_again(more: tuple[str, ...], said: str) -> None:
    flags = [*node_flags(Limits(), runtime().major), *more, "--no-warnings", "--expose-internals"]
    done = subprocess.run(
        [runtime().node, *flags, "-e", COMPILED_AGAIN], env={}, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(said), "docs/decisions/010-how-node-is-started.md says what that costs"
