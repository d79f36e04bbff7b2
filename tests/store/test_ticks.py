"""The tick's transaction: rows and the advance of next_run_at together, and never over somebody's edit."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, update

from hexasched.domain.ticks import plan
from hexasched.store import (
    cron_job_changes,
    cron_job_pauses,
    cron_jobs,
    due_jobs,
    functions,
    history,
    outbox,
    ticks,
    windows,
)
from hexasched.store import tables as t
from hexasched.store.ahead import look
from hexasched.store.cron_jobs import CronJob, CronJobFields
from hexasched.store.database import Connection, Database
from tests.factories import NOW, make_cron_job, make_function, make_run, make_workspace

MINUTE = timedelta(minutes=1)
DUE = NOW + MINUTE


def plant(connection: Connection, **overrides: object) -> CronJob:
    return make_cron_job(connection, make_function(connection, make_workspace(connection).id), **overrides)


def tick(connection: Connection, now: object = DUE) -> int:
    return ticks.settle(connection, [plan(job, now) for job in due_jobs.due(connection, now, 100)], now)  # type: ignore[arg-type]


def moments(connection: Connection) -> list[tuple[object, str, str | None]]:
    rows = connection.execute(select(t.runs.c.scheduled_for, t.runs.c.status, t.runs.c.reason).order_by(t.runs.c.id))
    return [((row[0] - NOW) / MINUTE, row[1], row[2]) for row in rows]


def test_it_queues_a_run_and_advances(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection, event='{"a":1}')
        assert job.next_run_at == DUE
        assert due_jobs.due(connection, NOW, 10) == []
        assert tick(connection) == 1
        assert tick(connection) == 0
        run = history.history(connection, 1, history.Filter())[0]
        assert (run.scheduled_for, run.trigger, run.cron_job_name) == (DUE, "cron", "every-minute")
        assert history.detail(connection, 1, run.id).event == '{"a":1}'  # type: ignore[union-attr]
        assert look(connection, NOW).next_due == DUE + MINUTE


def test_it_writes_nothing_for_a_cron_job_that_was_changed_after_it_was_read(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        stale = [plan(due, DUE) for due in due_jobs.due(connection, DUE, 10)]
        cron_job_changes.save(connection, job, replace(_fields(job), expression="0 0 1 1 *"), NOW)
        assert ticks.settle(connection, stale, DUE) == 0
        assert moments(connection) == []


def test_it_lets_two_schedulers_settle_the_same_moment_once(database: Database) -> None:
    with database.writing() as connection:
        plant(connection)
    with database.reading() as connection:
        one = [plan(due, DUE) for due in due_jobs.due(connection, DUE, 10)]
        two = [plan(due, DUE) for due in due_jobs.due(connection, DUE, 10)]
    with database.writing() as connection:
        assert ticks.settle(connection, one, DUE) == 1
    with database.writing() as connection:
        assert ticks.settle(connection, two, DUE) == 0
        assert moments(connection) == [(1.0, "queued", None)]


def test_it_skips_while_a_run_is_active_and_goes_on_after(database: Database) -> None:
    with database.writing() as connection:
        plant(connection)
        tick(connection)
        tick(connection, DUE + MINUTE)
        connection.execute(
            update(t.runs).where(t.runs.c.status == "queued").values(status="cancelled", reason="user", finished_at=NOW)
        )
        tick(connection, DUE + 2 * MINUTE)
        assert moments(connection) == [
            (1.0, "cancelled", "user"),
            (2.0, "skipped", "overlap"),
            (3.0, "queued", None),
        ]


def test_it_gives_overdue_moments_their_verdict_before_an_edit(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        late = DUE + timedelta(seconds=2)
        changed = cron_job_changes.save(connection, job, replace(_fields(job), expression="0 0 1 1 *"), late)
        assert moments(connection) == [(1.0, "queued", None)], "the moment of the old schedule is not swallowed"
        assert changed is not None
        assert changed.next_run_at is not None
        assert changed.next_run_at.isoformat() == "2027-01-01T00:00:00+00:00"
        assert changed.revision == job.revision + 1


def test_it_makes_a_pause_one_window(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        cron_job_pauses.suspend(connection, job, "holiday", NOW)
        paused = cron_jobs.by_id(connection, 1, job.id)
        assert paused is not None
        assert (paused.next_run_at, paused.suspended, paused.owed_from) == (None, True, DUE)
        assert due_jobs.due(connection, NOW + timedelta(days=9), 10) == []
        end = NOW + timedelta(days=2, seconds=30)
        resumed = cron_job_pauses.resume(connection, paused, end)
        assert resumed is not None
        assert resumed.next_run_at == NOW + timedelta(days=2, minutes=1)
        (window,) = windows.newest(connection, job.id)
        assert (window.from_at, window.to_at) == (DUE, NOW + timedelta(days=2))
        assert (window.count, window.reason) == (2 * 24 * 60, "paused")
        assert moments(connection) == []


def test_it_keeps_the_account_of_a_pause_when_the_schedule_is_edited_meanwhile(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        cron_job_pauses.suspend(connection, job, "", NOW)
        paused = cron_jobs.by_id(connection, 1, job.id)
        assert paused is not None
        edited_at = NOW + timedelta(minutes=10, seconds=1)
        edited = cron_job_changes.save(connection, paused, replace(_fields(job), expression="*/5 * * * *"), edited_at)
        assert edited is not None
        assert edited.next_run_at is None
        cron_job_pauses.resume(connection, edited, NOW + timedelta(minutes=21))
        assert [(w.count, (w.from_at - NOW) / MINUTE) for w in windows.newest(connection, job.id)] == [
            (2, 15.0),
            (10, 1.0),
        ]


def test_it_forgets_nothing_that_was_due_when_a_cron_job_is_deleted(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        cron_job_changes.remove(connection, job, DUE)
        assert moments(connection) == [(1.0, "queued", None)]
        assert cron_jobs.by_id(connection, 1, job.id) is None
        assert due_jobs.due(connection, DUE + timedelta(days=1), 10) == []
        again = make_cron_job(connection, make_function(connection, 1, "other"))
        assert again.id != job.id, "the name is free again"


def test_it_sends_one_alert_for_all_that_was_missed(database: Database) -> None:
    with database.writing() as connection:
        plant(connection)
        tick(connection, DUE + timedelta(hours=5))
        (alert,) = outbox.deliveries(connection, 1)
        assert alert.kind == "missed"
        assert alert.payload["count"] == 5 * 60 - 1, "the latest but one ran, the latest is on time"


def test_it_settles_many_in_one_round(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        for number in range(1200):
            make_cron_job(connection, function, name=f"job-{number}")
    with database.writing() as connection:
        plans = [plan(job, DUE) for job in due_jobs.due(connection, DUE, 2000)]
        assert ticks.settle(connection, plans, DUE) == 1200
        assert due_jobs.due(connection, DUE, 10) == []


def test_it_keeps_workspaces_apart(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        other = make_workspace(connection, name="Other")
        assert cron_jobs.by_id(connection, other.id, job.id) is None
        assert cron_jobs.all_of(connection, other.id) == []
        run_id = make_run(connection, make_function(connection, other.id))
        assert history.detail(connection, 1, run_id) is None
        assert history.history(connection, 1, history.Filter()) == []


def _fields(job: CronJob) -> CronJobFields:
    return CronJobFields(**{name: getattr(job, name) for name in CronJobFields.__dataclass_fields__})


def test_it_does_not_go_back_when_an_edit_was_begun_before_a_tick(database: Database) -> None:
    """The moment of a request is older than its transaction: a tick may have come in between."""
    with database.writing() as connection:
        job = plant(connection)
        tick(connection, DUE)
        saved = cron_job_changes.save(
            connection, job, replace(_fields(job), event='{"a":1}'), DUE - timedelta(seconds=1)
        )
        assert saved is not None
        assert saved.next_run_at == DUE + MINUTE
        resumed_from = cron_jobs.by_id(connection, 1, job.id)
        assert resumed_from is not None
        cron_job_pauses.suspend(connection, resumed_from, "", DUE - timedelta(seconds=1))
        resumed = cron_job_pauses.resume(connection, resumed_from, DUE - timedelta(seconds=1))
        assert resumed is not None
        assert resumed.next_run_at == DUE + MINUTE


def test_it_leaves_a_moment_alone_that_has_its_verdict(database: Database) -> None:
    """Whatever brought next_run_at back: the others of the same round must not suffer."""
    with database.writing() as connection:
        plant(connection)
        other = make_cron_job(connection, make_function(connection, 1, "other"), name="other", now=NOW)
        tick(connection, DUE)
        connection.execute(update(t.cron_jobs).values(next_run_at=DUE))
        connection.execute(update(t.cron_jobs).where(t.cron_jobs.c.id == other.id).values(next_run_at=DUE + MINUTE))
        tick(connection, DUE + MINUTE)
        found = connection.execute(select(t.runs.c.cron_job_id, t.runs.c.scheduled_for)).all()
        assert len(found) == len(set(found)) == 4


def test_it_deletes_the_cron_jobs_of_a_function_with_their_account(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        functions.remove(connection, 1, job.function_id, DUE + timedelta(seconds=1))
        assert moments(connection) == [(1.0, "cancelled", "user")], "it had its verdict, and then nobody wanted it"
        assert look(connection, NOW).next_due is None


def test_it_deletes_a_cron_job_whose_zone_is_gone(database: Database) -> None:
    with database.writing() as connection:
        job = plant(connection)
        connection.execute(update(t.cron_jobs).values(timezone="Atlantis/Capital"))
        gone = cron_jobs.by_id(connection, 1, job.id)
        assert gone is not None
        cron_job_changes.remove(connection, gone, DUE + timedelta(seconds=1))
        assert cron_jobs.by_id(connection, 1, job.id) is None
