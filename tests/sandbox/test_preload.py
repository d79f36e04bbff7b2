"""Modules that are loaded before there is a run: whose output that is, and what happens where it fails."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import Reason
from sandbox import proc
from sandbox.jobs import Job, NotPreloaded
from tests.sandbox.harness import Worker, alive, family, running_worker, runtime
from tests.sandbox.test_reuse import COSTLY, FLOOD, REFUSED, THREAD
from tests.sandbox.test_warm import ready
from tests.waiting import wait_until

EAGER = """console.log('loading', process.env.KEY); const began = Date.now();
process.env.CHANGED = 'yes'; setInterval(() => console.log('late'), 1).unref();
export default (event) => { console.log('running', event); return [Date.now() - began, process.env.KEY ?? null,
    process.env.CHANGED ?? null] }"""
VARIABLES: dict[str, Any] = {"env": {"KEY": "s3cret!"}, "secrets": ("KEY",), "environment": "a"}


@pytest.fixture(params=["bubblewrap", pytest.param("landlock", marks=pytest.mark.root)])
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Worker]:
    """A worker for one test: what waits in it is counted."""
    walls = request.param
    with running_worker(tmp_path / "data", before=REFUSED if walls == "landlock" else (), mode=walls) as started:
        yield started


def template(worker: Worker, source: str, *, reuse: bool = False, **changes: Any) -> Job:
    job = Job(
        key="version-7",
        mode="run",
        runtime=runtime(),
        code_dir=str(worker.write({"index.mjs": source})),
        handler="index.mjs",
        limits=Limits(timeout_s=20, preload=True, reuse=reuse),
        workspace="boats",
        network="none",
    )
    return replace(job, **VARIABLES | changes)


def want(worker: Worker, *templates: Job) -> None:
    worker.order(type="warm", room=2, jobs=[asdict(one) for one in templates])


def loaded(worker: Worker) -> set[int]:
    """The processes that wait and have said something in loading: it lies beside the runs' output."""
    return ready(worker) if any(path.stat().st_size for path in spools(worker)) else set()


def spools(worker: Worker) -> list[Path]:
    return list((worker.folder / "state" / "spool").glob("warm-*.log"))


def submit(worker: Worker, wanted: Job, **changes: Any) -> Job:
    return worker.submit(Path(wanted.code_dir), limits=wanted.limits, **VARIABLES | changes)


def refusals(worker: Worker) -> list[NotPreloaded]:
    worker.listen()
    return [one for one in worker.said if isinstance(one, NotPreloaded)]


def test_a_run_finds_its_module_loaded_and_has_its_output(worker: Worker) -> None:
    wanted = template(worker, EAGER)
    want(worker, wanted)
    [waiting] = wait_until(lambda: loaded(worker), deadline_s=20, what="a loaded process") or set()
    job = submit(worker, wanted, event="one")
    outcome = worker.end_of(job)
    _, key, changed = json.loads(outcome.result or "")
    assert (key, changed) == ("***", None)
    lines = worker.text(job).splitlines()
    assert [line for line in lines if line != "late"] == ["loading ***", "running one"]
    assert lines[0] == "loading ***"
    assert not alive(waiting)
    assert outcome.warnings == ()
    again = wait_until(lambda: loaded(worker), deadline_s=20, what="the next one")
    assert waiting not in again
    want(worker)
    wait_until(lambda: not spools(worker), deadline_s=10, what="the end of its output")


def test_a_secret_that_begins_in_loading_and_ends_in_the_run_is_masked(own_worker: Worker) -> None:
    source = """process.stdout.write('key: s3c'); export default () => { process.stdout.write('ret!\\n') }"""
    wanted = template(own_worker, source)
    want(own_worker, wanted)
    wait_until(lambda: loaded(own_worker), deadline_s=20, what="a loaded process")
    job = submit(own_worker, wanted)
    assert own_worker.end_of(job).ok
    assert own_worker.text(job) == "key: ***\n"


def test_with_other_variables_it_begins_anew(worker: Worker) -> None:
    wanted = template(worker, EAGER)
    want(worker, wanted)
    wait_until(lambda: loaded(worker), deadline_s=20, what="a loaded process")
    job = submit(worker, wanted, env={"KEY": "changed!"}, environment="b", event="one")
    assert json.loads(worker.end_of(job).result or "")[1] == "***"
    assert worker.text(job).count("loading") == 1
    assert loaded(worker)


def test_loaded_ahead_and_reused(worker: Worker) -> None:
    source = "let count = 0; console.log('loading'); export default () => { return ++count }"
    wanted = template(worker, source, reuse=True)
    want(worker, wanted)
    wait_until(lambda: loaded(worker), deadline_s=20, what="a loaded process")
    first = submit(worker, wanted)
    assert worker.end_of(first).result == "1"
    second = submit(worker, wanted)
    assert worker.end_of(second).result == "2"
    assert (worker.text(first), worker.text(second)) == ("loading\n", "")


def test_a_variable_that_loading_misses_is_named_by_the_run(worker: Worker) -> None:
    source = "const key = process.env.ABSENT; console.log('!'); export default () => { throw new Error(`no ${key}`) }"
    wanted = template(worker, source)
    want(worker, wanted)
    wait_until(lambda: loaded(worker), deadline_s=20, what="a loaded process")
    outcome = worker.end_of(submit(worker, wanted))
    assert (outcome.reason, outcome.env_missing) == (Reason.ENV_MISSING, ("ABSENT",))


def test_what_fails_is_told_once_and_runs_go_on_cold(worker: Worker) -> None:
    source = "if (!process.env.GOOD) throw new Error(`not today, ${process.env.KEY}`); export default () => 1"
    wanted = template(worker, source)
    want(worker, wanted)
    wait_until(lambda: refusals(worker), deadline_s=20, what="the refusal")
    [refusal] = refusals(worker)
    assert (refusal.key, refusal.why) == ("version-7", "not today, ***")
    wait_until(lambda: len(family(worker.keeper_pid)) == 1, deadline_s=10, what="its end")
    job = submit(worker, wanted, env={"GOOD": "1"}, secrets=())
    assert worker.end_of(job).result == "1"
    assert len(refusals(worker)) == 1
    assert not spools(worker)


def test_what_it_has_said_may_be_lost_and_nothing_else(own_worker: Worker) -> None:
    wanted = template(own_worker, "console.log('loading'); export default () => 1")
    want(own_worker, wanted)
    wait_until(lambda: loaded(own_worker), deadline_s=20, what="a loaded process")
    for path in spools(own_worker):
        path.unlink()
    job = submit(own_worker, wanted)
    assert own_worker.end_of(job).result == "1"
    assert own_worker.text(job) == ""


def test_where_its_output_can_not_be_kept_it_is_not_tried_again_at_once(own_worker: Worker) -> None:
    spool, aside = (own_worker.folder / "state" / name for name in ("spool", "aside"))
    wait_until(spool.exists, deadline_s=10, what="its folder")
    spool.rename(aside)
    seen: set[int] = set()

    def gone() -> bool:
        now = family(own_worker.keeper_pid)
        seen.update(now)
        return len(seen) > 2 and len(now) == 1

    want(own_worker, template(own_worker, "export default () => 1"))
    wait_until(gone, deadline_s=20, what="the end of the first")
    aside.rename(spool)
    assert own_worker.run("export default () => 2").result == "2"
    assert len(family(own_worker.keeper_pid)) == 1


def test_what_holds_more_takes_more_of_the_room(own_worker: Worker) -> None:
    def holding(megabytes: int) -> Job:
        source = f"globalThis.held = Buffer.alloc({megabytes} << 20, 1); console.log('!'); export default () => 1"
        return replace(template(own_worker, source), key=f"of-{megabytes}")

    of_80 = asdict(holding(80))
    own_worker.order(type="warm", room=4, jobs=[asdict(holding(240)), of_80, of_80, asdict(holding(1))])
    wait_until(lambda: refusals(own_worker), deadline_s=20, what="the refusal")
    assert re.fullmatch(
        r"It holds 2[4-6]\d MB with its module loaded; workers.warm_mb has room for 192 MB.",
        refusals(own_worker)[0].why,
    )

    def held() -> list[int]:
        return [proc.usage(pid).held >> 20 for pid in ready(own_worker)]

    wait_until(lambda: len(held()) == 2 and min(held()) >= 80, deadline_s=20, what="two of 80 MB and no other")


def test_no_more_wait_for_another_run_than_the_wanted_leave_room_for(own_worker: Worker) -> None:
    reused = template(own_worker, "export default () => 1", limits=Limits(timeout_s=20, reuse=True))
    others = [template(own_worker, "export default () => 1", limits=Limits(timeout_s=20)) for _ in range(3)]
    own_worker.order(type="warm", room=4, jobs=[asdict(one) for one in (reused, *others)])
    wait_until(lambda: len(ready(own_worker)) == 4, deadline_s=20, what="all of them")
    jobs = [submit(own_worker, one) for one in [*others, *[reused] * 6]]
    used = {pid for job in jobs for pid in proc.tree(own_worker.start_of(job))}
    assert all(own_worker.end_of(job).ok for job in jobs)
    wait_until(lambda: len(ready(own_worker) - used) >= 3, deadline_s=20, what="one for each of the others")
    assert len(ready(own_worker)) <= 4


def test_why_it_fails_is_told_in_one_plain_line(own_worker: Worker) -> None:
    source = r"throw new Error('\n \x1b[31mred\x07 \u202e' + 'long '.repeat(200) + '\nmore'); export default () => 1"
    want(own_worker, template(own_worker, source))
    wait_until(lambda: refusals(own_worker), deadline_s=20, what="the refusal")
    why = refusals(own_worker)[0].why
    assert why.startswith("\ufffd[31mred\ufffd \ufffdlong long")
    assert why.isprintable()
    assert 290 <= len(why) <= 300


def test_a_module_that_never_loads_is_given_up(own_worker: Worker) -> None:
    hangs = """if (!process.env.GOOD) {
        process.on('SIGTERM', () => process.exit(1)); await new Promise(() => setInterval(() => {}, 9000)) }
        export default () => 1"""
    limits = Limits(timeout_s=2, preload=True)
    wanted = template(own_worker, hangs, limits=limits)
    want(own_worker, wanted)
    wait_until(lambda: len(family(own_worker.keeper_pid)) > 2, deadline_s=10, what="its start")
    # Meanwhile nobody waits for it.
    job = submit(own_worker, wanted, env={"GOOD": "1"})
    assert own_worker.end_of(job).result == "1"
    assert not refusals(own_worker)
    wait_until(lambda: refusals(own_worker), deadline_s=25, what="the refusal", every_s=0.1)
    assert refusals(own_worker)[0].why == "Loading the module took longer than 2 s."
    wait_until(lambda: len(family(own_worker.keeper_pid)) == 1, deadline_s=10, what="its end")


def test_one_that_leaves_a_worker_thread_is_not_tried_again(own_worker: Worker) -> None:
    source = """import { Worker } from 'node:worker_threads';
    new Worker('setInterval(() => {}, 5)', { eval: true }).unref(); export default () => 1"""
    want(own_worker, template(own_worker, source))
    wait_until(lambda: refusals(own_worker), deadline_s=20, what="the refusal")
    assert "worker thread" in refusals(own_worker)[0].why


def test_one_that_does_not_stand_still_is_not_tried_again(own_worker: Worker) -> None:
    source = (
        THREAD
        + """start("setInterval(() => require('node:fs').writeSync(1, 'busy'), 50)");
    await new Promise((done) => setTimeout(done, 200)); export default () => 1"""
    )
    want(own_worker, template(own_worker, source))
    wait_until(lambda: refusals(own_worker), deadline_s=20, what="the refusal")
    assert refusals(own_worker)[0].why == "It did not stand still when its module was loaded."
    wait_until(lambda: len(family(own_worker.keeper_pid)) == 1, deadline_s=10, what="its end")


def test_who_floods_beyond_its_loading_is_not_tried_again(worker: Worker) -> None:
    want(worker, template(worker, FLOOD + "await flood(); export default () => 1", **COSTLY))
    wait_until(lambda: refusals(worker), deadline_s=20, what="the refusal")
    assert refusals(worker)[0].why == "It did not stand still when its module was loaded."
