"""Whoever dies or freezes, nothing of a run is left, and its output is kept."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import Reason, Status
from sandbox import proc
from sandbox.client import Keeper, KeeperGoneError
from sandbox.jobs import SandboxSettings
from sandbox.launch import ARGS_FD, INSIDE_NODE
from tests.sandbox.harness import Worker, alive, family, family_of, running_worker, seconds_since
from tests.sandbox.mutated_keeper import QUICK_END, workspace
from tests.waiting import wait_until

WAITS = "export default () => { console.log('up'); return new Promise(() => setInterval(() => {}, 1000)) }"
# More than the head of the log: the rest is only in the keeper's memory until the end.
WRITES_MUCH = """export default () => {
    for (let i = 0; i < 20000; i++) console.log(`${i} `.padEnd(99, 'x'))
    console.log('all written')
    return new Promise(() => setInterval(() => {}, 1000))
}"""


def started(worker: Worker, source: str = WAITS) -> set[int]:
    """Start a run of that source, and wait until its code runs; its processes and the keeper."""
    job = worker.submit(source)
    worker.start_of(job)
    wait_until(lambda: worker.records(job), deadline_s=10, what="the first output")
    everybody = family(worker.keeper_pid)
    assert len(everybody) >= 4  # keeper, bubblewrap, process 1 of the namespace, Node.js
    return everybody


def assert_all_end(pids: set[int], deadline_s: float = 10) -> None:
    """Wait until none of these processes is left."""
    wait_until(lambda: not [pid for pid in pids if alive(pid)], deadline_s=deadline_s, what=f"the end of {pids}")


def test_a_killed_worker_leaves_nothing_but_the_whole_output(own_worker: Worker) -> None:
    job = own_worker.submit(WRITES_MUCH)
    own_worker.start_of(job)
    # The first MiB is kept at once, less the record that does not fit any more.
    wait_until(lambda: sum(own_worker.sizes(job)[-1:]) > 900_000, deadline_s=10, what="most of a megabyte of output")
    everybody = family(own_worker.keeper_pid)
    own_worker.process.kill()
    assert_all_end(everybody)
    lines = own_worker.text(job, "o").splitlines()
    assert [line.split()[0] for line in lines[:-1]] == [str(number) for number in range(20000)][: len(lines) - 1]
    assert len(lines) > 10_000
    assert own_worker.text(job, "s") == "The service's worker is gone; the function was killed.\n"


def test_a_killed_keeper_leaves_nothing(own_worker: Worker) -> None:
    everybody = started(own_worker)
    os.kill(own_worker.keeper_pid, signal.SIGKILL)
    assert_all_end(everybody)
    wait_until(lambda: own_worker.listen() and own_worker.gone, deadline_s=5, what="the worker's notice")


def unfinished(uid: int) -> int:
    """Process 1 of a sandbox of that user, whose bubblewrap was killed before it told it to go on."""
    arguments = os.memfd_create("arguments", 0)
    os.write(arguments, b"--unshare-user\0--unshare-pid\0--info-fd\0" + b"2\0--userns-block-fd\0" + b"0\0")
    command = f"exec bwrap --args {ARGS_FD} -- {INSIDE_NODE} {ARGS_FD}</proc/self/fd/{arguments}"
    user = uid if os.geteuid() == 0 else None
    bubblewrap = subprocess.Popen(["sh", "-c", command], stdin=subprocess.PIPE, pass_fds=[arguments], user=user)
    os.close(arguments)
    wait_until(lambda: proc.children(bubblewrap.pid), deadline_s=10, what="the process in the namespace")
    (first,) = proc.children(bubblewrap.pid)
    bubblewrap.kill()
    bubblewrap.communicate()
    assert alive(first)
    return first


def test_the_next_keeper_ends_what_waits_for_a_bubblewrap_that_was_killed(own_worker: Worker, tmp_path: Path) -> None:
    everybody = started(own_worker)
    orphan = unfinished(own_worker.uid)
    with running_worker(tmp_path / "next"):
        assert_all_end({orphan})
        assert all(alive(pid) for pid in everybody)


def test_a_name_that_is_no_text_keeps_no_keeper_from_starting(own_worker: Worker, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while os.write(writing, bytes(4096)):
            pass
    os.set_blocking(writing, True)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        named = shutil.copy(os.fsencode(shutil.which("echo") or ""), os.fsencode(folder) + b"/\xff")
        looks_like_it = ["bwrap", "--args", str(ARGS_FD), "--", INSIDE_NODE]
        user = own_worker.uid if os.geteuid() == 0 else None
        # It waits: nobody reads what it writes.
        neighbour = subprocess.Popen(looks_like_it, executable=named, stdout=writing, user=user)
        with neighbour:
            try:
                with running_worker(tmp_path / "next") as following:
                    assert following.run("export default () => 1").ok
                    assert neighbour.poll() is None
            finally:
                neighbour.kill()
    os.close(reading)
    os.close(writing)


def test_a_frozen_worker_loses_its_runs_when_the_lease_ends(tmp_path: Path) -> None:
    with running_worker(tmp_path / "data", lease_s=1.0) as worker:
        everybody = started(worker)
        frozen_at = time.monotonic()
        worker.process.send_signal(signal.SIGSTOP)
        assert_all_end(everybody, deadline_s=5)
        assert seconds_since(frozen_at) > 0.6
        assert worker.process.wait(10) == -signal.SIGKILL, "it would keep its place for nothing"


def test_a_worker_that_does_not_beat_loses_its_runs(tmp_path: Path) -> None:
    with running_worker(tmp_path / "data", lease_s=1.0) as worker:
        job = worker.submit(WAITS)
        worker.start_of(job)
        worker.order(type="mute")
        outcome = worker.end_of(job, deadline_s=5)
        assert (outcome.status, outcome.reason) == (Status.LOST, Reason.WORKER_GONE)
        wait_until(lambda: not alive(worker.keeper_pid), deadline_s=5, what="the end of the keeper")


def test_a_worker_that_beats_keeps_its_runs_longer_than_the_lease(tmp_path: Path) -> None:
    with running_worker(tmp_path / "data", lease_s=1.0) as worker:
        source = "export default () => new Promise((done) => setTimeout(done, 2500))"
        assert worker.run(source).status is Status.SUCCEEDED


def test_a_keeper_that_is_held_up_for_a_lease_does_not_blame_the_worker(tmp_path: Path) -> None:
    with running_worker(tmp_path / "data", lease_s=1.0, keeper="tests.sandbox.mutated_keeper") as worker:
        other = worker.submit(WAITS)
        worker.start_of(other)
        job = worker.submit("export default () => 1", workspace=workspace(QUICK_END))
        assert worker.end_of(job).status is Status.SUCCEEDED
        worker.order(type="stop", key=other.key, cause="cancel")
        assert worker.end_of(other).reason is Reason.USER


def test_signals_to_the_keeper_change_nothing(own_worker: Worker) -> None:
    job = own_worker.submit("export default () => new Promise((done) => setTimeout(done, 1000))")
    own_worker.start_of(job)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(own_worker.keeper_pid, number)
    assert own_worker.end_of(job).status is Status.SUCCEEDED


def test_the_orderly_end_of_a_worker_ends_its_runs(tmp_path: Path) -> None:
    with running_worker(tmp_path / "data") as worker:
        everybody = started(worker)
    assert_all_end(everybody)


def test_a_run_ends_as_killed_when_its_sandbox_is_killed_from_outside(own_worker: Worker) -> None:
    job = own_worker.submit(WAITS)
    os.kill(own_worker.start_of(job), signal.SIGKILL)
    outcome = own_worker.end_of(job)
    assert (outcome.status, outcome.reason, outcome.signal) == (Status.FAILED, Reason.SIGNAL, 9)


def test_a_stopped_sandbox_still_meets_its_deadline(own_worker: Worker) -> None:
    job = own_worker.submit(WAITS, limits=Limits(timeout_s=1))
    for pid in family(own_worker.start_of(job)):
        os.kill(pid, signal.SIGSTOP)
    assert own_worker.end_of(job).status is Status.TIMED_OUT


def test_without_a_sandbox_nothing_is_left_either(tmp_path: Path) -> None:
    source = """import { spawn } from 'node:child_process'
    export default () => {
        spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
        spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true })
        console.log('up')
        return new Promise(() => {})
    }"""
    with running_worker(tmp_path / "data", mode="none") as worker:
        job = worker.submit(source)
        pid = worker.start_of(job)
        everybody = family_of(pid, 3)
        assert worker.run("export default () => 'a second run'").result == '"a second run"'
        worker.order(type="stop", key=job.key, cause="cancel")
        assert worker.end_of(job).reason is Reason.USER
        assert not list((worker.folder / "state" / "scratch").iterdir())
    assert_all_end(everybody)


def test_without_a_sandbox_a_killed_keeper_takes_its_run_with_it(tmp_path: Path) -> None:
    with running_worker(tmp_path / "data", mode="none") as worker:
        job = worker.submit(WAITS)
        pid = worker.start_of(job)
        wait_until(lambda: worker.records(job), deadline_s=10, what="the first output")
        os.kill(worker.keeper_pid, signal.SIGKILL)
        assert_all_end({pid})


def test_a_keeper_that_dies_before_it_has_its_settings_is_missed_at_the_next_word(tmp_path: Path) -> None:
    """Whoever starts a keeper has it in hand then, and can clean up after it."""
    endless = "x" * 1_000_000  # more than a socket holds: the settings are still on their way when the keeper is gone
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "executable", shutil.which("false"))
        keeper = Keeper.start(SandboxSettings(mode="bubblewrap", state_dir=str(tmp_path / endless)))
    with pytest.raises(KeeperGoneError):
        keeper.beat()
    keeper.close()
