"""A process that does not keep to the protocol: what the keeper makes of it."""

import time
from pathlib import Path

import pytest

from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import Outcome, Reason, Status
from sandbox.instance import Instance
from sandbox.jobs import Finished, Job, Message
from sandbox.launch import Launch
from sandbox.loop import Loop
from sandbox.run import Run
from sandbox.spool import Spool, read_records
from tests.sandbox.harness import runtime
from tests.waiting import wait_until

# The start of a well-behaved process: ready, then the control frame.
READY = """
const fs = require('node:fs')
const say = (text) => fs.writeSync(3, text)
const read = (size) => {
    const got = Buffer.alloc(size)
    for (let n = 0; n < size;) n += fs.readSync(4, got, n, size - n)
    return got
}
say('R\\n')
const order = JSON.parse(read(read(4).readUInt32BE()))
const frame = (body) => {
    const text = JSON.stringify({ nonce: order.nonce, ...body })
    say(`F ${text.length}\\n${text}`)
}
const good = { ok: true, reason: 'ok', result: '1', error: null, warnings: [], env_read: [], env_missing: [] }
"""


def start(script: str, tmp_path: Path, said: list[Message], loop: Loop) -> Run:
    """A run of this Node.js program; its standard output and error go to tmp_path/spool."""
    job = Job(
        key="run-1-1",
        mode="run",
        runtime=runtime(),
        code_dir=str(tmp_path),
        handler="index.mjs",
        limits=Limits(timeout_s=10),
        workspace="boats",
    )
    launch = Launch(argv=[job.runtime.node, "-e", script], held=False)
    run = Run(job, Instance(job, launch, loop), Spool(tmp_path / "spool"), loop, said.append)
    run.start()
    return run


def finish(run: Run, said: list[Message], loop: Loop) -> Outcome:
    """Keep it until it ends; how it did."""
    while not isinstance(said[-1] if said else None, Finished):
        loop.turn(min(run.wake_at - time.monotonic(), 1))
        run.tick(time.monotonic())
    loop.close()
    last = said[-1]
    assert isinstance(last, Finished)
    return last.outcome


def end_of(script: str, tmp_path: Path) -> Outcome:
    """How a run of this Node.js program ends."""
    said, loop = list[Message](), Loop()
    return finish(start(script, tmp_path, said, loop), said, loop)


def test_a_result_that_waits_to_be_read_at_the_deadline_counts(tmp_path: Path) -> None:
    said, loop = list[Message](), Loop()
    begun, go, sent = (tmp_path / name for name in ("begun", "go", "sent"))
    script = (
        f"fs.writeFileSync('{begun}', ''); while (!fs.existsSync('{go}')); frame(good); fs.writeFileSync('{sent}', '')"
    )
    run = start(READY + script, tmp_path, said, loop)

    def turn_until_begun() -> bool:
        loop.turn(0.1)
        return begun.exists()

    wait_until(turn_until_begun, deadline_s=20, what="the program")
    go.touch()
    wait_until(sent.exists, deadline_s=20, what="its result")
    run.tick(time.monotonic() + 11)
    assert finish(run, said, loop).status is Status.SUCCEEDED


def test_a_result_stands_although_the_process_goes_on(tmp_path: Path) -> None:
    outcome = end_of(READY + "frame(good); setInterval(() => {}, 1000)", tmp_path)
    assert (outcome.status, outcome.result) == (Status.SUCCEEDED, "1")
    assert outcome.duration_ms < 900


def test_nothing_after_the_frame_changes_the_outcome(tmp_path: Path) -> None:
    script = READY + "frame(good); frame({ ...good, ok: false, reason: 'error' }); say('rubbish'); process.exit(9)"
    outcome = end_of(script, tmp_path)
    assert (outcome.status, outcome.result, outcome.exit_code) == (Status.SUCCEEDED, "1", 0)


@pytest.mark.parametrize(
    "script",
    [
        "say('rubbish\\n'); frame(good)",
        "say('x'.repeat(100)); frame(good)",
        "order.nonce = '0'.repeat(32); frame(good)",
        "frame({ ...good, ok: 1 })",
        "frame({ ...good, reason: 'error' })",
        "frame({ ...good, reason: 'time' })",
        "say('F 99999999\\n')",
        "say('F 100\\n{')",
        "say('F 4\\nnull')",
        "const deep = '['.repeat(5000) + ']'.repeat(5000); say(`F ${deep.length}\\n${deep}`)",
        "say(Buffer.from('F 2\\n\\xff\\xfe', 'latin1'))",
    ],
)
def test_a_forged_or_broken_frame_is_a_failure(tmp_path: Path, script: str) -> None:
    outcome = end_of(READY + script, tmp_path)
    assert (outcome.status, outcome.reason, outcome.result) == (Status.FAILED, Reason.EXIT, None)


def test_texts_of_a_frame_are_cut_and_cleaned(tmp_path: Path) -> None:
    error = "{ type: 'E', message: 'a\\u0000b\\ud800' + 'x'.repeat(20000), line: 'no', stack: 7 }"
    outcome = end_of(
        READY + f"frame({{ ...good, ok: false, reason: 'error', error: {error}, warnings: [1, 'w'] }})", tmp_path
    )
    assert outcome.error
    assert outcome.error.message.startswith("a\ufffdb\ufffdxxx")
    assert len(outcome.error.message) == 8193  # with … at its end
    assert (outcome.error.line, outcome.error.stack, outcome.warnings) == (None, "", ("w",))


def test_a_result_that_is_too_large_is_refused(tmp_path: Path) -> None:
    outcome = end_of(READY + "frame({ ...good, result: JSON.stringify('x'.repeat(300000)) })", tmp_path)
    assert (outcome.status, outcome.reason, outcome.result) == (Status.FAILED, Reason.RESULT, None)
    assert outcome.error
    assert "300,002 bytes" in outcome.error.message


def test_a_process_that_never_becomes_ready_is_our_failure(tmp_path: Path) -> None:
    outcome = end_of("process.exit(1)", tmp_path)
    assert (outcome.status, outcome.reason, outcome.duration_ms) == (Status.FAILED, Reason.INTERNAL, 0)


def test_a_process_that_dies_before_it_reads_its_orders_is_a_failure(tmp_path: Path) -> None:
    outcome = end_of("require('node:fs').writeSync(3, 'R\\n'); process.exit(4)", tmp_path)
    # Whose fault it is depends on whether it was noticed before the orders were sent.
    assert outcome.status is Status.FAILED
    assert outcome.reason in (Reason.EXIT, Reason.INTERNAL)


def test_announcements_that_are_lies_hold_nothing_back(tmp_path: Path) -> None:
    script = READY + "say('O 1000000\\nE 1000000\\n'); fs.writeSync(2, 'one'); fs.writeSync(1, 'two'); frame(good)"
    assert end_of(script, tmp_path).status is Status.SUCCEEDED
    assert sorted(record.data for record in read_records(tmp_path / "spool")) == [b"one", b"two"]
