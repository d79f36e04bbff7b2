"""The pages of a service whose history is long against those of one whose history is short, over HTTP."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from statistics import median

from bench.figures import Figure, InvalidError, Measured, middle
from bench.node import timed_ms
from bench.rig import Rig, rig
from tools.plant import NEVER, Mix, plant

MANY, FEW = 1_000_000, 1_000
CRON_JOBS = 50
NOT_WHILE_MEASURED = timedelta(days=30)
MIX = Mix(failed=111, timed_out=0, skipped=0, missed=0, by_hand=NEVER, busy=2)
"""So that the pages of the first CronJob and its function are full also in a short history."""

ROUNDS = 9
BEFORE = 2
# With a short history, too, each of these is full (50 rows) or, where nothing matches, empty: they are comparable.
PAGES = {
    "home": "/",
    "runs": "/runs",
    "runs_older": "/runs?before={half}",
    "runs_succeeded": "/runs?status=succeeded",
    "runs_failed": "/runs?status=failed",
    "runs_timed_out": "/runs?status=timed_out",
    "runs_problems": "/runs?status=problems",
    "runs_function": "/runs?function=function-0",
    "runs_function_failed": "/runs?function=function-0&status=failed",
    "runs_function_timed_out": "/runs?function=function-0&status=timed_out",
    "runs_cron_job": "/runs?cronjob=1",
    "runs_cron_job_failed": "/runs?cronjob=1&status=failed",
    "runs_cron_job_timed_out": "/runs?cronjob=1&status=timed_out",
}


def measure() -> Measured:
    """Median times in ms, each page of both services in turn, and by how much the long history is slower."""
    with ExitStack() as stack:
        services = {count: stack.enter_context(rig(WORKERS_WARM_MB="0")) for count in (MANY, FEW)}
        planted_s = {str(count): _planted_s(service, count) for count, service in services.items()}
        times = {name: _in_turn(services, path) for name, path in PAGES.items()}
        sizes = {"runs": [MANY, FEW], "rounds": ROUNDS, "planting_s": planted_s}
    figures = [middle(f"page_{name}_ms", found[MANY], "ms") for name, found in times.items()]
    ratios = {name: median(found[MANY]) / median(found[FEW]) for name, found in times.items()}
    figures += [Figure(name=f"page_{name}_ratio", value=value, unit="×") for name, value in ratios.items()]
    worst = max(ratios, key=lambda name: ratios[name])
    figures.append(Figure(name="runs_page_ratio", value=ratios[worst], unit="×"))
    return Measured(figures=figures, sizes=sizes | {"worst_page": PAGES[worst]})


def _planted_s(service: Rig, count: int) -> float:
    took_ms = timed_ms(lambda: _plant(service, count))
    if service.count() != count:
        raise InvalidError(f"There are {service.count()} runs instead of {count}.")
    return round(took_ms / 1000, 1)


def _plant(service: Rig, count: int) -> None:
    now = datetime.now(UTC)
    plant(service.database, runs=count, cron_jobs=CRON_JOBS, now=now, mix=MIX, due_after=NOT_WHILE_MEASURED)


def _in_turn(services: dict[int, Rig], path: str) -> dict[int, list[float]]:
    times: dict[int, list[float]] = {count: [] for count in services}
    for number in range(BEFORE + ROUNDS):
        for count, service in services.items():
            took = timed_ms(lambda: service.person.open(path.format(half=count // 2)))  # noqa: B023 - called at once
            if number >= BEFORE:
                times[count].append(took)
    return times
