"""Jobs where user namespaces are refused: each has a user of its own, behind Landlock and filters of system calls."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import Reason, Status
from sandbox import slots
from tests.sandbox.harness import Worker, running_worker
from tests.waiting import wait_until

pytestmark = pytest.mark.root

REFUSED = (sys.executable, "-m", "tests.sandbox.refused")
FAMILY = Limits(timeout_s=20, child_processes=True, processes=40)
TRY = """import fs from 'node:fs'
const tried = (f) => { try { return f() ?? 'done' } catch (e) { return e.code } }
"""
CONNECT = """import { connect } from 'node:net'
export default (port) => new Promise((done) =>
  connect(port, '127.0.0.1').on('connect', () => done('open')).on('error', (e) => done(e.code)))"""


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker of a machine that refuses user namespaces."""
    folder = tmp_path_factory.mktemp("worker") / "data"
    with running_worker(folder, before=REFUSED, mode="landlock") as started:
        yield started


def answer(worker: Worker, body: str, **changes: Any) -> Any:
    """What `body`, an expression over event, gives inside."""
    outcome = worker.run(f"{TRY}export default async (event) => {body}", **changes)
    assert outcome.status is Status.SUCCEEDED, outcome
    return json.loads(outcome.result or "null")


def of_slots(worker: Worker) -> set[int]:
    """The living processes of a worker's slots, told from those of other services by their home."""
    everybody = {pid for uid in range(slots.FIRST_UID, slots.FIRST_UID + 8) for pid in slots.living(uid)}
    return {pid for pid in everybody if str(worker.folder).encode() in environment(pid)}


def environment(pid: int) -> bytes:
    """What a process was started with; nothing if it is gone."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def test_it_is_a_user_of_its_own_without_rights(worker: Worker) -> None:
    status = answer(worker, "fs.readFileSync('/proc/self/status', 'utf8')")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    (uid,) = set(fields["Uid"].split())
    assert int(uid) in range(slots.FIRST_UID, slots.FIRST_UID + slots.COUNT)
    assert fields["Groups"].strip() == ""
    assert {fields[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert (fields["NoNewPrivs"].strip(), fields["Seccomp"].strip()) == ("1", "2")
    assert fields["Seccomp_filters"].strip() == "3"


def test_the_worker_keeps_no_right(worker: Worker) -> None:
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    assert f"CapEff:\t{0:016x}" in status
    assert f"CapPrm:\t{0:016x}" in status


def test_two_at_a_time_are_two_users_who_see_nothing_of_each_other(worker: Worker) -> None:
    waits = (
        TRY
        + """import os from 'node:os'
fs.writeFileSync(os.tmpdir() + '/mine', 'x')
export default () => new Promise((done) => { console.log(os.tmpdir()); setTimeout(done, 1500, process.getuid()) })"""
    )
    first = worker.submit(waits, env={"KEY": "hush"})
    pid = worker.start_of(first)
    wait_until(lambda: worker.text(first), deadline_s=10, what="the path of its folder")
    looks = """[process.getuid(), ...[`/proc/${event.pid}/environ`, event.path, event.path + '/mine']
      .map((path) => tried(() => fs.readFileSync(path, 'utf8'))), tried(() => process.kill(event.pid, 0))]"""
    uid, *seen = answer(worker, looks, event={"pid": pid, "path": worker.text(first).strip()})
    assert set(seen) <= {"EACCES", "EPERM"}
    assert worker.end_of(first).result not in (None, str(uid))


def test_files_of_the_service_and_the_machine_are_closed(worker: Worker) -> None:
    planted = worker.folder / "state" / "planted"
    planted.write_text("x")
    planted.chmod(0o644)
    places = [str(planted), "/etc/passwd", "/etc/hostname", "/proc/1/cmdline", "/proc/version_signature", "/var/log"]
    assert set(answer(worker, "event.map((p) => tried(() => fs.readFileSync(p)))", event=places)) <= {
        "EACCES",
        "ENOENT",
    }
    assert answer(worker, "['/', '/home', '/tmp'].map((p) => tried(() => fs.readdirSync(p)))") == ["EACCES"] * 3
    written = "['/tmp/x', '/x', '/dev/shm/x', './x', 'index.mjs'].map((p) => tried(() => fs.writeFileSync(p, 'x')))"
    assert set(answer(worker, written)) <= {"EACCES", "EROFS"}


def test_what_a_run_leaves_behind_is_gone(worker: Worker) -> None:
    leaves = (
        TRY
        + """import { spawn } from 'node:child_process'
import os from 'node:os'
export default async () => {
  fs.mkdirSync(os.tmpdir() + '/a/b', { recursive: true, mode: 0o700 })
  fs.writeFileSync(os.tmpdir() + '/a/b/c', 'x', { mode: 0 })
  fs.chmodSync(os.tmpdir() + '/a', 0)
  const child = "require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 9e3)'], " +
    "{ detached: true, stdio: 'ignore' }).unref()"
  spawn(process.execPath, ['-e', child], { detached: true, stdio: 'inherit' })
  await new Promise((done) => setTimeout(done, 400))
}"""
    )
    assert worker.run(leaves, limits=FAMILY).status is Status.SUCCEEDED
    assert of_slots(worker) == set()
    wait_until(lambda: not list((worker.folder / "state" / "scratch").iterdir()), deadline_s=10, what="an empty folder")


def test_the_number_of_processes_is_limited(worker: Worker) -> None:
    bomb = """await new Promise(async (done) => {
      const { spawn } = await import('node:child_process')
      const start = () => spawn(process.execPath, ['-e', 'setTimeout(() => {}, 9e3)'])
      for (let i = 0; i < 60; i++) start().on('error', (e) => done(e.code))
      setTimeout(done, 3000, 'all started') })"""
    assert answer(worker, bomb, limits=FAMILY) == "EAGAIN"
    assert of_slots(worker) == set()


@pytest.mark.parametrize(
    ("writes", "message"),
    [
        ("for (let i = 0; ; i++) fs.writeFileSync(`${os.tmpdir()}/${i}`, '')", "more than 5,000 files"),
        (
            "for (let i = 0; ; i++) fs.writeFileSync(`${os.tmpdir()}/${i}`, Buffer.alloc(1 << 20, 'x'))",
            "more than 8 MB",
        ),
    ],
)
def test_its_scratch_space_is_limited(worker: Worker, writes: str, message: str) -> None:
    source = f"import fs from 'node:fs'\nimport os from 'node:os'\nexport default () => {{ {writes} }}"
    outcome = worker.run(source, limits=Limits(timeout_s=20, scratch_mb=8))
    assert outcome.reason is Reason.MEMORY
    assert outcome.error
    assert message in outcome.error.message


def test_without_network_there_is_none(worker: Worker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert json.loads(worker.run(CONNECT, event=server.getsockname()[1]).result or "") == "ENETUNREACH"
    unix = "await new Promise(async (d) => (await import('node:net')).connect('/run/x').on('error', (e) => d(e.code)))"
    assert answer(worker, unix) == "EACCES"


def test_a_network_of_its_own_is_refused_with_the_setting_that_gives_another(worker: Worker) -> None:
    outcome = worker.run("export default () => 1", network="outbound")
    assert outcome.reason is Reason.INTERNAL
    assert outcome.error
    assert 'sandbox.network = "host"' in outcome.error.message


def test_with_the_machines_network_it_reaches_the_loopback(tmp_path: Path) -> None:
    with (
        running_worker(tmp_path / "data", before=REFUSED, mode="landlock", network="host") as online,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        assert online.run(CONNECT, event=server.getsockname()[1], network="outbound").result == '"open"'
        assert online.run(CONNECT, event=server.getsockname()[1]).result == '"ENETUNREACH"'


def test_the_next_keeper_ends_what_a_killed_one_left(tmp_path: Path) -> None:
    stays = """import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
fs.mkdirSync(os.tmpdir() + '/a', { mode: 0o700 })
export default () => new Promise(() => {
  spawn(process.execPath, ['-e', 'setInterval(() => {}, 9e3)'], { detached: true, stdio: 'ignore' })
  console.log('up')
})"""
    with running_worker(tmp_path / "data", before=REFUSED, mode="landlock") as killed:
        job = killed.submit(stays, limits=FAMILY)
        killed.start_of(job)
        wait_until(lambda: killed.listen() and killed.text(job), deadline_s=20, what="its child")
        os.kill(killed.keeper_pid, signal.SIGKILL)
        wait_until(lambda: killed.listen() and killed.gone, deadline_s=10, what="the worker to see it")
    assert of_slots(killed)
    with running_worker(tmp_path / "data", before=REFUSED, mode="landlock") as following:
        assert following.run("export default () => 1", key="run-2-1").result == "1"
        assert of_slots(following) == set()
        assert list((tmp_path / "data" / "state" / "scratch").iterdir()) == []


def test_helpers_for_two_slots_do_not_end_each_other() -> None:
    program = """if True:
        import os, threading
        from sandbox import slots
        hold, answer = os.pipe(), os.pipe()
        def help_first():
            os.write(answer[1], b"begun ")
            os.read(hold[0], 1)
            os.write(answer[1], b"done")
        thread = threading.Thread(target=slots.run_as, args=(slots.FIRST_UID + 900, help_first))
        thread.start()
        said = os.read(answer[0], 99)
        slots.kill(slots.FIRST_UID + 901)
        os.write(hold[1], b"x")
        thread.join()
        os.write(answer[1], b".")
        print((said + os.read(answer[0], 99)).decode())
    """
    said = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True, timeout=20
    ).stdout
    assert said == "begun done.\n"
