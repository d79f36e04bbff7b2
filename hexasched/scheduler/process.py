"""The scheduler process: APScheduler as the clock, a bell that wakes it, a reaper, one per instance."""

import fcntl
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from apscheduler.events import EVENT_SCHEDULER_STARTED
from apscheduler.schedulers.blocking import BlockingScheduler

from hexasched import doorbell, logs
from hexasched.domain.ticks import Plan
from hexasched.errors import StoreBusyError, StoreError
from hexasched.scheduler.cleaning import clean_on
from hexasched.scheduler.ticker import CronJobStore, StagingExecutor
from hexasched.store.database import Database
from hexasched.store.leases import LeaseWatch

HAND_OVER_S = 3.0
"""For the scheduler of a service that was killed to be gone: its successor may be quick."""

LEASES_EVERY_S = 5.0
"""How often the leases of workers are looked at here; each worker looks every second."""


def run(database: Database, data_dir: Path, history_days: int, on_ready: Callable[[], None]) -> None:
    """Turn time into queued runs until SIGTERM. `on_ready` is called when the clock runs.

    Nothing is kept in memory between rounds, so to stop at once is always right.
    """
    lock = _only_one(data_dir) if database.is_sqlite else None
    clock = build(database, data_dir)
    begun, stopped = threading.Event(), threading.Event()

    def begin(_: object) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: clock.running and clock.shutdown(wait=False))
        begun.set()
        logs.event("scheduler.started")
        on_ready()

    # Not earlier: a clock that does not run yet can be neither woken nor shut down.
    clock.add_listener(begin, EVENT_SCHEDULER_STARTED)
    with doorbell.Doorbell(data_dir, doorbell.SCHEDULE) as bell:
        watch = threading.Thread(target=_watch, args=(bell, clock, database, begun, stopped))
        watch.start()
        cleaner = threading.Thread(target=clean_on, args=(database, history_days, stopped))
        cleaner.start()
        try:
            clock.start()
        finally:
            stopped.set()
            begun.set()
            doorbell.ring(data_dir, doorbell.SCHEDULE)
            watch.join()
            cleaner.join()
    logs.event("scheduler.stopped")
    if lock is not None:
        lock.close()


def build(database: Database, data_dir: Path) -> BlockingScheduler:
    """An APScheduler whose jobs are the rows of cron_jobs."""
    staged: list[Plan] = []
    clock = BlockingScheduler(timezone="UTC", jobstore_retry_interval=1)
    clock.add_executor(StagingExecutor(staged), "default")
    clock.add_jobstore(CronJobStore(database, staged, lambda: doorbell.ring(data_dir, doorbell.WORK)), "default")
    return clock


def _watch(
    bell: doorbell.Doorbell,
    clock: BlockingScheduler,
    database: Database,
    begun: threading.Event,
    stopped: threading.Event,
) -> None:
    """Wake the clock when a CronJob changed, and end the work of workers that are gone, should no other be left."""
    begun.wait()
    leases, sweep_at = LeaseWatch(), 0.0
    while not stopped.is_set():
        if bell.wait(sweep_at - time.monotonic()):
            clock.wakeup()
        if time.monotonic() < sweep_at:
            continue
        sweep_at = time.monotonic() + LEASES_EVERY_S
        try:
            leases.sweep(database)
        except StoreBusyError as error:
            logs.warning("store.busy", error=error)
        except Exception:  # noqa: BLE001 - whatever it is, who looks after lost work goes on looking
            logs.failure("leases.not_swept")


def _only_one(data_dir: Path) -> TextIO:
    lock = (data_dir / "scheduler.lock").open("w")
    give_up_at = time.monotonic() + HAND_OVER_S
    while not _taken(lock):
        if time.monotonic() >= give_up_at:
            lock.close()
            raise StoreError(f"Another scheduler is running on {data_dir}. With SQLite there can be only one.")
        time.sleep(0.1)
    return lock


def _taken(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
