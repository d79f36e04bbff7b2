"""The same herd on APScheduler's own job store: what a service on the stock parts would do for each due job."""

import tempfile
from datetime import datetime, timedelta
from typing import Any

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, event, func, insert, select

from bench.figures import InvalidError
from bench.planting import whole_second
from bench.rig import since, wait_until

LEAD = timedelta(seconds=3)
EACH = timedelta(milliseconds=4)  # to plant one
GIVE_UP_S = 120.0
LOOK_S = 0.005

_metadata = MetaData()
_runs = Table("stock_runs", _metadata, Column("id", Integer, primary_key=True), Column("job", Integer))
_engine: Engine | None = None


def herd_s(count: int) -> float:
    """Seconds from the due moment of `count` jobs to the last one's row; SQLite is set up as ours is."""
    global _engine  # noqa: PLW0603 - the stock store imports the job's function and can hand it nothing else
    with tempfile.TemporaryDirectory() as name:
        due = whole_second(LEAD + count * EACH)
        _plant(f"{name}/stock.db", count, due)
        _engine = _opened(f"{name}/stock.db", "FULL")
        clock = _clock(_engine)
        if since(due) > 0:
            raise InvalidError("The stock store was not ready before the herd was due.")
        clock.resume()
        wait_until(lambda: since(due) > 0 and _count() >= count, GIVE_UP_S, "the stock store's rows", every_s=LOOK_S)
        took_s = since(due)
        clock.shutdown()
        _engine.dispose()
    return took_s


def _plant(file: str, count: int, due: datetime) -> None:
    engine = _opened(file, "OFF")
    _metadata.create_all(engine)
    clock = _clock(engine)
    for number in range(count):
        clock.add_job(job, "interval", days=1, start_date=due, args=[number])
    clock.shutdown()
    engine.dispose()


def _clock(engine: Engine) -> BackgroundScheduler:
    """A scheduler that waits for `resume`."""
    clock = BackgroundScheduler(timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": False})
    clock.add_jobstore(SQLAlchemyJobStore(engine=engine))
    clock.start(paused=True)
    return clock


def job(number: int) -> None:
    """Write the row of one due job."""
    assert _engine is not None
    with _engine.begin() as connection:
        connection.execute(insert(_runs).values(job=number))


def _count() -> int:
    assert _engine is not None
    with _engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(_runs)).scalar_one())


def _opened(file: str, synchronous: str) -> Engine:
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": 60})

    def set_up(dbapi: Any, _: object) -> None:
        cursor = dbapi.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.close()

    event.listen(engine, "connect", set_up)
    return engine
