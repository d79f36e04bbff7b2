"""From the tick to the first line of the handler: one CronJob every two seconds, and thirty in one tick, all warm."""

from datetime import timedelta
from statistics import quantiles

import psutil

from bench.figures import Figure, Measured, middle
from bench.planting import copies, cron_jobs, make_due, whole_second
from bench.proof import Row, newest, nonces, prove, prove_fresh
from bench.rig import Rig, ms, rig, wait_until

TICKS = 30
EVERY = timedelta(seconds=2)
TOGETHER = 30
ROUNDS = 3
WARM_MB = 1_600  # for 33 instances
NEEDED_MB = 3_000
AHEAD = timedelta(seconds=6)  # of a first tick: its instance has to be started before it
GIVE_UP_S = 60.0


def measure() -> Measured:
    """Lags in ms."""
    one, sizes = _one_a_tick()
    if psutil.virtual_memory().available < NEEDED_MB << 20:
        missing = {"fire_lag_30_ms": f"less than {NEEDED_MB} MB of memory are free"}
        return Measured(figures=one, sizes=sizes, left_out=missing)
    many, sizes_of_many = _many_a_tick()
    return Measured(figures=[*one, *many], sizes=sizes | {"together": sizes_of_many})


def _one_a_tick() -> tuple[list[Figure], dict[str, object]]:
    with rig() as service:
        service.deploy("hello")
        (cron_job,) = cron_jobs(service, copies(service, "hello", 1))
        fire(service, [cron_job], AHEAD)
        lags = [lag for _ in range(TICKS) for lag in fire(service, [cron_job], EVERY - timedelta(seconds=1))]
        sizes = {"ticks": TICKS, "every_s": EVERY.total_seconds(), **service.sizes}
    p99 = quantiles(lags, n=100, method="inclusive")[-1]
    return [middle("fire_lag_ms", lags, "ms"), Figure(name="fire_lag_p99_ms", value=p99, unit="ms")], sizes


def _many_a_tick() -> tuple[list[Figure], dict[str, object]]:
    with rig(WORKERS_WARM_MB=str(WARM_MB), WORKERS_SLOTS=str(TOGETHER)) as service:
        service.deploy("hello")
        jobs = cron_jobs(service, copies(service, "hello", TOGETHER))
        fire(service, jobs, AHEAD)  # from now on all of them ran lately, and wait
        rounds = []
        for _ in range(ROUNDS):
            service.let_settle(TOGETHER)
            rounds.append(fire(service, jobs, timedelta(seconds=1)))
        sizes = {"rounds": ROUNDS, "functions": TOGETHER, **service.sizes}
    last = middle("fire_lag_30_ms", [max(lags) for lags in rounds], "ms")
    return [last, middle("fire_lag_30_first_ms", [min(lags) for lags in rounds], "ms")], sizes


def fire(service: Rig, jobs: list[int], ahead: timedelta) -> list[float]:
    """The lag of each of these CronJobs, in ms, when they are due in one tick at least `ahead` from now."""
    asked, before, rows_before = nonces(len(jobs)), newest(service.database), service.count()
    moment = whole_second(ahead)
    make_due(service, dict(zip(jobs, asked, strict=True)), moment)
    enough = rows_before + len(jobs)
    wait_until(lambda: service.count() >= enough and service.all_final(), GIVE_UP_S, "the tick's runs", every_s=0.05)
    found = prove(service.database, before, asked).values()
    prove_fresh(found)
    return [_lag_ms(row) for row in found]


def _lag_ms(row: Row) -> float:
    assert row.scheduled_for is not None
    return ms(row.scheduled_for, row.first_line_at)
