"""SIGKILL at twenty seeded moments, spread over claim, spawn, log, finish, tick: nothing is lost, nothing doubled."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import ColumnElement, func, literal, select, update

from hexasched.store import cron_job_changes
from hexasched.store import tables as t
from hexasched.store.cron_jobs import CronJobFields
from hexasched.store.database import Database
from tests import postgres
from tests.processes.service import Service, kill
from tests.waiting import wait_until

SEED = 20261123
JOBS = 8

# Prints, works for a moment, prints: long enough for a kill to hit any part of a run.
SOURCE = """export default async (event) => {
  console.log(`begin ${event.id}`);
  await new Promise((resolve) => setTimeout(resolve, 300));
  console.log(`end ${event.id}`);
};"""

_active = t.runs.c.status.in_(("queued", "running"))
_has_log = select(t.log_chunks.c.seq).where(t.log_chunks.c.run_id == t.runs.c.id).exists()
MOMENTS: dict[str, Callable[[Database], bool]] = {
    "claim": lambda database: _is_there(database, t.runs.c.status == "queued"),
    "spawn": lambda database: _is_there(database, (t.runs.c.status == "running") & t.runs.c.started_at.is_(None)),
    "log": lambda database: _is_there(database, (t.runs.c.status == "running") & _has_log),
    "finish": lambda database: _is_there(database, t.runs.c.finished_at > datetime.now(UTC) - timedelta(seconds=0.05)),
    "tick": lambda database: _is_there(database, t.cron_jobs.c.next_run_at <= datetime.now(UTC)),
}
VICTIMS = ("worker", "keeper", "scheduler", "all")
Expected = set[tuple[int, datetime]]


def _is_there(database: Database, condition: ColumnElement[bool]) -> bool:
    with database.reading() as connection:
        return connection.execute(select(literal(1)).where(condition).limit(1)).first() is not None


def test_it_loses_and_doubles_nothing_on_sqlite(tmp_path: Path) -> None:
    _torture(Service(tmp_path), SEED, tmp_path)


@pytest.mark.postgres
def test_it_loses_and_doubles_nothing_on_postgresql(tmp_path: Path, postgres_server: str) -> None:
    with postgres.fresh_database(postgres_server) as url:
        _torture(Service(tmp_path, DATABASE_URL=url), SEED + 1, tmp_path)


def _torture(service: Service, seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    service.start()
    try:
        _plant(service, folder)
        with service.open_database() as database:
            expected: Expected = set()
            kills = [
                _kill_once(service, database, moment, victim, chance, expected)
                for moment in chance.sample(sorted(MOMENTS), len(MOMENTS))
                # One "all" in each round: five deaths of one child in a row would make the supervisor give up.
                for victim in chance.sample(VICTIMS, len(VICTIMS))
            ]
            assert len(kills) == 20
            wait_until(
                lambda: not _is_there(database, _active), deadline_s=60, what="the end of every run", every_s=0.1
            )
            _check(database, expected, f"seed {seed}, kills {kills}")
        assert service.stop() == 0, service.log()[-3000:]
        wait_until(lambda: not service.leftovers(), deadline_s=15, what=f"nothing left: {service.leftovers()}")
    finally:
        if service.process is not None and service.process.poll() is None:
            service.kill_all()


def _plant(service: Service, folder: Path) -> None:
    """Eight CronJobs whose schedule has no moment of its own for a long time: the test gives them theirs."""
    service.create_owner()
    service.deploy("beat", SOURCE, folder)
    with service.open_database() as database, database.writing() as connection:
        for number in range(JOBS):
            wanted = CronJobFields(
                function_id=1,
                name=f"job-{number}",
                expression="0 0 1 1 *",
                timezone="UTC",
                concurrency_policy="Allow",
            )
            assert cron_job_changes.create(connection, 1, wanted, datetime.now(UTC))


def _kill_once(
    service: Service, database: Database, moment: str, victim: str, chance: random.Random, expected: Expected
) -> str:
    """Let all CronJobs be due, wait for the moment, kill a few milliseconds later."""
    _make_due(service, database, expected)
    # A moment is short, and on a busy machine nobody may look while it lasts: then the kill comes at the end of all.
    wait_until(
        lambda: MOMENTS[moment](database) or _is_over(database, expected),
        deadline_s=60,
        what=f"the moment {moment}",
        every_s=0.001,
    )
    Event().wait(chance.random() * 0.02)
    if victim == "all":
        service.kill_all()
        service.start()
    else:
        for pid in service.pids("sandbox.keeper" if victim == "keeper" else victim)[:1]:
            kill(pid)
    return f"{moment}/{victim}"


def _make_due(service: Service, database: Database, expected: Expected) -> None:
    """Plant one moment for each CronJob, a second ahead; those before it have their rows already."""
    planted_before = t.cron_jobs.c.next_run_at < datetime.now(UTC) + timedelta(hours=1)

    def settled() -> bool:
        assert service.process is not None
        assert service.process.poll() is None, f"the service has ended: {service.log()[-3000:]}"
        return not _is_there(database, planted_before)

    wait_until(settled, deadline_s=60, what="the verdict of the last moment")
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    with database.writing() as connection:
        changed = connection.execute(
            update(t.cron_jobs)
            .where(t.cron_jobs.c.next_run_at > moment)
            .values(next_run_at=moment)
            .returning(t.cron_jobs.c.id)
        )
        planted = {(int(row.id), moment) for row in changed}
    assert len(planted) == JOBS
    assert not planted & expected
    expected |= planted


def _is_over(database: Database, expected: Expected) -> bool:
    with database.reading() as connection:
        there = connection.execute(select(func.count()).where(t.runs.c.attempt == 1)).scalar_one()
    return there == len(expected) and not _is_there(database, _active)


def _check(database: Database, expected: Expected, told: str) -> None:
    with database.reading() as connection:
        rows = connection.execute(
            select(t.runs.c.cron_job_id, t.runs.c.scheduled_for).where(t.runs.c.attempt == 1)
        ).all()
        unfinished = connection.execute(
            select(func.count()).select_from(t.runs).where(t.runs.c.finished_at.is_(None))
        ).scalar_one()
        texts: dict[int, bytes] = {}
        columns = select(t.log_chunks.c.run_id, t.log_chunks.c.data)
        for run_id, data in connection.execute(columns.order_by(t.log_chunks.c.run_id, t.log_chunks.c.seq)):
            texts[run_id] = texts.get(run_id, b"") + data
    found = Counter((row.cron_job_id, row.scheduled_for) for row in rows)
    assert set(found) == expected, told
    assert set(found.values()) == {1}, told
    assert unfinished == 0, told
    for run_id, text in texts.items():
        assert text.count(b"end") <= text.count(b"begin") <= 1, f"run {run_id} executed twice: {text!r}; {told}"
    assert any(b"end" in text for text in texts.values()), told
