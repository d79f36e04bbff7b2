"""APScheduler over real rows: one bad CronJob stops neither the clock nor the others, nor fills the log."""

import signal
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apscheduler.schedulers.blocking import BlockingScheduler
from sqlalchemy import func, select, update

from hexasched import doorbell
from hexasched.scheduler import process
from hexasched.store import tables as t
from hexasched.store.database import Database
from tests.factories import make_cron_job, make_function, make_workspace
from tests.waiting import wait_until


def test_it_puts_a_cron_job_aside_that_can_not_be_planned(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = datetime.now(UTC)
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        bad = make_cron_job(connection, function, name="bad", now=now)
        good = make_cron_job(connection, function, name="good", now=now)
        connection.execute(update(t.cron_jobs).values(next_run_at=now - timedelta(seconds=1)))
        connection.execute(update(t.cron_jobs).where(t.cron_jobs.c.id == bad.id).values(timezone="Atlantis/Capital"))
    clock = process.build(database, tmp_path)
    thread = threading.Thread(target=clock.start)
    thread.start()
    try:
        wait_until(lambda: _runs_of(database, good.id) == 1, deadline_s=20, what="the run of the good one")
        wait_until(lambda: _suspended(database, bad.id), deadline_s=20, what="the bad one put aside")
    finally:
        clock.shutdown(wait=False)
        thread.join(20)
    assert "Atlantis" in str(_suspended(database, bad.id))
    assert caplog.text.count("tick.unplannable") == 1


def test_a_ring_and_a_wish_to_stop_that_come_at_its_very_start_are_heeded(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken, wake, heard = threading.Event(), BlockingScheduler.wakeup, list[bool]()

    def seen(clock: BlockingScheduler) -> None:
        woken.set()
        wake(clock)

    def as_soon_as_it_is_ready() -> None:
        woken.clear()
        doorbell.ring(tmp_path, doorbell.SCHEDULE)
        heard.append(woken.wait(20))
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(BlockingScheduler, "wakeup", seen)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        process.run(database, tmp_path, 30, as_soon_as_it_is_ready)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert heard == [True]


def _runs_of(database: Database, cron_job_id: int) -> int:
    query = select(func.count()).select_from(t.runs).where(t.runs.c.cron_job_id == cron_job_id)
    with database.reading() as connection:
        return int(connection.execute(query).scalar_one())


def _suspended(database: Database, cron_job_id: int) -> str:
    query = select(t.cron_jobs.c.suspend_reason).where(t.cron_jobs.c.id == cron_job_id, t.cron_jobs.c.suspended)
    with database.reading() as connection:
        return str(connection.execute(query).scalar() or "")
