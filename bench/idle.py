"""The processor time of a service with nothing to do, and whether it is awake when something comes after that."""

import time
from datetime import timedelta

import psutil

from bench.figures import Figure, InvalidError, Measured
from bench.fire import fire
from bench.planting import copies, cron_jobs
from bench.rig import Rig, rig

CRON_JOBS = 100
IDLE_S = 60.0
BEFORE_S = 4.0  # what the start leaves to be done
AHEAD = timedelta(seconds=6)


def measure() -> Measured:
    """Percent of one core over all processes of the service, in a minute; then the lag of one due CronJob."""
    with rig() as service:
        service.deploy("hello")
        jobs = cron_jobs(service, copies(service, "hello", 1) * CRON_JOBS)
        time.sleep(BEFORE_S)
        runs = service.count()
        start, before = time.monotonic(), _cpu_s(service)
        time.sleep(IDLE_S)
        spent_s, took_s = _cpu_s(service) - before, time.monotonic() - start
        if service.count() != runs:
            raise InvalidError("Something ran in the idle minute.")
        (lag,) = fire(service, jobs[:1], AHEAD)
        sizes = {"cron_jobs": CRON_JOBS, "seconds": IDLE_S, **service.sizes}
    figures = [
        Figure(name="idle_cpu_pct", value=100 * spent_s / took_s, unit="%"),
        Figure(name="idle_then_fire_ms", value=lag, unit="ms"),
    ]
    return Measured(figures=figures, sizes=sizes)


def _cpu_s(service: Rig) -> float:
    """Of the supervisor and all below it, with what those used that have ended meanwhile."""
    assert service.service.process is not None
    return sum(
        sum(psutil.Process(pid).cpu_times()[:4]) for pid in (service.service.process.pid, *service.service.tree())
    )
