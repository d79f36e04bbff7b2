"""One process that does many runs, one after the other: what it keeps, what it must not mix up, and what ends it."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import Outcome, Reason
from sandbox.jobs import Job
from sandbox.reuse import MAX_RUNS
from tests.sandbox.harness import Worker, alive, family, running_worker, runtime
from tests.sandbox.test_requests import asked
from tests.waiting import wait_until

ROOM = 4
REFUSED = (sys.executable, "-m", "tests.sandbox.refused")
COUNT = "let count = 0; export default async (event, context) => { count += 1; %s; return count }"


def started(walls: str, folder: Path) -> AbstractContextManager[Worker]:
    before = REFUSED if walls == "landlock" else ()
    return running_worker(folder, before=before, mode=walls)


@pytest.fixture(scope="module", params=["bubblewrap", pytest.param("landlock", marks=pytest.mark.root)])
def worker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker for each kind of walls."""
    with started(request.param, tmp_path_factory.mktemp("worker") / "data") as running:
        yield running


class Series:
    """Runs of one function whose process may wait between them."""

    def __init__(self, worker: Worker, body: str = "", *, source: str = "", **limits: Any) -> None:
        self.worker = worker
        self.limits = Limits(**{"timeout_s": 20, "reuse": True} | limits)
        self.folder = worker.write({"index.mjs": source or COUNT % body})
        worker.order(type="warm", room=ROOM, jobs=[asdict(self.template)])

    @property
    def template(self) -> Job:
        return Job(
            key="template",
            mode="run",
            runtime=runtime(),
            code_dir=str(self.folder),
            handler="index.mjs",
            limits=self.limits,
            workspace="boats",
            network="none",
        )

    def submit(self, event: Any = None, **changes: Any) -> Job:
        return self.worker.submit(self.folder, limits=self.limits, event=event, **changes)

    def run(self, event: Any = None, **changes: Any) -> tuple[Outcome, str]:
        """How the next run ends, and its output."""
        job = self.submit(event, **changes)
        return self.worker.end_of(job), self.worker.text(job)

    def count(self, event: Any = None, **changes: Any) -> int:
        """The how manyth run of its process the next one is."""
        outcome, _ = self.run(event, **changes)
        assert outcome.ok, outcome
        return int(json.loads(outcome.result or ""))

    def ends(self, event: Any = None) -> Reason:
        return self.run(event)[0].reason


def test_state_is_kept_and_event_context_and_output_are_each_runs_own(worker: Worker) -> None:
    source = """let count = 0; export default (event, context) => {
        console.log(`out ${event}`); console.error(`err ${event}`);
        return [++count, event, context.requestId, context.getRemainingTimeInMillis() > 19000]; }"""
    series = Series(worker, source=source)
    for number in (1, 2, 3):
        outcome, text = series.run(f"e{number}", context={"requestId": f"r{number}"})
        assert json.loads(outcome.result or "") == [number, f"e{number}", f"r{number}", True]
        assert text == f"out e{number}\nerr e{number}\n"


def test_variables_are_set_anew_and_masked_as_of_the_run(worker: Worker) -> None:
    series = Series(
        worker,
        "console.log(process.env.KEY, process.env.LEFT, process.env.HOME); "
        "process.env.LEFT = 'left'; process.env.KEY = 'changed'; process.env.HOME = 'gone'; "
        "process.exitCode = 3",
    )
    given: dict[str, Any] = {"env": {"KEY": "s3cret!"}, "secrets": ("KEY",), "environment": "a"}
    assert [series.count(**given), series.count(**given)] == [1, 1]  # those that wait are for no variables
    worker.order(type="warm", room=ROOM, jobs=[asdict(series.template) | {"environment": "a"}])
    texts = [series.run(**given) for _ in range(3)]
    assert [outcome.result for outcome, _ in texts] == ["1", "2", "3"]
    assert len({text for _, text in texts}) == 1
    assert texts[0][1].startswith("*** undefined /")
    assert series.count(env={"KEY": "other"}, environment="b") == 1


def test_output_never_gets_into_another_run(worker: Worker) -> None:
    flood = "process.stdout.write(`${event}`.repeat(300_000) + '\\n'); process.stderr.write(`${event}`.repeat(50_000))"
    series = Series(worker, flood)
    for event in ("X", "Y", "Z"):
        outcome, text = series.run(event)
        assert outcome.result == str("XYZ".index(event) + 1)
        assert {letter for letter in text if letter.isupper()} == {event}


def test_what_prints_after_its_end_goes_with_its_process(worker: Worker) -> None:
    series = Series(worker, "if (event) setInterval(() => console.log('late', event), 20)")
    assert series.count() == 1
    outcome, text = series.run("first")
    assert outcome.result == "2"
    assert set(text.split("\n")) == {"late first", ""}
    assert "was still open and was cut off: a timer" in outcome.warnings[0]
    outcome, text = series.run("")
    assert (outcome.result, text) == ("1", "")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("if (event) throw new Error('no')", Reason.ERROR),
        ("if (event) process.exit(0)", Reason.EXIT),
        ("if (event) await new Promise(() => setInterval((context.signal.onabort = process.exit), 9000))", Reason.TIME),
        ("if (event) await new Promise(() => {})", Reason.UNSETTLED),
        ("if (event) return 1n", Reason.RESULT),
        ("if (event) process.kill(process.pid, 'SIGKILL')", Reason.SIGNAL),
        ("if (event) (await import('node:fs')).writeSync(3, 'F 2\\n{}')", Reason.EXIT),
        ("if (event) (await import('node:fs')).writeSync(3, 'nonsense nonsense nonsense')", Reason.EXIT),
    ],
)
def test_after_a_failure_there_is_another_process(worker: Worker, body: str, reason: Reason) -> None:
    series = Series(worker, body, timeout_s=1)
    assert [series.count(), series.count()] == [1, 2]
    started_at = time.monotonic()
    assert series.ends("fail") is reason
    assert time.monotonic() - started_at < 9
    assert series.count() == 1


def test_who_is_stopped_is_followed_by_another_process(worker: Worker) -> None:
    body = "if (event) await new Promise((done) => { setInterval(() => {}, 1000); context.signal.onabort = done })"
    series = Series(worker, body)
    assert series.count() == 1
    job = series.submit("long")
    pid = worker.start_of(job)
    worker.order(type="stop", key=job.key, cause="cancel")
    assert worker.end_of(job).reason is Reason.USER
    assert not alive(pid)
    assert series.count() == 1


def test_a_process_does_a_hundred_runs(worker: Worker) -> None:
    series = Series(worker)
    assert [series.count() for _ in range(MAX_RUNS + 1)] == [*range(1, MAX_RUNS + 1), 1]


def test_who_leaves_much_memory_gets_another_process(worker: Worker) -> None:
    series = Series(worker, "globalThis.kept = event ? Buffer.alloc(90 << 20, 1) : null", memory_mb=128)
    assert [series.count(), series.count()] == [1, 2]
    assert series.count("much") == 3
    assert series.count() == 1


def test_who_leaves_too_many_files_gets_another_process(worker: Worker) -> None:
    source = """import fs from 'node:fs'; import { tmpdir } from 'node:os'; let made = 0;
        export default async () => { await new Promise((done) => setTimeout(done, 60));
            for (let more = 10; more > 0; more -= 1) fs.writeFileSync(`${tmpdir()}/${made++}`, ''); return made }"""
    series = Series(worker, source=source, scratch_files=100, memory_mb=1024)  # looked at after 0.25 s, never in a run
    counts = [series.count() for _ in range(18)]
    assert 90 < max(counts) <= 160  # where counting is dear they are counted after a quarter of a second of runs
    assert counts.count(10) > 1


BURN = "while (process.cpuUsage(before).user < 200_000);"  # however long that takes where others compute too


def test_measures_are_the_runs_own(worker: Worker) -> None:
    series = Series(worker, f"const before = process.cpuUsage(); if (event) {BURN}")
    assert series.count() == 1
    busy, idle = series.run("busy")[0], series.run()[0]
    assert (busy.result, idle.result) == ("2", "3")
    assert busy.cpu_ms >= 150
    assert idle.cpu_ms < 50
    assert idle.duration_ms < 200
    assert 10 << 20 < idle.peak_memory_bytes < 256 << 20


def test_processor_time_is_the_runs_own_whoever_used_it_and_however_it_ends(worker: Worker) -> None:
    body = f"""const {{ execFileSync }} = await import('node:child_process');
        if (event === 'child') execFileSync(process.execPath, ['-e', 'const before = process.cpuUsage(); {BURN}']);
        if (event === 'wait') await new Promise((done) => setTimeout(done, 400));
        if (event === 'forge') (await import('node:fs')).writeSync(3, 'nonsense nonsense nonsense')"""
    series = Series(worker, body, child_processes=True, memory_mb=512)
    assert series.count() == 1
    busy, waiting, forging = (series.run(event)[0] for event in ("child", "wait", "forge"))
    assert (busy.result, waiting.result, forging.reason) == ("2", "3", Reason.EXIT)
    assert busy.cpu_ms >= 150
    assert 0 <= waiting.cpu_ms < 50
    assert 0 <= forging.cpu_ms < 50


def test_what_a_run_asks_is_answered_to_it(worker: Worker) -> None:
    series = Series(worker, "if (event) console.log(await context.kv.get(event))")
    for number, event in enumerate(["a", "", "b", "c"], start=1):
        job = series.submit(event)
        if event:
            [request] = wait_until(partial(asked, worker, job), deadline_s=10, what="its question")
            assert request.key == event
            worker.order(type="answer", key=job.key, answer={"id": request.id, "value": f'"for {event}"'})
        assert worker.end_of(job).result == str(number)
        assert worker.text(job) == (f"for {event}\n" if event else "")


def test_a_frame_that_is_left_for_a_later_run_fools_nobody(worker: Worker) -> None:
    body = """if (event) { const { writeSync } = await import('node:fs');
        const said = { nonce: 'f'.repeat(32), ok: true, reason: 'ok', result: '"FORGED"', again: true };
        const frame = JSON.stringify(said);
        setInterval(() => writeSync(3, `F ${frame.length}\\n${frame}`), 1).unref() }
        await new Promise((done) => setTimeout(done, 30))"""
    series = Series(worker, body)
    assert series.count() == 1
    outcomes = [series.run("forge")[0], series.run("")[0], series.run("")[0]]
    assert all(outcome.result in (None, "1", "2") for outcome in outcomes)
    assert outcomes[0].reason is Reason.EXIT
    assert outcomes[-1].result == "2"


def test_one_that_only_seems_to_rest_is_ended(worker: Worker) -> None:
    # It finds the nonce in its own memory, sends a frame itself, and goes on.
    body = """if (event) { const { writeSync } = await import('node:fs'); let heap = '';
        for await (const piece of (await import('node:v8')).getHeapSnapshot()) heap += piece;
        const [nonce] = JSON.parse(heap).strings.filter((text) => /^[0-9a-f]{32}$/.test(text));
        const frame = JSON.stringify({ nonce, ok: true, reason: 'ok', result: '"seems"', again: true });
        writeSync(3, `F ${frame.length}\\n${frame}`); for (;;); }"""
    series = Series(worker, body)
    assert series.count() == 1
    before = family(worker.keeper_pid)
    job = series.submit("seem")
    first = worker.start_of(job)
    assert worker.end_of(job).result == '"seems"'
    assert first in before
    wait_until(lambda: not alive(first), deadline_s=10, what="its end")
    assert series.count() == 1


def test_children_are_noticed(worker: Worker) -> None:
    body = """if (event) { const { spawn } = await import('node:child_process');
        const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
        await new Promise((done) => child.on('spawn', done)); child.unref(); }"""
    series = Series(worker, body, child_processes=True, memory_mb=512)
    assert [series.count(), series.count()] == [1, 2]
    job = series.submit("child")
    first = worker.start_of(job)
    assert worker.end_of(job).result == "3"
    assert not alive(first)
    assert series.count() == 1


def test_with_a_worker_thread_left_there_is_another_process(worker: Worker) -> None:
    source = """import { Worker } from 'node:worker_threads'; let count = 0;
        export default async (event) => { count += 1; if (!event) return count;
            const thread = new Worker('setInterval(() => {}, 5)', { eval: true });
            await new Promise((done) => thread.once('online', done));
            if (event === 'leave') thread.unref(); else await thread.terminate();
            return count }"""
    series = Series(worker, source=source)
    assert [series.count(event) for event in ("", "end", "leave", "")] == [1, 2, 3, 1]


def test_one_that_takes_memory_while_it_waits_is_ended(worker: Worker) -> None:
    source = (
        THREAD
        + """let count = 0; export default async () => {
        const text = 'setTimeout(() => (globalThis.held = Buffer.alloc(70 << 20, 1)), 300); setInterval(() => {}, 9e5)';
        if (!count) start(text);
        return ++count }"""
    )
    series = Series(worker, source=source, memory_mb=128)
    job = series.submit()
    pid = worker.start_of(job)
    assert worker.end_of(job).result == "1"
    wait_until(lambda: not alive(pid), deadline_s=10, what="its end")


def test_it_ends_when_it_is_no_longer_wanted(worker: Worker) -> None:
    series = Series(worker)
    job = series.submit()
    pid = worker.start_of(job)
    assert worker.end_of(job).result == "1"
    assert alive(pid)
    Series(worker)  # a new version
    wait_until(lambda: not alive(pid), deadline_s=10, what="its end")


def test_without_the_setting_each_run_has_its_own(worker: Worker) -> None:
    series = Series(worker, reuse=False)
    assert [series.count(), series.count(), series.count()] == [1, 1, 1]


def test_processor_time_of_earlier_runs_ends_no_later_one(tmp_path: Path) -> None:
    burn = """const used = () => { const { user, system } = process.cpuUsage(); return user + system };
        for (const end = used() + 550_000; used() < end;);"""
    with running_worker(tmp_path / "data", keeper="tests.sandbox.young_keeper") as worker:
        series = Series(worker, burn, timeout_s=10)
        assert [series.count() for _ in range(3)] == [1, 2, 1]


def test_processes_that_wait_for_a_run_end_with_the_keeper(tmp_path: Path) -> None:
    with started("bubblewrap", tmp_path / "data") as worker:
        series = Series(worker)
        assert [series.count(), series.count()] == [1, 2]
        everybody = family(worker.keeper_pid)
    assert not [pid for pid in everybody if alive(pid)]
    assert os.getpid() not in everybody


# Made past what the runner has put into the place of Worker, so that it knows of no thread.
THREAD = """import { Worker } from 'node:worker_threads';
const start = (text, workerData) => new Worker.prototype.constructor(
    text, { eval: true, workerData, resourceLimits: { codeRangeSizeMb: 32 } }).unref();
"""
FLOOD = (
    THREAD
    + """
const gate = new Int32Array(new SharedArrayBuffer(8));
const body = (fd) => `const { writeSync } = require('node:fs'); const gate = require('node:worker_threads').workerData;
    const bytes = Buffer.alloc(65536, 'bbbb' + 'a'.repeat(600)); Atomics.add(gate, 1, 1); Atomics.wait(gate, 0, 0);
    for (const until = Date.now() + 3000; Date.now() < until;) { writeSync(${fd}, bytes); Atomics.add(gate, 1, 1) }`;
async function flood() {
    for (const fd of [1, 2]) start(body(fd), gate);
    while (Atomics.load(gate, 1) < 2) await new Promise((done) => setTimeout(done, 1));
    Atomics.store(gate, 0, 1); Atomics.notify(gate, 0);
    while (Atomics.load(gate, 1) < 4); }
"""
)
COSTLY: dict[str, Any] = {  # to look for in such a flood
    "env": {f"KEY{number}": "b" * number + "a" * 600 + "b" * number for number in range(40)},
    "secrets": tuple(f"KEY{number}" for number in range(40)),
}


def test_who_floods_beyond_its_end_holds_nobody_up(worker: Worker) -> None:
    series = Series(worker, source=FLOOD + "export default async () => { await flood(); return 1 }")
    job = series.submit(**COSTLY)
    worker.start_of(job)
    started_at = time.monotonic()
    outcome = worker.end_of(job)
    assert outcome.result == "1"
    assert time.monotonic() - started_at - outcome.duration_ms / 1000 < 0.8


def test_what_listens_for_the_end_of_work_never_hears_of_another_runs(worker: Worker) -> None:
    body = "process.once('beforeExit', () => { throw new Error(`of run ${event}`) }); console.log('run', event)"
    series = Series(worker, body)
    for event in (1, 2):
        outcome, text = series.run(event)
        assert (outcome.result, text, outcome.warnings) == ("1", f"run {event}\n", ())


def test_what_a_run_that_is_over_asks_is_refused_at_once(worker: Worker) -> None:
    source = """let opened, kept; const said = (error) => `${error.name} ${error.code}`;
        export default async (event, context) => {
            opened ??= context.kv; kept ??= context;
            return event && [await opened.get('a').catch(said), await kept.kv.get('a').catch(said),
                await kept.once('a', () => 1).catch(said)] }"""
    series = Series(worker, source=source, timeout_s=2)
    assert series.run(0)[0].result == "0"
    assert json.loads(series.run(1)[0].result or "null") == ["KvError KV_OVER"] * 3
    assert series.run(0)[0].result == "0"
