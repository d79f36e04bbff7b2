"""Jobs from submit to Finished, through a real worker, keeper, bubblewrap and Node.js."""

import re
import time

from hexasched.domain.limits import MIB, Limits
from hexasched.domain.outcomes import Reason, Status
from tests.sandbox.harness import Worker, alive, family, family_of, seconds_since
from tests.waiting import wait_until

WAITS = "export default (e, c) => new Promise(() => setInterval(() => {}, 1000))"


def test_it_runs_a_handler_with_its_event_and_its_variables(worker: Worker) -> None:
    job = worker.submit(
        "export default async (event) => { console.log('hello'); return [event.name, process.env.GREETING] }",
        event={"name": "Ada"},
        env={"GREETING": "good morning"},
    )
    outcome = worker.end_of(job)
    assert (outcome.status, outcome.reason, outcome.error) == (Status.SUCCEEDED, Reason.OK, None)
    assert outcome.result == '["Ada","good morning"]'
    assert worker.text(job) == "hello\n"
    assert outcome.log_bytes == 6
    assert outcome.exit_code == 0
    assert outcome.duration_ms < 5000
    assert outcome.cpu_ms > 0
    assert outcome.peak_memory_bytes > 20_000_000
    assert outcome.env_read == ("GREETING",)


def test_it_knows_what_a_run_used_that_ended_before_anybody_looked(worker: Worker) -> None:
    uses = "Buffer.alloc(80 << 20, 1); for (const end = performance.now() + 40; performance.now() < end;);"
    outcome = worker.run(f"export default () => {{ {uses} }}")
    assert outcome.peak_memory_bytes > 100 * MIB
    assert outcome.cpu_ms > 20


def test_it_passes_large_events_and_variables(worker: Worker) -> None:
    event, value = "x" * 250_000, "y" * 120_000
    outcome = worker.run("export default (e) => [e.length, process.env.BIG.length]", event=event, env={"BIG": value})
    assert outcome.result == "[250000,120000]"


def test_it_reports_what_a_handler_throws(worker: Worker) -> None:
    outcome = worker.run("export default () => {\n  throw new TypeError('no boat')\n}")
    assert (outcome.status, outcome.reason) == (Status.FAILED, Reason.ERROR)
    assert outcome.error
    assert (outcome.error.type, outcome.error.message, outcome.error.line) == ("TypeError", "no boat", 2)


def test_it_names_the_variable_that_is_missing(worker: Worker) -> None:
    outcome = worker.run("export default () => {\n  return process.env.SMTP_HOST.length\n}")
    assert (outcome.reason, outcome.env_missing) == (Reason.ENV_MISSING, ("SMTP_HOST",))
    assert outcome.error
    assert outcome.error.hint
    assert outcome.error.hint.startswith("The environment variable SMTP_HOST is not set. index.mjs, line 2, reads it.")


def test_it_tells_an_exit_from_a_result(worker: Worker) -> None:
    outcome = worker.run("export default () => { process.exit(3) }")
    assert (outcome.status, outcome.reason) == (Status.FAILED, Reason.EXIT)
    silent = worker.run("export default () => { process.reallyExit(0) }")
    assert (silent.status, silent.reason, silent.exit_code) == (Status.FAILED, Reason.EXIT, 0)


def test_it_names_the_signal_that_ended_a_run(worker: Worker) -> None:
    outcome = worker.run("export default () => { process.kill(process.pid, 'SIGKILL'); return new Promise(() => {}) }")
    assert (outcome.status, outcome.reason, outcome.signal) == (Status.FAILED, Reason.SIGNAL, 9)
    assert outcome.error
    assert "SIGKILL" in outcome.error.message


def test_it_stops_a_run_at_its_deadline(worker: Worker) -> None:
    job = worker.submit(
        "export default (e, c) => new Promise((done) => { const open = setInterval(() => {}, 1000);"
        "c.signal.addEventListener('abort', () => { console.log('told'); clearInterval(open); done() }) })",
        limits=Limits(timeout_s=1),
    )
    outcome = worker.end_of(job)
    assert (outcome.status, outcome.reason) == (Status.TIMED_OUT, Reason.TIME)
    assert 1000 <= outcome.duration_ms < 4000
    assert worker.text(job) == "told\n"
    assert "time limit" in worker.text(job, "s")


def test_it_kills_a_run_that_does_not_heed_its_deadline(worker: Worker) -> None:
    outcome = worker.run("export default () => { for (;;); }", limits=Limits(timeout_s=1))
    assert (outcome.status, outcome.reason) == (Status.TIMED_OUT, Reason.TIME)
    assert 5900 <= outcome.duration_ms < 9000
    assert outcome.cpu_ms > 1000


def test_it_cancels_a_run(worker: Worker) -> None:
    job = worker.submit(WAITS)
    worker.start_of(job)
    worker.order(type="stop", key=job.key, cause="cancel")
    outcome = worker.end_of(job)
    assert (outcome.status, outcome.reason) == (Status.CANCELLED, Reason.USER)


def test_the_first_cause_counts_and_strange_keys_do_no_harm(worker: Worker) -> None:
    job = worker.submit(WAITS)
    worker.start_of(job)
    worker.order(type="stop", key="run-0-0", cause="cancel")
    worker.order(type="stop", key=job.key, cause="drain")
    worker.order(type="stop", key=job.key, cause="cancel")
    outcome = worker.end_of(job)
    assert (outcome.status, outcome.reason) == (Status.LOST, Reason.DRAIN)
    assert worker.run("export default () => 1", key="../escape").reason is Reason.INTERNAL


def test_a_stop_right_after_submit_ends_the_job(worker: Worker) -> None:
    job = worker.submit("export default () => new Promise((d) => setTimeout(d, 15000))")
    worker.order(type="stop", key=job.key, cause="replaced")
    outcome = worker.end_of(job)
    assert (outcome.status, outcome.reason) == (Status.CANCELLED, Reason.REPLACED)


def test_both_streams_keep_the_order_of_writing(worker: Worker) -> None:
    source = """export default () => {
        for (let i = 0; i < 400; i++) { (i % 3 ? console.log : console.error)(`line ${i}`) }
    }"""
    job = worker.submit(source)
    worker.end_of(job)
    assert worker.text(job) == "".join(f"line {i}\n" for i in range(400))


def test_output_that_nobody_announced_is_kept(worker: Worker) -> None:
    source = """import fs from 'node:fs'
    export default () => { fs.writeSync(1, 'raw\\n'); console.log('announced'); fs.writeSync(2, 'raw error\\n') }"""
    job = worker.submit(source)
    worker.end_of(job)
    assert worker.text(job, "o") == "raw\nannounced\n"
    assert worker.text(job, "e") == "raw error\n"


def test_a_flood_is_drained_and_cut_in_the_middle(worker: Worker) -> None:
    source = """export default () => {
        for (let i = 0; i < 200000; i++) console.log(`${i} `.padEnd(99, 'x'))
    }"""
    job = worker.submit(source)
    outcome = worker.end_of(job)
    assert outcome.status is Status.SUCCEEDED
    lines = worker.text(job, "o").splitlines()
    assert lines[0].startswith("0 ")
    assert lines[-1].startswith("199999 ")
    size = (worker.folder / "state/spool" / f"{job.key}.log").stat().st_size
    assert 4.5 * 1024**2 < size < 5.2 * 1024**2
    assert outcome.log_bytes + outcome.log_dropped_bytes == 20_000_000
    assert "bytes of output are left out here" in worker.text(job, "s")


def test_an_endless_line_is_cut_and_the_cut_is_said(worker: Worker) -> None:
    job = worker.submit("export default () => { console.log('a'.repeat(1e6)); console.log('next') }")
    outcome = worker.end_of(job)
    first, second = worker.text(job, "o").splitlines()
    assert first.startswith("a" * 16384)
    assert first.endswith("983,616 bytes of this line are left out")
    assert second == "next"
    assert outcome.log_dropped_bytes == 1_000_000 - 16384


def test_secrets_are_masked_in_all_that_leaves_the_keeper(worker: Worker) -> None:
    source = """import fs from 'node:fs'
    const secret = process.env.API_KEY
    export default async () => {
        for (const character of secret) { fs.writeSync(1, character); await new Promise((done) => setTimeout(done, 5)) }
        console.log('x'.repeat(16375) + secret)
        console.error({ secret }, Buffer.from(`user:${secret}`).toString('base64'), new URLSearchParams({ secret }))
        process.env[secret]
        fs.writeSync(2, secret)
        throw new Error('refused: ' + 'y'.repeat(8170) + secret, { cause: new TypeError(secret) })
    }"""
    secret = 'sesame "street" 42/+'
    job = worker.submit(source, env={"API_KEY": secret, "PLAIN": "refused"}, secrets=("API_KEY", "GONE"))
    outcome = worker.end_of(job)
    assert worker.text(job, "o") == "***" + "x" * 16375 + "***\n"
    assert worker.text(job, "e").startswith("{ secret: '***' } dXNlcjp***")
    assert worker.text(job, "e").endswith("***")
    assert "refused: yyy" in str(outcome)
    assert not re.search(r"sesa|street|c2VzYW1l|42/", worker.text(job) + str(outcome))


def test_output_is_announced_while_the_run_goes_on(worker: Worker) -> None:
    job = worker.submit("export default async () => { console.log('early'); await new Promise(() => 0) }")
    stuck = worker.submit(
        "export default (e, c) => { console.log('x'); return new Promise((d) => setTimeout(d, 9e3)) }"
    )
    wait_until(lambda: worker.sizes(stuck), deadline_s=10, what="an announcement")
    assert worker.text(stuck) == "x\n"
    worker.order(type="stop", key=stuck.key, cause="cancel")
    assert worker.end_of(job).reason is Reason.UNSETTLED
    worker.end_of(stuck)


def test_a_heap_that_grows_without_end_is_a_memory_failure(worker: Worker) -> None:
    outcome = worker.run(
        "export default () => { const all = []; for (;;) all.push({ now: [1, 2, 3] }) }",
        limits=Limits(timeout_s=20, memory_mb=128),
    )
    assert (outcome.status, outcome.reason) == (Status.FAILED, Reason.MEMORY)
    assert outcome.error
    assert "128 MB" in outcome.error.message


def test_buffers_that_grow_without_end_fail_and_stay_within_bounds(worker: Worker) -> None:
    source = "export default () => { const all = []; for (;;) all.push(Buffer.alloc(8e6, 1)) }"
    outcome = worker.run(source, limits=Limits(timeout_s=20, memory_mb=128))
    assert (outcome.status, outcome.reason) == (Status.FAILED, Reason.MEMORY)
    assert outcome.peak_memory_bytes < (128 + 240) * MIB  # what docs/decisions/006 says, and pages of Node.js itself


def test_many_processes_together_stay_under_the_memory_limit(worker: Worker) -> None:
    source = """import { spawn } from 'node:child_process'
    export default () => {
        const hog = 'const b = []; setInterval(() => b.push(Buffer.alloc(4e6, 1)), 20)'
        for (let i = 0; i < 3; i++) spawn(process.execPath, ['-e', hog])
        return new Promise(() => {})
    }"""
    limits = Limits(timeout_s=20, memory_mb=200, child_processes=True)
    outcome = worker.run(source, limits=limits)
    assert (outcome.status, outcome.reason) == (Status.FAILED, Reason.MEMORY)


def test_too_many_files_end_a_run(worker: Worker) -> None:
    source = """import fs from 'node:fs'
    export default async (folder) => {
        for (let i = 0; i < 200; i++) fs.writeFileSync(`${folder}/${i}`, '')
        await new Promise((done) => setTimeout(done, 9000))
    }"""
    few = Limits(timeout_s=20, scratch_files=100)
    for job in [worker.submit(source, event=folder, limits=few) for folder in ("/tmp", "/dev/shm")]:
        outcome = worker.end_of(job)
        assert (outcome.status, outcome.reason) == (Status.FAILED, Reason.MEMORY)
        assert outcome.error
        assert outcome.error.message.startswith("It made more than 100 files in /tmp")
        assert "limits.max_scratch_files" in (outcome.error.hint or "")


def test_daemons_end_with_their_run(worker: Worker) -> None:
    source = """import { spawn } from 'node:child_process'
    export default async () => {
        const program = 'setInterval(() => {}, 1000)'
        const daemon = spawn(process.execPath, ['-e', program], { detached: true, stdio: 'ignore' })
        daemon.unref()
        console.log('started')
        await new Promise((done) => setTimeout(done, 1500))
    }"""
    job = worker.submit(source, limits=Limits(timeout_s=20, child_processes=True))
    pid = worker.start_of(job)
    everybody = family_of(pid, 3)  # process 1, Node.js, the daemon
    assert worker.end_of(job).status is Status.SUCCEEDED
    assert not [pid for pid in everybody if alive(pid)]


def test_several_jobs_run_side_by_side(worker: Worker) -> None:
    start = time.monotonic()
    source = "export default async (e) => { await new Promise((d) => setTimeout(d, 1000)); return e }"
    jobs = [worker.submit(source, event=number) for number in range(4)]
    assert [worker.end_of(job).result for job in jobs] == ["0", "1", "2", "3"]
    assert seconds_since(start) < 3.9  # one after the other they would take more than four


def test_a_job_that_can_not_be_started_is_our_failure(worker: Worker) -> None:
    outcome = worker.run(worker.folder / "nowhere")
    assert (outcome.status, outcome.reason) == (Status.FAILED, Reason.INTERNAL)


def test_the_loading_of_a_module_is_a_job_too(worker: Worker) -> None:
    assert worker.run("export default () => 1", mode="load").status is Status.SUCCEEDED
    outcome = worker.run("import 'nodemailer'\nexport default () => 1", mode="load")
    assert (outcome.status, outcome.reason) == (Status.FAILED, Reason.LOAD)


def test_modules_are_found_beside_the_code(worker: Worker) -> None:
    modules = worker.folder / "installed" / "node_modules"
    (modules / "boat").mkdir(parents=True)
    (modules / "boat" / "package.json").write_text('{"name": "boat", "main": "boat.js"}')
    (modules / "boat" / "boat.js").write_text("module.exports = 'a boat'")
    outcome = worker.run("import boat from 'boat'\nexport default () => boat", modules_dir=str(modules))
    assert outcome.result == '"a boat"'


def test_a_flood_of_announcements_does_not_hold_up_the_neighbours(worker: Worker) -> None:
    lies = """import fs from 'node:fs'
    export default () => { const lie = 'O 1\\nE 1\\n'.repeat(8000); for (;;) fs.writeSync(3, lie) }"""
    liar = worker.submit(lies, limits=Limits(timeout_s=3))
    worker.start_of(liar)
    assert worker.run("export default () => 'quick'").result == '"quick"'
    assert not worker.has_ended(liar)
    assert worker.end_of(liar).status is Status.TIMED_OUT


def test_nothing_is_left_of_jobs_that_are_stopped_while_they_start(own_worker: Worker) -> None:
    jobs = [own_worker.submit(WAITS) for _ in range(6)]
    for job in jobs:
        own_worker.order(type="stop", key=job.key, cause="cancel")
    assert {own_worker.end_of(job).status for job in jobs} == {Status.CANCELLED}
    wait_until(lambda: family(own_worker.keeper_pid) == {own_worker.keeper_pid}, deadline_s=5, what="a keeper alone")
