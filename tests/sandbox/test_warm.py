"""Processes that wait for their job: started ahead, used once, ended when they are no longer wanted."""

import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import Reason, Status
from sandbox import proc
from sandbox.jobs import Job
from tests.sandbox.harness import Worker, alive, family, running_worker, runtime
from tests.waiting import wait_until

SOURCE = "export default async (event, context) => ({ event, key: process.env.KEY, pid: process.pid, id: context.id })"


@pytest.fixture
def worker(own_worker: Worker) -> Iterator[Worker]:
    """A worker for one test: what waits in it is counted."""
    yield own_worker


def template(worker: Worker, source: str = SOURCE, **changes: object) -> Job:
    """A job to keep a process for."""
    folder = worker.write({"index.mjs": source})
    job = Job(
        key="template",
        mode="run",
        runtime=runtime(),
        code_dir=str(folder),
        handler="index.mjs",
        limits=Limits(timeout_s=20),
        workspace="boats",
        network="none",
    )
    return replace(job, **changes)  # type: ignore[arg-type]


def keep_warm(worker: Worker, *jobs: Job) -> set[int]:
    """Ask for these and wait until they are ready; the first processes of their namespaces."""
    worker.order(type="warm", jobs=[asdict(job) for job in jobs])
    wait_until(lambda: len(ready(worker)) == len(jobs), deadline_s=20, what=f"{len(jobs)} processes that wait")
    return ready(worker)


def ready(worker: Worker) -> set[int]:
    """The Node.js processes under the keeper that wait for what to do: they sleep in a read of their control pipe."""
    return {pid for pid in family(worker.keeper_pid) if _waits(pid)}


def _waits(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        is_node = words[0].endswith(b"node") and any(word.endswith(b"bootstrap.cjs") for word in words)
        return is_node and "pipe_read" in Path(f"/proc/{pid}/wchan").read_text()
    except (OSError, IndexError):
        return False


def submit(worker: Worker, job: Job, **changes: Any) -> Job:
    return worker.submit(Path(job.code_dir), limits=job.limits, **changes)


def test_a_job_gets_the_process_that_waits_and_another_takes_its_place(worker: Worker) -> None:
    wanted = template(worker)
    [waiting] = keep_warm(worker, wanted)
    job = submit(worker, wanted, event={"a": 1}, env={"KEY": "s3cret"}, secrets=("KEY",), context={"id": "x"})
    outcome = worker.end_of(job)
    assert (outcome.status, outcome.reason) == (Status.SUCCEEDED, Reason.OK)
    assert outcome.result == '{"event":{"a":1},"key":"***","pid":2,"id":"x"}'
    assert waiting in family_when_started(worker, job) or not alive(waiting)
    [following] = wait_until(lambda: ready(worker) - {waiting}, deadline_s=20, what="the next one") or set()
    assert following != waiting


def family_when_started(worker: Worker, job: Job) -> set[int]:
    return set(proc.tree(worker.start_of(job)))


def test_a_process_that_waits_was_there_before_its_job(worker: Worker) -> None:
    wanted = template(worker, "export default () => new Promise((done) => setTimeout(done, 800))")
    [waiting] = keep_warm(worker, wanted)
    job = submit(worker, wanted)
    assert waiting in family_when_started(worker, job)
    worker.end_of(job)
    wait_until(lambda: not alive(waiting), deadline_s=5, what="its end: it is used once")


@pytest.mark.parametrize("change", [{"limits": Limits(timeout_s=20, memory_mb=300)}, {"workspace": "other"}])
def test_a_job_that_differs_gets_a_process_of_its_own(worker: Worker, change: dict[str, Any]) -> None:
    wanted = template(worker)
    [waiting] = keep_warm(worker, wanted)
    job = worker.submit(Path(wanted.code_dir), **({"limits": wanted.limits} | change))
    assert waiting not in family_when_started(worker, job)
    assert worker.end_of(job).status is Status.SUCCEEDED
    assert alive(waiting)


def test_what_is_no_longer_wanted_ends(worker: Worker) -> None:
    one, other = template(worker), template(worker)
    both = keep_warm(worker, one, other)
    [left] = keep_warm(worker, other)
    assert left in both
    keep_warm(worker)
    assert submit(worker, one) and worker.end_of(submit(worker, one)).status is Status.SUCCEEDED


def test_several_of_a_kind_can_wait(worker: Worker) -> None:
    wanted = template(worker)
    assert len(keep_warm(worker, wanted, wanted, wanted)) == 3


def test_one_that_dies_is_replaced(worker: Worker) -> None:
    wanted = template(worker)
    [waiting] = keep_warm(worker, wanted)
    os.kill(waiting, signal.SIGKILL)
    wait_until(lambda: ready(worker) - {waiting}, deadline_s=20, what="another one")
    assert worker.end_of(submit(worker, wanted)).status is Status.SUCCEEDED


def test_limits_hold_for_what_has_waited(worker: Worker) -> None:
    fills = "export default () => { const kept = []; for (;;) kept.push(Buffer.alloc(1 << 20, 1)) }"
    greedy = template(worker, fills, limits=Limits(timeout_s=20, memory_mb=128))
    keep_warm(worker, greedy)
    assert worker.end_of(submit(worker, greedy)).reason is Reason.MEMORY
    slow = template(
        worker, "export default () => new Promise(() => setInterval(() => {}, 1000))", limits=Limits(timeout_s=1)
    )
    keep_warm(worker, slow)
    assert worker.end_of(submit(worker, slow)).reason is Reason.TIME


def test_nothing_that_waits_outlives_the_keeper(tmp_path: Path) -> None:
    with running_worker(tmp_path / "data") as worker:
        everybody = keep_warm(worker, template(worker)) | family(worker.keeper_pid)
    assert not [pid for pid in everybody if alive(pid)]
