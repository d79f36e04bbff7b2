"""From `hexasched serve` on an existing database to a service that is ready, and the memory that it then has."""

import tempfile
import time
from pathlib import Path

import psutil

from bench.figures import Figure, InvalidError, Measured, middle
from bench.person import Person
from bench.proof import SOURCE, newest, nonces, prove
from bench.rig import wait_until
from tests.processes.service import PASSWORD, Service

ROUNDS = 3
SETTINGS = {"WORKERS_WARM_MB": "0", "WORKERS_COUNT": "1"}
READY = "HexaSched is ready"
LOOK_S = 0.01
NETWORK_S = 120.0  # twice as long as one is kept


def measure() -> Measured:
    """Seconds, and MB as the sum of the proportional set sizes of all processes."""
    with tempfile.TemporaryDirectory() as name:
        service = Service(Path(name), **SETTINGS)
        _start_s(service)  # makes the database
        try:
            service.create_owner()
            service.deploy("hello", SOURCE, Path(name) / "source", "--offline")
            times = []
            for _ in range(ROUNDS):
                _stop(service)
                times.append(_start_s(service))
            memory = _used_mb(service)
            _stop(service)
        finally:
            if service.process is not None and service.process.poll() is None:
                service.kill_all()
    memory_figure = Figure(name="idle_pss_mb", value=sum(memory.values()), unit="MB")
    sizes = {"rounds": ROUNDS, "workers": 1, "warm_mb": 0, "mb_by_process": memory}
    return Measured(figures=[middle("start_s", times, "s"), memory_figure], sizes=sizes)


def _start_s(service: Service) -> float:
    """Until the line that says so is printed, and /readyz says 200."""
    told = service.log_path.read_text().count(READY) if service.log_path.exists() else 0
    start = time.perf_counter()
    service.launch()
    wait_until(lambda: service.log().count(READY) > told, 90, "the service's line", every_s=LOOK_S)
    wait_until(service.is_ready, 90, "a ready service", every_s=LOOK_S)
    return time.perf_counter() - start


def _stop(service: Service) -> None:
    status = service.stop()
    if status != 0 or service.leftovers():
        raise InvalidError(f"The service ended with {status} and left {service.leftovers()}.")


def _used_mb(service: Service) -> dict[str, float]:
    """By process, after every part of it did its work once: a page was opened, a function ran."""
    person = Person(service.port, PASSWORD)
    person.open("/runs")
    with service.open_database() as database:
        before, asked = newest(database), nonces(1)
        service.run("hello", {"nonce": asked[0]})
        prove(database, before, asked)
    wait_until(lambda: not _has_network(service), NETWORK_S, "the end of the network that nobody uses", every_s=1)
    assert service.process is not None
    used = {pid: _used_bytes(pid) for pid in (service.process.pid, *service.tree())}
    return {_name(pid): round(size / 1e6, 1) for pid, size in used.items()}


def _has_network(service: Service) -> bool:
    """Whether a process of pasta is left, which ends a minute after its last use."""
    return any(_name(pid).split()[1].startswith(("pasta", "passt")) for pid in service.tree())


def _used_bytes(pid: int) -> int:
    """The proportional set size; of pasta, which hides it, the resident set size: that is at least as much."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except PermissionError:
        return int(psutil.Process(pid).memory_info().rss)
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) * 1024


def _name(pid: int) -> str:
    """As "30944 hexasched scheduler"."""
    try:
        process = psutil.Process(pid)
        command = process.cmdline()
    except psutil.NoSuchProcess:
        return f"{pid} ended"
    what = " ".join(command[command.index("-m") + 1 :][:2]) if "-m" in command else process.name()
    return f"{pid} {what}"
