"""What is forgotten with time, and what never is."""

import threading
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, update

from hexasched.domain.gaps import Gap
from hexasched.domain.outcomes import Outcome, Reason, Status
from hexasched.scheduler.cleaning import clean
from hexasched.store import (
    artifacts,
    audit,
    batches,
    build_claims,
    builds,
    claiming,
    deploys,
    downtimes,
    finishing,
    logs,
    old_runs,
    outbox,
    retention,
    runs,
    windows,
)
from hexasched.store import tables as t
from hexasched.store.cron_jobs import CronJob
from hexasched.store.database import Connection, Database
from hexasched.store.functions import Function
from hexasched.store.logs import Chunk
from tests.factories import NOW, make_cron_job, make_function, make_program, make_run, make_workspace

DAY = timedelta(days=1)
KEPT = 100 * DAY
OK = Outcome(status=Status.SUCCEEDED, reason=Reason.OK)
BAD = Outcome(status=Status.FAILED, reason=Reason.ERROR)


def plant(connection: Connection) -> Function:
    return make_function(connection, make_workspace(connection).id)


def ended(connection: Connection, function: Function, age: timedelta, outcome: Outcome = OK) -> int:
    """A run that ended so long ago, with a line in its log."""
    run_id = make_run(connection, function, now=NOW - age)
    [claim] = claiming.claim(connection, "w1", 1, NOW - age)
    chunk = Chunk(fence=claim.fence, seq=6, stream="o", at=NOW - age, data=b"hello\n")
    logs.append(connection, "run", run_id, [chunk])
    assert finishing.finish(connection, claim, outcome, NOW - age)
    return run_id


def ticked(connection: Connection, job: CronJob, ages: list[int], status: str = "succeeded") -> None:
    """Runs of a CronJob that were due and ended so many days ago, as the scheduler's moments are."""
    reason = {"succeeded": "ok", "failed": "error", "missed": "server_down"}[status]
    version_id = connection.execute(select(t.runs.c.version_id).limit(1)).scalar() or 1
    for age in ages:
        moment = NOW - age * DAY
        values = {"workspace_id": job.workspace_id, "function_id": job.function_id, "version_id": version_id}
        values |= {"cron_job_id": job.id, "trigger": "cron", "status": status, "reason": reason}
        times = dict.fromkeys(("scheduled_for", "available_at", "created_at", "finished_at"), moment)
        connection.execute(insert(t.runs).values(values | times))


def cleaned(database: Database, kept: timedelta = KEPT) -> dict[str, int]:
    return {name: count for name, count in clean(database, NOW, kept, threading.Event(), 0).items() if count}


def count(connection: Connection, table: object) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def ages(connection: Connection, job: CronJob) -> list[int]:
    query = select(t.runs.c.scheduled_for).where(t.runs.c.cron_job_id == job.id).order_by(t.runs.c.scheduled_for)
    return [(NOW - moment).days for moment in connection.execute(query).scalars()]


def test_old_runs_go_with_their_logs_and_nothing_else_does(database: Database) -> None:
    with database.writing() as connection:
        function = plant(connection)
        old = [ended(connection, function, 101 * DAY), ended(connection, function, 100 * DAY + timedelta(seconds=1))]
        young = ended(connection, function, 99 * DAY)
        waits = make_run(connection, function, now=NOW - 300 * DAY)
    assert cleaned(database) == {"runs": 2}
    with database.reading() as connection:
        left = list(connection.execute(select(t.runs.c.id).order_by(t.runs.c.id)).scalars())
        assert left == [young, waits] and not set(left) & set(old)
        assert list(connection.execute(select(t.log_chunks.c.run_id)).scalars()) == [young]
    assert cleaned(database) == {}


def test_the_last_run_of_a_cron_job_and_what_keeps_its_moments_single_stay(database: Database) -> None:
    with database.writing() as connection:
        function = plant(connection)
        rare = make_cron_job(connection, function, name="rare")
        ticked(connection, rare, [300, 200, 150])
        often = make_cron_job(connection, function, name="often")
        ticked(connection, often, [120, 41, 39, 1])
    assert cleaned(database, 20 * DAY) == {"runs": 4}
    with database.reading() as connection:
        assert ages(connection, rare) == [150]
        assert ages(connection, often) == [39, 1], "whatever is configured: a row of 40 days guards its moment"


def test_a_cron_job_keeps_as_many_as_its_own_limits_say(database: Database) -> None:
    with database.writing() as connection:
        function = plant(connection)
        job = make_cron_job(connection, function, successful_history_limit=2, failed_history_limit=0)
        other = make_cron_job(connection, function, name="other")
        for owner in (job, other):
            ticked(connection, owner, [90, 80, 70, 60, 50, 1])
            ticked(connection, owner, [89, 2], "failed")
            ticked(connection, owner, [88, 3], "missed")
        manual = [ended(connection, function, age * DAY) for age in (65, 5)]
        connection.execute(update(t.runs).where(t.runs.c.id.in_(manual)).values(trigger="manual"))
    assert cleaned(database) == {"runs over a limit": 5}
    with database.reading() as connection:
        assert ages(connection, job) == [88, 50, 3, 2, 1], "missed ones are not runs; 2 is no 40 days ago"
        assert len(ages(connection, other)) == 10


def test_a_retry_outlives_what_it_repeats(database: Database) -> None:
    with database.writing() as connection:
        function = plant(connection)
        first = ended(connection, function, 101 * DAY, BAD)
        second = ended(connection, function, 3 * DAY)
        connection.execute(update(t.runs).where(t.runs.c.id == second).values(retry_of=first))
    assert cleaned(database) == {"runs": 1}
    with database.reading() as connection:
        assert connection.execute(select(t.runs.c.id, t.runs.c.retry_of)).all() == [(second, None)]


def test_large_logs_make_small_transactions(database: Database) -> None:
    with database.writing() as connection:
        function = plant(connection)
        for _ in range(5):
            ended(connection, function, 101 * DAY)
        connection.execute(update(t.runs).values(log_bytes=old_runs.BATCH_LOG_BYTES // 2))
    [sweep] = [one for one in retention.sweeps(NOW, KEPT) if one.name == "runs"]
    after: int | None = 0
    sizes = []
    while after is not None:
        with database.reading() as connection:
            batch = sweep.find(connection, after)
        sizes.append(len(batch.ids))
        after = batch.after
    assert sizes[:3] == [2, 2, 1]


def test_thousands_go_in_batches(database: Database) -> None:
    with database.writing() as connection:
        function = plant(connection)
        run_id = ended(connection, function, 101 * DAY)
        row = connection.execute(select(t.runs).where(t.runs.c.id == run_id)).one()._asdict()
        del row["id"]
        connection.execute(insert(t.runs), [row] * 1200)
        keep = ended(connection, function, DAY)
    assert cleaned(database) == {"runs": 1201}
    with database.reading() as connection:
        assert list(connection.execute(select(t.runs.c.id)).scalars()) == [keep]


def test_logs_of_old_builds_and_sent_messages_go(database: Database) -> None:
    with database.writing() as connection:
        function = plant(connection)
        for age in (101, 99):
            moment = NOW - age * DAY
            build_id = deploys.deploy(connection, function, make_program(), None, moment).build_id
            [claim] = build_claims.claim(connection, "w1", 1, moment)
            logs.append(connection, "build", build_id, [Chunk(fence=1, seq=1, stream="o", at=moment, data=b"x")])
            builds.finish(connection, claim, status="failed", reason="error", stages=[], result=None, now=moment)
        for age, sent in ((95, True), (95, False), (80, True)):
            moment = NOW - age * DAY
            outbox.add(connection, 1, f"{age}-{sent}", "test", "a@example.org", {}, moment)
            if sent:
                newest = connection.execute(select(func.max(t.outbox.c.id))).scalar_one()
                outbox.mark_sent(connection, newest, moment)
    assert cleaned(database) == {"logs of builds": 1, "messages": 1, "audit": 1}, "that of the older deploy"
    with database.reading() as connection:
        assert count(connection, t.builds) == 2 and count(connection, t.build_log_chunks) == 1
        left = connection.execute(select(t.outbox.c.dedupe_key).order_by(t.outbox.c.id)).scalars()
        assert list(left) == ["95-False", "80-True"]


def draft(connection: Connection, function: Function, at: datetime, *, ended: bool) -> int:
    started = deploys.test_draft(connection, function, make_program(), "{}", None, at)
    [claim] = build_claims.claim(connection, "w1", 1, at)
    if ended:
        builds.finish(connection, claim, status="failed", reason="error", stages=[], result=None, now=at)
        assert started.run_id is not None
        runs.give_up(connection, started.run_id, {"type": "E", "message": "m"}, at)
    return started.version_id


def test_drafts_go_after_a_week_with_their_test_runs_unless_something_goes_on(database: Database) -> None:
    with database.writing() as connection:
        function = plant(connection)
        draft(connection, function, NOW - 8 * DAY, ended=True)
        young = draft(connection, function, NOW - 6 * DAY, ended=True)
        busy = draft(connection, function, NOW - 9 * DAY, ended=False)
    assert cleaned(database) == {"drafts": 1}
    with database.reading() as connection:
        left = connection.execute(select(t.versions.c.id).where(t.versions.c.number.is_(None))).scalars()
        assert set(left) == {young, busy}
        assert count(connection, t.runs) == 2 and count(connection, t.builds) == 2


def test_packages_that_no_version_refers_to_go(database: Database) -> None:
    with database.writing() as connection:
        plant(connection)
        for name, age in (("used", 9), ("unused", 9), ("fresh", 0), ("kept again", 9)):
            artifacts.begin(connection, name, 3, NOW - age * DAY)
            artifacts.add_piece(connection, name, 0, b"abc")
            artifacts.complete(connection, name)
        artifacts.begin(connection, "kept again", 3, NOW)
        connection.execute(update(t.versions).values(artifact_id="used"))
    assert cleaned(database) == {"packages": 1}
    with database.reading() as connection:
        left = connection.execute(select(t.artifacts.c.id).order_by(t.artifacts.c.id)).scalars()
        assert list(left) == ["fresh", "kept again", "used"]
        assert count(connection, t.artifact_chunks) == 3


def test_it_stops_when_it_is_told(database: Database) -> None:
    with database.writing() as connection:
        ended(connection, plant(connection), 101 * DAY)
    stopped = threading.Event()
    stopped.set()
    assert sum(clean(database, NOW, KEPT, stopped, 0).values()) == 0


def test_old_notes_go_but_for_what_tells_a_cron_jobs_schedule(database: Database) -> None:
    with database.writing() as connection:
        job = make_cron_job(connection, plant(connection))
        connection.execute(delete(t.audit))
        for age in (101, 99):
            moment = NOW - age * DAY
            for action in ("login.failed", "cron_job.create", "cron_job.edit", "cron_job.pause"):
                audit.note(connection, action, "it", moment, workspace_id=1, by=None)
            downtimes.add(connection, Gap(kind="stopped", from_at=moment - DAY, to_at=moment), moment)
            window = {"from_at": moment - DAY, "to_at": moment, "count": 7, "reason": "paused", "created_at": moment}
            connection.execute(insert(t.windows).values(window | {"cron_job_id": job.id}))
    assert cleaned(database) == {"audit": 2, "windows": 1, "downtimes": 1}
    with database.reading() as connection:
        left = [(one.action, (NOW - one.at).days) for one in audit.entries(connection, 1)]
        assert sorted(age for _, age in left) == [99] * 4 + [101] * 2
        assert {action for action, age in left if age == 101} == {"cron_job.create", "cron_job.edit"}
        assert [gap.to_at for gap in downtimes.newest(connection, 9)] == [NOW - 99 * DAY]
        assert count(connection, t.windows) == 1
    assert cleaned(database) == {}


def test_a_window_that_still_grew_lately_stays_and_does_not_keep_others(database: Database) -> None:
    freezes = batches.BATCH + 1
    with database.writing() as connection:
        job = make_cron_job(connection, plant(connection))
        connection.execute(delete(t.audit))
        made = NOW - 200 * DAY
        window = {"cron_job_id": job.id, "from_at": made, "count": 7, "created_at": made, "note": "Freeze"}
        growing = [window | {"from_at": made + n * DAY / 1000, "to_at": NOW - DAY} for n in range(freezes)]
        connection.execute(insert(t.windows), [row | {"reason": "blackout"} for row in growing])
        over = window | {"from_at": made - DAY, "to_at": made, "reason": "paused"}
        connection.execute(insert(t.windows).values(over))
    assert cleaned(database) == {"windows": 1}
    with database.reading() as connection:
        assert count(connection, t.windows) == freezes
        assert windows.between(connection, job.id, NOW - 2 * DAY, NOW - 2 * DAY), (
            "yesterday's moments have their verdict"
        )


def test_a_window_that_grows_between_the_look_and_the_deletion_stays(database: Database) -> None:
    with database.writing() as connection:
        job = make_cron_job(connection, plant(connection))
        old = dict.fromkeys(("from_at", "to_at", "created_at"), NOW - 101 * DAY)
        values = old | {"cron_job_id": job.id, "count": 1, "reason": "blackout", "note": "Freeze"}
        connection.execute(insert(t.windows).values(values))
        [sweep] = [one for one in retention.sweeps(NOW, KEPT) if one.name == "windows"]
        found = sweep.find(connection, 0)
        assert len(found.ids) == 1
        connection.execute(update(t.windows).values(to_at=NOW, count=2))
        assert sweep.delete(connection, found.ids) == 0
