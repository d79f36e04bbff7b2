"""Many CronJobs due in one moment: how long after it the last run row is there, against APScheduler's own job store."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import func, insert, select

from bench import stock
from bench.figures import Figure, InvalidError, Measured, middle
from bench.planting import ONCE_A_YEAR, whole_second
from bench.rig import rig, since, wait_until
from hexasched import doorbell
from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import Status
from hexasched.scheduler import heartbeat
from hexasched.store import builds, function_versions, functions, schema, settings, workspaces
from hexasched.store import tables as t
from hexasched.store.database import Database, url_for
from hexasched.store.function_versions import Program

ROUNDS = 3
SMALL, LARGE = 1_000, 10_000
LEAD = timedelta(seconds=1)  # from the moment that everything is planted to the moment that is due
GIVE_UP_S = 120.0
LOOK_S = 0.005
QUEUED = (Status.QUEUED,)
TAKEN = tuple(Status)  # a worker may have begun with it


def measure() -> Measured:
    """Seconds: the scheduler alone, as the stock store is alone, then within a whole service."""
    with _scheduler() as (database, folder):
        small = [_herd_s(database, folder, SMALL, QUEUED) for _ in range(ROUNDS)]
        large = _herd_s(database, folder, LARGE, QUEUED)
    stock_s = stock.herd_s(SMALL)
    with rig() as service:
        service.deploy("hello")
        serving = _herd_s(service.database, service.service.data_dir, SMALL, TAKEN)
        sizes = service.sizes
    figures = [
        middle("herd_1000_s", small, "s"),
        Figure(name="herd_10000_s", value=large, unit="s"),
        Figure(name="herd_1000_stock_s", value=stock_s, unit="s"),
        Figure(name="herd_stock_ratio", value=stock_s / median(small), unit="×"),
        Figure(name="herd_1000_serving_s", value=serving, unit="s"),
    ]
    return Measured(figures=figures, sizes={"rounds": ROUNDS, "serving": sizes})


@contextmanager
def _scheduler() -> Iterator[tuple[Database, Path]]:
    """A scheduler that ticks, with the database and the folder that it looks into."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Database(url_for("", folder)) as database:
            schema.migrate(database)
            _plant_function(database)
            environ = dict(os.environ) | {"HEXASCHED_DATA_DIR": name}
            command = [sys.executable, "-m", "hexasched", "scheduler"]
            with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
                try:
                    wait_until(lambda: _ticks(database), 30, "the scheduler's first tick", every_s=0.1)
                    yield database, folder
                finally:
                    process.terminate()


def _ticks(database: Database) -> bool:
    with database.reading() as connection:
        return settings.get(connection, heartbeat.KEY) is not None


def _plant_function(database: Database) -> None:
    now = datetime.now(UTC)
    with database.writing() as connection:
        workspace = workspaces.create_workspace(
            connection, name="Bench", timezone="UTC", alert_email="owner@example.org", now=now
        )
        function = functions.create(connection, workspace.id, "hello", "", now)
        assert function is not None
        program = Program(runtime="node24", handler_file="index.js", source="0", dependencies={}, limits=Limits())
        version = function_versions.add_version(connection, function.id, program, draft=False, user_id=None, now=now)
        builds.save_version(connection, version, state="ready", analysis={}, lockfile=None, artifact_id=None)
        function_versions.activate(connection, function.id, version)


def _herd_s(database: Database, folder: Path, count: int, statuses: tuple[Status, ...]) -> float:
    """Plant a herd of the one function; seconds from its moment until each of its CronJobs has its run row."""
    far = datetime.now(UTC) + timedelta(days=1)
    with database.writing() as connection:
        shared = {"workspace_id": 1, "function_id": 1, "expression": ONCE_A_YEAR, "timezone": "UTC"}
        shared |= {"next_run_at": far, "created_at": datetime.now(UTC)}
        names = [f"job-{far:%H%M%S}-{number}" for number in range(count)]
        connection.execute(insert(t.cron_jobs), [shared | {"name": name} for name in names])
    due = whole_second(LEAD)
    with database.writing() as connection:
        connection.execute(t.cron_jobs.update().where(t.cron_jobs.c.next_run_at == far).values(next_run_at=due))
    doorbell.ring(folder, doorbell.SCHEDULE)
    if since(due) > 0:
        raise InvalidError("The herd was due before it was planted.")
    wait_until(lambda: since(due) > 0 and _fired(database, due, statuses) >= count, GIVE_UP_S, "the herd", LOOK_S)
    took_s = since(due)
    if _fired(database, due, statuses) != count:
        raise InvalidError(f"{_fired(database, due, statuses)} runs of {count} CronJobs.")
    return took_s


def _fired(database: Database, due: datetime, statuses: tuple[Status, ...]) -> int:
    """How many run rows there are for that moment; a CronJob can't have two of them."""
    rows = select(func.count()).where(t.runs.c.scheduled_for == due, t.runs.c.status.in_(statuses))
    with database.reading() as connection:
        return int(connection.execute(rows).scalar_one())
