"""Many CronJobs due in one moment: how long after it the last run row is there, against APScheduler's own job store."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, event, func, insert, select

from bench.figures import Figure
from hexasched.domain.limits import Limits
from hexasched.store import accounts, builds, functions, schema
from hexasched.store import tables as t
from hexasched.store.database import Database, url_for
from hexasched.store.functions import Program

ROUNDS = 3
LEAD = timedelta(seconds=4)  # from the moment that everything is planted to the moment that is due
GIVE_UP_S = 120.0
LOOK_S = 0.005

_metadata = MetaData()
_stock_runs = Table("stock_runs", _metadata, Column("id", Integer, primary_key=True), Column("job", Integer))
_engine: Engine | None = None


def measure() -> list[Figure]:
    """Seconds from the due moment to the last row: ours with 1,000 and 10,000, the stock store with 1,000."""
    thousand = [_ours(1000) for _ in range(ROUNDS)]
    stock = _stock(1000)
    return [
        Figure(
            name="herd_1000_s", value=median(thousand), unit="s", low=min(thousand), high=max(thousand), goal="≤ 0.5"
        ),
        Figure(name="herd_10000_s", value=_ours(10_000), unit="s", goal="≤ 3"),
        Figure(name="herd_1000_stock_s", value=stock, unit="s"),
        Figure(name="herd_stock_ratio", value=stock / median(thousand), unit="×", goal="≥ 10"),
    ]


def _ours(count: int) -> float:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = Database(url_for("", folder))
        schema.migrate(database)
        due = _soon()
        _plant(database, count, due)
        with _scheduler(folder):
            took = _until(due, lambda: _count(database) >= count)
        assert _count(database) == count
        database.close()
    return took


def _plant(database: Database, count: int, due: datetime) -> None:
    now = datetime.now(UTC)
    with database.writing() as connection:
        workspace = accounts.create_workspace(
            connection, name="Bench", timezone="UTC", alert_email="owner@example.org", now=now
        )
        function = functions.create(connection, workspace.id, "hello", "", now)
        assert function is not None
        program = Program(runtime="node24", handler_file="index.js", source="0", dependencies={}, limits=Limits())
        version = functions.add_version(connection, function.id, program, draft=False, user_id=None, now=now)
        builds.save_version(connection, version, state="ready", analysis={}, lockfile=None, artifact_id=None)
        functions.activate(connection, function.id, version)
        shared = {"workspace_id": workspace.id, "function_id": function.id, "expression": "0 0 1 1 *"}
        shared |= {"timezone": "UTC", "next_run_at": due, "created_at": now}
        connection.execute(insert(t.cron_jobs), [shared | {"name": f"job-{number}"} for number in range(count)])


@contextmanager
def _scheduler(folder: Path) -> Iterator[None]:
    environ = dict(os.environ) | {"HEXASCHED_DATA_DIR": str(folder)}
    with subprocess.Popen(
        [sys.executable, "-m", "hexasched", "scheduler"], env=environ, stderr=subprocess.DEVNULL
    ) as run:
        try:
            yield
        finally:
            run.terminate()


def _count(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(t.runs)).scalar_one())


def _stock(count: int) -> float:
    global _engine  # noqa: PLW0603 - the stock store imports the job's function and can hand it nothing else
    with tempfile.TemporaryDirectory() as name:
        _engine = create_engine(f"sqlite:///{name}/stock.db", connect_args={"timeout": 60})
        event.listen(_engine, "connect", _as_ours)
        _metadata.create_all(_engine)
        clock = BackgroundScheduler(timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": False})
        clock.add_jobstore(SQLAlchemyJobStore(engine=_engine))
        clock.start(paused=True)
        due = _soon() + timedelta(seconds=count / 100)  # planting takes longer here
        for number in range(count):
            clock.add_job(stock_job, "interval", days=1, start_date=due, args=[number])
        clock.resume()
        took = _until(due, lambda: _stock_count() >= count)
        clock.shutdown()
        _engine.dispose()
    return took


def stock_job(number: int) -> None:
    """What a service on the stock store would do for each due job: write its row."""
    assert _engine is not None
    with _engine.begin() as connection:
        connection.execute(insert(_stock_runs).values(job=number))


def _stock_count() -> int:
    assert _engine is not None
    with _engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(_stock_runs)).scalar_one())


def _as_ours(dbapi: object, _: object) -> None:
    cursor = dbapi.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _soon() -> datetime:
    return (datetime.now(UTC) + LEAD).replace(microsecond=0) + timedelta(seconds=1)


def _until(due: datetime, there: Callable[[], bool]) -> float:
    """Seconds from `due` until `there`; raises TimeoutError if that never comes."""
    give_up_at = time.monotonic() + (due - datetime.now(UTC)).total_seconds() + GIVE_UP_S
    while not there():
        if time.monotonic() > give_up_at:
            raise TimeoutError("the rows did not come")
        time.sleep(LOOK_S)
    return (datetime.now(UTC) - due).total_seconds()
