"""The supervisor with real processes: ready, replaced, drained in order, and nothing left whatever happens."""

import itertools
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from hexasched.supervisor.ready import READY_FD, say_ready
from tests.waiting import wait_until

Start = Callable[..., subprocess.Popen[str]]
ROOT = Path(__file__).parents[2]
DEADLINE_S = 20


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """start("name:behaviour:rank:stop_s", …, patience={…}) runs a supervisor; everything is killed afterwards."""
    supervisors: list[subprocess.Popen[str]] = []

    def start_one(*specs: str, patience: dict[str, object] | None = None, notify: str = "") -> subprocess.Popen[str]:
        argv = [sys.executable, "-m", "tests.processes.supervised", str(tmp_path), json.dumps(patience or {}), *specs]
        env = {**os.environ, "NOTIFY_SOCKET": notify, "LEFT_OUT": "of the environment of children"}
        supervisor = subprocess.Popen(
            argv, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        supervisors.append(supervisor)
        return supervisor

    yield start_one
    for supervisor in supervisors:
        supervisor.kill()
    for process in left(tmp_path):
        process.kill()  # before the supervisor's output is read to its end: what is left holds that open
    for supervisor in supervisors:
        supervisor.communicate()


def left(folder: Path) -> list[psutil.Process]:
    """The processes that have `folder` as an argument: the supervisor and all that it started."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if str(folder) in (process.info["cmdline"] or []):
            found.append(process)
    return found


def ready(supervisor: subprocess.Popen[str]) -> None:
    assert supervisor.stdout is not None
    assert supervisor.stdout.readline() == "READY\n", supervisor.communicate()


def pid_of(folder: Path, name: str, *, other_than: int = 0) -> int:
    def read() -> int:
        try:
            pid = int((folder / f"{name}.pid").read_text())
        except (FileNotFoundError, ValueError):
            return 0
        return pid if pid != other_than else 0

    return wait_until(read, deadline_s=DEADLINE_S, what=f"the pid of {name}")


def stop(supervisor: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
    """Send the signal, wait for the end; what was said on stderr."""
    supervisor.send_signal(number)
    return supervisor.communicate(timeout=DEADLINE_S)[1]


def test_it_is_ready_when_every_child_has_said_so(start: Start, tmp_path: Path) -> None:
    supervisor = start("web:good:0:5", "worker:silent:1:5")
    pid_of(tmp_path, "web")
    pid_of(tmp_path, "worker")
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.communicate(timeout=DEADLINE_S)[0] == ""

    supervisor = start("web:good:0:5", "worker:good:1:5")
    ready(supervisor)
    stop(supervisor)
    assert supervisor.returncode == 0
    assert left(tmp_path) == []


def test_it_tells_systemd_when_it_is_ready_and_when_it_stops(start: Start, tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.settimeout(DEADLINE_S)
        supervisor = start("web:good:0:5", notify=address)
        assert systemd.recv(100) == b"READY=1"
        stop(supervisor)
        assert systemd.recv(100) == b"STOPPING=1"


def test_it_replaces_a_killed_child_within_a_second(start: Start, tmp_path: Path) -> None:
    supervisor = start("web:good:0:5", "worker:good:1:5")
    ready(supervisor)
    killed = pid_of(tmp_path, "worker")
    os.kill(killed, signal.SIGKILL)

    def replaced() -> bool:
        return any("worker" in process.info["cmdline"] and process.pid != killed for process in left(tmp_path))

    wait_until(replaced, deadline_s=1, what="another worker")
    pid_of(tmp_path, "worker", other_than=killed)
    assert "child=worker how=signal KILL" in stop(supervisor)


def test_it_waits_for_room_to_replace_a_child(start: Start, tmp_path: Path) -> None:
    supervisor = start("web:good:0:5", patience={"no_room": 0.1})
    ready(supervisor)
    first = pid_of(tmp_path, "web")
    limits = resource.prlimit(supervisor.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(supervisor.pid, resource.RLIMIT_NOFILE, (room_for_one_file(supervisor.pid), limits[1]))
    os.kill(first, signal.SIGKILL)
    assert supervisor.stderr is not None
    tries = (line for line in supervisor.stderr if "supervisor.not_started" in line)
    assert all("Too many open files" in next(tries) for _ in range(2))
    resource.prlimit(supervisor.pid, resource.RLIMIT_NOFILE, limits)
    pid_of(tmp_path, "web", other_than=first)
    stop(supervisor)
    assert supervisor.returncode == 0


def room_for_one_file(pid: int) -> int:
    """A limit under which one more file can be opened: enough to look, not enough for a pipe."""
    taken = {int(fd) for fd in open_files(pid)}
    return next(limit for limit in itertools.count() if len(set(range(limit)) - taken) == 1)


def test_a_child_has_neither_descriptors_nor_handlers_nor_a_mask_of_the_supervisor(
    start: Start, tmp_path: Path
) -> None:
    supervisor = start("web:good:0:5", "worker:good:1:5")
    ready(supervisor)
    killed = pid_of(tmp_path, "worker")
    os.kill(killed, signal.SIGKILL)
    again = pid_of(tmp_path, "worker", other_than=killed)
    assert str(tmp_path / "lock") in open_files(supervisor.pid).values()
    own = {signal.SIGTERM, signal.SIGALRM}  # those of the behaviour "good"
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in the background of a shell, and then of all below
        own.add(signal.SIGINT)
    for pid in (pid_of(tmp_path, "web"), again):
        # The restarted one notes its pid before it says that it is ready, and lets go of the pipe for that.
        wait_until(partial(has_three_files, pid), deadline_s=DEADLINE_S, what="the end of the ready pipe")
        found = open_files(pid)
        assert found == {0: os.devnull, 1: open_files(supervisor.pid)[1], 2: open_files(supervisor.pid)[2]}
        assert signals(pid, "SigCgt") == own
        assert signals(pid, "SigBlk") == set()
        assert os.getpgid(pid) == pid
    stop(supervisor)


def test_a_signal_that_is_to_be_ignored_is_ignored_by_a_child(start: Start, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        supervisor = start("web:good:0:5")
    finally:
        signal.signal(signal.SIGHUP, before)
    ready(supervisor)
    assert signal.SIGHUP in signals(pid_of(tmp_path, "web"), "SigIgn")
    stop(supervisor)


def test_a_child_has_the_command_line_of_its_own_and_the_environment_it_was_given(start: Start, tmp_path: Path) -> None:
    supervisor = start("worker:parent:0:5", patience={"orphan": 0.3})
    ready(supervisor)
    worker = psutil.Process(pid_of(tmp_path, "worker"))
    assert worker.cmdline() == [sys.executable, "-m", "tests.processes.child", str(tmp_path), "worker", "parent"]
    below = psutil.Process(pid_of(tmp_path, "worker-child")).environ()
    assert below["CHILD"] == "worker"
    assert "LEFT_OUT" not in below
    stop(supervisor)


def open_files(pid: int) -> dict[int, str]:
    return {int(entry.name): str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}


def has_three_files(pid: int) -> bool:
    return len(open_files(pid)) == 3


def signals(pid: int, field: str) -> set[int]:
    """Those in a bit field of /proc/PID/status; see proc(5)."""
    bits = int(Path(f"/proc/{pid}/status").read_text().partition(f"{field}:")[2].split()[0], 16)
    return {number for number in signal.valid_signals() if bits >> (number - 1) & 1}


def test_it_hears_of_a_death_although_whoever_started_it_ignored_such_news(start: Start, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        supervisor = start("web:good:0:5", "worker:good:1:5")
    finally:
        signal.signal(signal.SIGCHLD, before)
    ready(supervisor)
    killed = pid_of(tmp_path, "worker")
    os.kill(killed, signal.SIGKILL)
    pid_of(tmp_path, "worker", other_than=killed)
    assert "child=worker how=signal KILL" in stop(supervisor)


def test_it_gives_up_on_a_child_that_dies_five_times_in_a_row(start: Start, tmp_path: Path) -> None:
    supervisor = start("web:good:0:5", "worker:dying:1:5", patience={"restart_delays": [0, 0.05, 0.05, 0.05]})
    said = supervisor.communicate(timeout=DEADLINE_S)[1]
    assert supervisor.returncode == 1
    assert said.count("child=worker pid=") == 5
    assert "worker ended 5 times in a row soon after its start, the last time with exit status 7" in said
    assert (tmp_path / "stopped").read_text() == "web\n"
    assert left(tmp_path) == []


def test_it_stops_at_once_when_a_child_cannot_begin(start: Start, tmp_path: Path) -> None:
    supervisor = start("web:unable:0:5", "worker:good:1:5")
    said = supervisor.communicate(timeout=DEADLINE_S)[1]
    assert supervisor.returncode == 1
    assert said.count("child=web pid=") == 1
    assert said.endswith("web could not start; why is in the lines above.\n")
    assert left(tmp_path) == []


def test_it_tries_a_child_again_whose_trouble_may_pass(start: Start, tmp_path: Path) -> None:
    supervisor = start("web:good:0:5", "worker:unlucky:1:5")
    ready(supervisor)
    assert "child=worker how=exit status 75" in stop(supervisor)
    assert supervisor.returncode == 0


def test_it_kills_and_replaces_a_child_that_never_gets_ready(start: Start, tmp_path: Path) -> None:
    supervisor = start("web:silent:0:5", patience={"start": 0.5})
    hung = pid_of(tmp_path, "web")
    pid_of(tmp_path, "web", other_than=hung)
    assert "supervisor.never_ready child=web" in stop(supervisor)


def test_it_drains_rank_after_rank(start: Start, tmp_path: Path) -> None:
    supervisor = start("worker:good:3:5", "web:slow:0:5", "notifier:good:2:5", "scheduler:slow:1:5")
    ready(supervisor)
    stop(supervisor)
    assert (tmp_path / "stopped").read_text().split() == ["web", "scheduler", "notifier", "worker"]
    assert supervisor.returncode == 0


def test_it_kills_a_child_that_does_not_stop_in_its_time(start: Start, tmp_path: Path) -> None:
    supervisor = start("web:stubborn:0:0.3", "worker:good:1:5")
    ready(supervisor)
    assert "supervisor.killed child=web" in stop(supervisor)
    assert (tmp_path / "stopped").read_text() == "worker\n"
    assert left(tmp_path) == []


def test_it_stops_at_once_at_a_second_signal(start: Start, tmp_path: Path) -> None:
    supervisor = start("worker:stubborn:0:3600", patience={"same_wish": 0.0})
    ready(supervisor)
    supervisor.send_signal(signal.SIGTERM)
    wait_until((tmp_path / "worker.told").exists, deadline_s=DEADLINE_S, what="the first signal to be acted on")
    stop(supervisor)  # not SIGINT: where tests run in the background of a shell, that is ignored
    assert left(tmp_path) == []


def test_it_takes_two_signals_in_one_moment_for_one(start: Start, tmp_path: Path) -> None:
    supervisor = start("worker:slow:0:30")
    ready(supervisor)
    supervisor.send_signal(signal.SIGTERM)
    supervisor.send_signal(signal.SIGINT)
    supervisor.communicate(timeout=DEADLINE_S)
    assert (tmp_path / "stopped").read_text() == "worker\n"


def test_it_leaves_no_child_when_it_is_killed(start: Start, tmp_path: Path) -> None:
    supervisor = start("web:stubborn:0:5", "worker:good:1:5")
    ready(supervisor)
    supervisor.kill()
    supervisor.communicate(timeout=DEADLINE_S)
    wait_until(lambda: not left(tmp_path), deadline_s=DEADLINE_S, what="the end of all children")


def test_it_leaves_nothing_that_a_killed_child_had_started(start: Start, tmp_path: Path) -> None:
    supervisor = start("worker:parent:0:5", patience={"orphan": 0.3})
    ready(supervisor)
    orphan = psutil.Process(pid_of(tmp_path, "worker-child"))
    os.kill(pid_of(tmp_path, "worker"), signal.SIGKILL)
    wait_until(lambda: not orphan.is_running(), deadline_s=DEADLINE_S, what="the orphan's end")
    stop(supervisor)
    assert left(tmp_path) == []


def test_it_leaves_nothing_that_a_stopped_child_had_started(start: Start, tmp_path: Path) -> None:
    supervisor = start("worker:parent:0:5", patience={"orphan": 0.3})
    ready(supervisor)
    pid_of(tmp_path, "worker-child")
    assert "supervisor.orphan_killed" in stop(supervisor)
    assert left(tmp_path) == []


def test_it_leaves_no_zombie_of_a_stranger(start: Start, tmp_path: Path) -> None:
    supervisor = start("worker:forker:0:5")
    ready(supervisor)
    stranger = pid_of(tmp_path, "worker-child")
    wait_until(lambda: not psutil.pid_exists(stranger), deadline_s=DEADLINE_S, what="the reaping")
    stop(supervisor)


def test_a_process_without_a_supervisor_tells_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(READY_FD, raising=False)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(DEADLINE_S)
        say_ready()
        assert systemd.recv(64) == b"READY=1"
    assert "NOTIFY_SOCKET" not in os.environ
