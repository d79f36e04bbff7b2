"""What code inside the sandbox sees and can do, asked from inside."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import Reason, Status
from sandbox.jobs import SandboxSettings
from sandbox.launch import in_bubblewrap
from tests.sandbox.harness import Worker, runtime

TRY = """import fs from 'node:fs'
const tried = (action) => {
    try { return action() ?? 'done' } catch (error) { return error.code }
}
"""


def inside(worker: Worker, expression: str, **changes: Any) -> Any:
    """The value of a JavaScript expression (which may await, use fs, and `tried`) in the sandbox."""
    outcome = worker.run(TRY + f"export default async (event) => ({expression})", **changes)
    assert outcome.status is Status.SUCCEEDED, outcome.error
    return json.loads(outcome.result or "null")


def test_it_sees_only_what_it_needs(worker: Worker) -> None:
    assert inside(worker, "fs.readdirSync('/').sort()") == sorted(
        ["code", "dev", "etc", "lib", "lib64", "opt", "proc", "tmp", "usr"]
    )
    assert inside(worker, "fs.readdirSync('/etc').sort()") == [
        "group",
        "hosts",
        "nsswitch.conf",
        "passwd",
        "resolv.conf",
    ]
    assert inside(worker, "fs.readdirSync('/code')") == ["index.mjs"]
    assert inside(worker, "fs.readdirSync('/tmp')") == []


def test_its_environment_has_nothing_of_ours(worker: Worker) -> None:
    environment = inside(worker, "fs.readFileSync('/proc/self/environ', 'utf8').split('\\0').filter(Boolean).sort()")
    assert environment == ["HOME=/tmp", "LANG=C.UTF-8", "PATH=/opt/node/bin", "PWD=/code", "TMPDIR=/tmp", "TZ=UTC"]
    assert inside(worker, "fs.readFileSync('/proc/1/environ', 'utf8')") == ""


def test_its_arguments_and_those_of_bubblewrap_tell_nothing(worker: Worker) -> None:
    source = TRY + "export default async () => { await new Promise((d) => setTimeout(d, 700)); return 1 }"
    job = worker.submit(source, env={"API_KEY": "hush-hush"}, event="quiet-quiet")
    first = worker.start_of(job)
    parent = Path(f"/proc/{first}/stat").read_text().rpartition(")")[2].split()[1]
    for pid in (parent, first):
        seen = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
        assert b"hush-hush" not in seen
        assert b"quiet-quiet" not in seen
        assert b"--ro-bind" not in seen
    worker.end_of(job)


def test_it_is_nobody_without_rights(worker: Worker) -> None:
    status = inside(worker, "fs.readFileSync('/proc/self/status', 'utf8')")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == ["1000"] * 4
    assert fields["Groups"].strip() in ("", "65534")
    assert {fields[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert fields["NoNewPrivs"].strip() == "1"
    assert fields["Seccomp"].strip() == "2"
    assert inside(worker, "(await import('node:os')).userInfo().username") == "sandbox"


def test_it_sees_no_other_process(worker: Worker) -> None:
    assert inside(worker, "fs.readdirSync('/proc').filter((n) => /^[0-9]+$/.test(n)).sort()") == ["1", "2"]
    assert inside(worker, "tried(() => process.kill(1, 'SIGKILL'))") in ("done", True)  # process 1 ignores it
    assert inside(worker, "tried(() => process.kill(process.ppid + 100, 0))") == "ESRCH"


def test_it_inherits_no_descriptor_but_its_own(worker: Worker) -> None:
    links = "fs.readdirSync('/proc/self/fd').map((fd) => tried(() => fs.readlinkSync(`/proc/self/fd/${fd}`)))"
    kinds = {str(link).split(":")[0] for link in inside(worker, links)}
    assert kinds <= {"pipe", "anon_inode", "/dev/null", "ENOENT"}


def test_it_can_not_write_anywhere_but_in_its_scratch_space(worker: Worker) -> None:
    places = [
        "/code/x",
        "/code/index.mjs",
        "/etc/hosts",
        "/opt/x",
        "/usr/x",
        "/x",
        "/dev/x",
        "/opt/hexasched/bootstrap.cjs",
    ]
    answers = inside(worker, "event.map((place) => tried(() => fs.writeFileSync(place, 'x')))", event=places)
    assert set(answers) <= {"EROFS", "EACCES"}
    assert inside(worker, "tried(() => fs.writeFileSync('/proc/sys/kernel/hostname', 'x'))") in ("EROFS", "EACCES")
    assert inside(worker, "['/tmp/x', '/dev/shm/x'].map((p) => tried(() => fs.writeFileSync(p, 'x')))") == ["done"] * 2


def test_each_run_has_a_fresh_scratch_space(worker: Worker) -> None:
    leave = "tried(() => fs.writeFileSync('/tmp/left', 'x')) && fs.readdirSync('/tmp')"
    assert inside(worker, leave) == ["left"]
    assert inside(worker, "fs.readdirSync('/tmp')") == []


def test_its_scratch_space_is_limited(worker: Worker) -> None:
    write = "tried(() => { for (let i = 0; i < 20; i++) fs.appendFileSync('/tmp/x' + i, Buffer.alloc(1 << 20)) })"
    assert inside(worker, write, limits=Limits(timeout_s=20, scratch_mb=8)) == "ENOSPC"
    shared = "tried(() => { for (let i = 0; i < 20; i++) fs.appendFileSync('/dev/shm/x' + i, Buffer.alloc(1 << 20)) })"
    assert inside(worker, shared) == "ENOSPC"


def test_it_can_not_start_processes_unless_allowed(worker: Worker) -> None:
    spawn = "(await import('node:child_process')).spawnSync(process.execPath, ['-p', '6 * 7'])"
    assert inside(worker, f"{spawn}.error.code") == "EPERM"
    allowed = Limits(timeout_s=20, child_processes=True)
    assert inside(worker, f"{spawn}.stdout.toString()", limits=allowed) == "42\n"


def test_worker_threads_run_where_processes_are_allowed(worker: Worker) -> None:
    thread = """await new Promise((done) => import('node:worker_threads').then(({ Worker }) =>
        new Worker(event, { eval: true }).on('message', done)))"""
    program = "require('node:worker_threads').parentPort.postMessage('hello')"
    assert inside(worker, thread, event=program, limits=Limits(timeout_s=20, child_processes=True)) == "hello"


def test_the_limits_of_the_kernel_are_set(worker: Worker) -> None:
    text = inside(worker, "fs.readFileSync('/proc/self/limits', 'utf8')", limits=Limits(timeout_s=7, memory_mb=300))
    rows = {line[:26].strip(): line[26:].split()[:2] for line in text.splitlines()}
    assert rows["Max processes"] == ["64", "64"]
    assert rows["Max open files"] == ["256", "256"]
    assert rows["Max core file size"] == ["0", "0"]
    assert rows["Max file size"] == [str(64 * 1024**2)] * 2
    assert rows["Max cpu time"] == ["17", "17"]
    assert 300 * 1024**2 < int(rows["Max data size"][0]) < 1024 * 1024**2
    assert inside(worker, "fs.readFileSync('/proc/self/oom_score_adj', 'utf8')") == "1000\n"


def test_without_network_it_reaches_nobody(worker: Worker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connect = """await new Promise((done) => import('node:net').then(({ connect }) =>
            connect(event, '127.0.0.1').on('connect', () => done('open')).on('error', (e) => done(e.code))))"""
        assert inside(worker, connect, event=port) == "ECONNREFUSED"
    assert inside(worker, "Object.keys((await import('node:os')).networkInterfaces())") == ["lo"]


def test_a_debugger_can_not_be_switched_on(worker: Worker) -> None:
    asked = inside(
        worker, "process.kill(process.pid, 'SIGUSR1') && (await import('node:inspector')).url() === undefined"
    )
    assert asked is True


def test_the_old_runtime_runs_too(worker: Worker) -> None:
    assert inside(worker, "process.versions.node.split('.')[0]", runtime=runtime("node18")) == "18"


def test_a_folder_that_is_a_link_is_refused(worker: Worker) -> None:
    link = worker.folder / "code" / "link"
    link.symlink_to("/etc")
    assert worker.run(link).reason is Reason.INTERNAL
    modules = worker.run("export default () => 1", modules_dir=str(link))
    assert (modules.status, modules.reason) == (Status.FAILED, Reason.INTERNAL)


def test_a_link_among_the_code_brings_nothing_in(worker: Worker) -> None:
    folder = worker.write(
        {"index.mjs": TRY + "export default () => tried(() => fs.readFileSync('/code/link', 'utf8'))"}
    )
    (folder / "link").symlink_to("/etc/passwd")
    plain = worker.run(folder)
    assert "root:" not in (plain.result or "")
    modules = worker.folder / "code" / "node_modules"
    modules.mkdir()
    mounted = worker.run(folder, modules_dir=str(modules))
    assert mounted.result == '"ENOENT"'


@pytest.fixture
def etc(tmp_path: Path) -> Iterator[Path]:
    """A folder for /etc."""
    (tmp_path / "etc").mkdir()
    yield tmp_path / "etc"


def test_the_secrets_of_a_job_are_not_in_its_command(tmp_path: Path, etc: Path) -> None:
    from sandbox.jobs import Job

    job = Job(
        key="run-1-1",
        mode="run",
        runtime=runtime(),
        code_dir=str(tmp_path),
        handler="index.mjs",
        limits=Limits(),
        workspace="boats",
        env={"API_KEY": "hush-hush"},
        event="quiet-quiet",
    )
    launch = in_bubblewrap(job, SandboxSettings(mode="bubblewrap", state_dir=str(tmp_path)), etc, None)
    everything = repr(launch)
    assert "hush-hush" not in everything
    assert "quiet-quiet" not in everything
    assert launch.environ == {}
