"""What is done to the service: each fault is a function of the rig that ends once it is over."""

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

import psycopg
from sqlalchemy import text

from hexasched.failpoints import POINTS
from tests import postgres
from tests.processes.service import kill
from tests.torture.rig import Rig, pause
from tests.waiting import wait_until

Fault = Callable[[Rig], None]

# Who is stopped before a commit holds the write lock for as long as nobody wakes it.
POINTS_AND_ACTIONS = [
    f"{point}:{action}"
    for point in POINTS
    for action in ("kill", "kill", "sleep", "stop")
    if action != "stop" or "before_commit" not in point
]


def kill_one(rig: Rig) -> None:
    """SIGKILL to one process."""
    victim = rig.chance.choice(("worker", "worker", "sandbox.keeper", "scheduler", "scheduler", "notifier", "web"))
    pids = rig.service.pids(victim)
    if pids:
        kill(rig.chance.choice(pids))
        rig.figures[f"kills of {victim}"] += 1


def kill_supervisor(rig: Rig) -> None:
    """SIGKILL to the supervisor alone; its children have to end by themselves before the next one starts."""
    assert rig.service.process is not None
    rig.service.process.kill()
    rig.service.process.wait(30)
    rig.figures["kills of the supervisor"] += 1


def kill_all(rig: Rig) -> None:
    """SIGKILL to every process at once."""
    rig.service.kill_all()
    rig.figures["kills of all"] += 1


def freeze(rig: Rig) -> None:
    """SIGSTOP, and SIGCONT a little later."""
    victim = rig.chance.choice(("worker", "sandbox.keeper", "scheduler", "notifier"))
    _freeze(rig, rig.service.pids(victim)[:1], rig.chance.uniform(0.3, 4))
    rig.figures[f"freezes of {victim}"] += 1


def freeze_for_a_lease(rig: Rig) -> None:
    """A worker and its keeper stand still for longer than a lease: others take their runs for lost."""
    workers = wait_until(lambda: _busy(rig), deadline_s=30, what="a worker with a run")[:1]
    keepers = [pid for pid in rig.service.pids("sandbox.keeper") if workers and _parent(pid) == workers[0]]
    rig.calm = False  # it may be frozen while it writes
    _freeze(rig, workers + keepers, 34)
    rig.figures["freezes for a lease"] += 1


def _freeze(rig: Rig, pids: list[int], seconds: float) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    pause(seconds)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _busy(rig: Rig) -> list[int]:
    """The workers that have a run in hand."""
    query = "SELECT workers.pid FROM runs JOIN workers ON workers.id = runs.worker_id WHERE runs.status = 'running'"
    with rig.database.reading() as connection:
        return [int(pid) for pid in connection.execute(text(query)).scalars() if pid in rig.service.pids("worker")]


def kill_between_rows_and_advance(rig: Rig) -> None:
    """The scheduler dies within its transaction."""
    rig.arm("tick.before_commit:kill:2")
    kill_all(rig)


def _parent(pid: int) -> int:
    import psutil

    return int(psutil.Process(pid).ppid()) if psutil.pid_exists(pid) else 0


def lock(rig: Rig) -> None:
    """Somebody else holds the database's write lock for a while: everybody has to wait, nobody is turned away.

    Through the driver's one connection pool: a second SQLite library in one process would drop the locks of the first
    when it closes the file (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """
    seconds = rig.chance.uniform(0.2, 2)
    with rig.database.writing() as connection:
        if not rig.database.is_sqlite:
            connection.execute(text("LOCK TABLE runs IN EXCLUSIVE MODE"))
        pause(seconds)
    rig.figures["lock storms"] += 1


def fill_disk(rig: Rig) -> None:
    """The disk with the data folder is full for a while."""
    assert rig.wish.disk is not None
    rig.calm = rig.roomy = False
    rig.wish.disk.fill()
    pause(rig.chance.uniform(0.5, 4))
    rig.wish.disk.empty()
    rig.figures["full disks"] += 1


def set_clock(rig: Rig) -> None:
    """The wall clock jumps: some minutes or hours forward, some minutes back."""
    minutes = rig.chance.choice((rig.chance.randint(2, 30), rig.chance.randint(30, 600), -rig.chance.randint(1, 15)))
    rig.jump(timedelta(minutes=minutes))
    rig.figures["jumps of the clock"] += 1


def break_at_a_point(rig: Rig) -> None:
    """The service is killed and comes back with a failpoint; the processes that come to it are killed exactly there."""
    left = [point for point in POINTS_AND_ACTIONS if point not in rig.obeyed]
    if left:
        rig.arm(f"{rig.chance.choice(left)}:{rig.chance.randint(1, 3)}")
    kill_all(rig)


def break_at_every_point(rig: Rig) -> None:
    """A process is killed at each of the failpoints in turn."""
    for point in POINTS:
        rig.arm(f"{point}:kill")
        kill_all(rig)
        rig.revive()
        for provoke in {"reap.after_commit": (_kill_worker,), "edit.after_commit": (edit_on_page,)}.get(point, ()):
            provoke(rig)
        if point == "drain.mid":
            stop_and_start(rig)
        wait_until(partial(_was_obeyed, rig, f"{point}:kill"), deadline_s=60, what=f"a kill at {point}")


def _was_obeyed(rig: Rig, failpoint: str) -> bool:
    return failpoint in rig.obeyed


def _kill_worker(rig: Rig) -> None:
    for pid in rig.service.pids("worker")[:1]:
        kill(pid)


def stop_and_start(rig: Rig) -> None:
    """SIGTERM: everything is drained."""
    try:
        rig.service.stop(deadline_s=60)
    except subprocess.TimeoutExpired:  # a failpoint stopped one of its processes
        rig.thaw()
        kill_all(rig)
    rig.figures["drains"] += 1


def edit_on_page(rig: Rig) -> None:
    """Somebody changes a CronJob in the dashboard."""
    if rig.was_set_back:
        return
    rig.figures[f"edits: {rig.save_on_page()}"] += 1


def edit(rig: Rig) -> None:
    """Somebody changes a CronJob."""
    if rig.was_set_back:
        return
    rig.figures[f"edits: {rig.edit()}"] += 1


def restart_postgres(rig: Rig) -> None:
    """The database server crashes and comes back."""
    rig.calm = False
    postgres.restart(rig.wish.database_url.rpartition("/")[0])
    rig.figures["restarts of PostgreSQL"] += 1


def cut_connections(rig: Rig) -> None:
    """The database ends some of its connections, whatever they are doing."""
    rig.calm = False
    query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()"
    with psycopg.connect(rig.wish.database_url, autocommit=True) as connection:
        pids = [row[0] for row in connection.execute(query)]
        for pid in rig.chance.sample(pids, rig.chance.randint(0, len(pids))):
            connection.execute("SELECT pg_terminate_backend(%s)", [pid])
            rig.figures["connections cut"] += 1


KILLS: tuple[Fault, ...] = (kill_one, kill_one, kill_one, break_at_a_point, kill_supervisor)
ALL: tuple[Fault, ...] = (
    *(*KILLS, break_at_a_point, stop_and_start, freeze, lock),
    *(edit, edit, edit_on_page),
)
POSTGRES: tuple[Fault, ...] = (restart_postgres, cut_connections, cut_connections)

META: dict[str, tuple[float, tuple[Fault, ...]]] = {
    "unique": (10, (edit, kill_one)),
    "advance": (15, (kill_between_rows_and_advance,)),
    "fence": (1, (freeze_for_a_lease,)),
    "deferred": (30, (edit, edit, freeze)),
}
"""For each promise that the program can be told to break: how long, and what is done, so that it is found."""
