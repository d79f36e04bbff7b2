"""After SIGKILL to everything the clock is back soon: what had become due is enqueued right after the restart."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, update

from hexasched.store import tables as t
from hexasched.store.database import Database
from tests.factories import make_cron_job, make_function, make_workspace
from tests.processes.service import Service
from tests.waiting import wait_until

DEADLINE_S = 30.0
"""Ten times the aim, which is for a machine with nothing else to do."""


def test_after_a_kill_of_everything_what_is_due_is_enqueued_soon(tmp_path: Path) -> None:
    service = Service(tmp_path, SANDBOX_MODE="none", WORKERS_WARM_MB="0")
    service.start()
    try:
        with service.open_database() as database:
            with database.writing() as connection:
                function = make_function(connection, make_workspace(connection).id)
                make_cron_job(connection, function, expression="0 0 1 1 *", now=datetime.now(UTC))
            service.kill_all()
            with database.writing() as connection:
                connection.execute(update(t.cron_jobs).values(next_run_at=datetime.now(UTC) - timedelta(seconds=1)))
            service.launch()
            wait_until(lambda: _runs(database) == 1, deadline_s=DEADLINE_S, what="the due run", every_s=0.02)
    finally:
        service.kill_all()
    wait_until(lambda: not service.leftovers(), deadline_s=15, what="nothing left")


def _runs(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(t.runs)).scalar_one())
