"""Downtimes as rows: what the scheduler notes at its start and in between, and what became of CronJobs' moments."""

from datetime import timedelta
from pathlib import Path

import pytest

from hexasched.domain.gaps import Gap
from hexasched.domain.ticks import CATCH_UP_CAP, plan
from hexasched.scheduler import heartbeat
from hexasched.scheduler.heartbeat import Heartbeat
from hexasched.store import downtimes, due_jobs, settings, ticks
from hexasched.store.database import Database
from tests.factories import NOW, make_cron_job, make_function, make_workspace

MINUTE = timedelta(minutes=1)


def kinds(database: Database) -> list[tuple[str, float]]:
    with database.reading() as connection:
        return [(gap.kind, gap.size.total_seconds()) for gap in reversed(downtimes.newest(connection, 10))]


def test_a_scheduler_notes_its_life_its_silences_and_jumps_of_the_clock(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    first = Heartbeat(database)
    for second in range(20):
        first.beat(NOW + timedelta(seconds=second), 100 + second)
    with database.reading() as connection:
        assert settings.get(connection, heartbeat.KEY) == (NOW + timedelta(seconds=15)).isoformat()
    assert kinds(database) == []
    again = Heartbeat(database)
    again.beat(NOW + timedelta(seconds=15, hours=1), 7)
    again.beat(NOW + timedelta(seconds=16, hours=3), 8)
    again.beat(NOW + timedelta(seconds=17), 9)
    found = [("stopped", 3600.0), ("clock_forward", 7200.0), ("clock_back", 10800.0)]
    assert kinds(database) == found
    assert caplog.text.count("scheduler.gap") == 3
    later = Heartbeat(database)
    later.beat(NOW, 1)
    assert kinds(database) == [*found, ("clock_back", 17.0)]


def test_what_could_not_be_written_is_not_forgotten(database: Database, tmp_path: Path) -> None:
    beats = Heartbeat(database)
    beats.beat(NOW, 100)
    broken, beats._database = database, Database(f"sqlite:///{tmp_path}/nowhere/none.db")
    with pytest.raises(Exception, match="unable to open"):
        beats.beat(NOW - MINUTE, 105)
    beats._database.close()
    beats._database = broken
    beats.beat(NOW - MINUTE + timedelta(seconds=1), 106)
    assert kinds(database) == [("clock_back", 65.0)]


def test_it_counts_what_was_missed_also_without_rows_and_what_was_made_up_for(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        job = make_cron_job(connection, function)
        make_cron_job(connection, function, name="yearly", expression="0 0 1 1 *")
        now = NOW + timedelta(hours=4)
        ticks.settle(connection, [plan(due, now) for due in due_jobs.due(connection, now, 10)], now)
        gap = Gap(kind="stopped", from_at=NOW, to_at=now)
        [effect] = downtimes.effects(connection, 1, gap)
        assert (effect.cron_job_id, effect.catch_up, effect.backfill_id) == (job.id, "last", None)
        assert effect.overlapped == 1, "of the last two: no overlap"
        assert effect.missed + effect.ran + effect.overlapped == 240 > CATCH_UP_CAP
        assert effect.run_id is not None
        assert effect.last_missed == now - 2 * MINUTE
        assert downtimes.effects(connection, 1, Gap(kind="clock_back", from_at=NOW, to_at=now)) == []
        assert downtimes.effects(connection, 2, gap) == []


def test_seen_is_what_somebody_has_said_so_of(database: Database) -> None:
    with database.writing() as connection:
        for minute in range(3):
            moment = NOW + minute * MINUTE
            downtimes.add(connection, Gap(kind="stopped", from_at=moment, to_at=moment + MINUTE), moment + MINUTE)
        newest = downtimes.unseen(connection, 1)[0]
        assert downtimes.mark_seen(connection, newest.id - 1, NOW) == 2
        assert [gap.id for gap in downtimes.unseen(connection, 9)] == [newest.id]
        assert downtimes.mark_seen(connection, newest.id, NOW) == 1
        assert downtimes.mark_seen(connection, newest.id, NOW) == 0
