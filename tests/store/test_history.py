"""The history as pages read it, and the end of a long log. On both databases."""

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event

from hexasched.domain.outcomes import Outcome, Reason, Status
from hexasched.domain.ticks import plan
from hexasched.store import (
    accounts,
    builds,
    claiming,
    due_jobs,
    finishing,
    function_versions,
    functions,
    history,
    logs,
    memberships,
    outbox,
    schema,
    ticks,
    waiting,
)
from hexasched.store.database import Connection, Database
from hexasched.store.function_list import overviews
from hexasched.store.history import Filter
from hexasched.store.logs import Chunk
from tests.factories import NOW, make_cron_job, make_function, make_program, make_run, make_workspace

FAILED = Outcome(status=Status.FAILED, reason=Reason.ERROR)
OK = Outcome(status=Status.SUCCEEDED, reason=Reason.OK)


def _end(connection: Connection, outcome: Outcome, *, after: timedelta = timedelta()) -> int:
    """The run that waits longest ends; its id."""
    [claim] = claiming.claim(connection, "w1", 1, NOW + after)
    assert finishing.finish(connection, claim, outcome, NOW + after)
    return claim.run_id


def test_it_finds_the_newest_run_of_each_cron_job(database: Database) -> None:
    with database.writing() as connection:
        mine, other = make_workspace(connection).id, make_workspace(connection).id
        function, foreign = make_function(connection, mine), make_function(connection, other)
        job, quiet = make_cron_job(connection, function), make_cron_job(connection, function, name="quiet")
        theirs = make_cron_job(connection, foreign)
        make_run(connection, function, cron_job_id=job.id)
        newest = make_run(connection, function, cron_job_id=job.id)
        make_run(connection, function)
        make_run(connection, foreign, cron_job_id=theirs.id)
        found = history.latest_of_cron_jobs(connection, mine, [job.id, quiet.id, theirs.id])
    assert {cron_job_id: run.id for cron_job_id, run in found.items()} == {job.id: newest}
    assert quiet.id not in found


def test_it_finds_all_attempts_from_each_of_them(database: Database) -> None:
    due = NOW + timedelta(minutes=1)
    with database.writing() as connection:
        workspace_id = make_workspace(connection).id
        function = make_function(connection, workspace_id)
        make_cron_job(connection, function, max_attempts=3)
        [job] = due_jobs.due(connection, due, 10)
        ticks.settle(connection, [plan(job, due)], due)
        wait = timedelta(minutes=1)
        expected = []
        for outcome in (FAILED, FAILED, OK):
            expected.append(_end(connection, outcome, after=wait))
            wait += timedelta(minutes=1)
            make_run(connection, function, now=NOW + timedelta(days=1))
        for run_id in expected:
            run = history.detail(connection, workspace_id, run_id)
            assert run
            assert [attempt.id for attempt in history.attempts(connection, run)] == expected


def test_it_finds_runs_of_several_statuses(database: Database) -> None:
    with database.writing() as connection:
        workspace_id = make_workspace(connection).id
        function = make_function(connection, workspace_id)
        made = [make_run(connection, function) for _ in range(3)]
        _end(connection, FAILED)
        _end(connection, OK)
        wanted = Filter(statuses=(Status.FAILED, Status.QUEUED))
        found = history.history(connection, workspace_id, wanted)
    assert [run.id for run in found] == [made[2], made[0]]


def test_it_reads_the_end_of_a_log_up_to_a_position(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        run_id = make_run(connection, function)
        chunks = [
            Chunk(fence=fence, seq=seq, stream="o", at=NOW, data=b"%d-%d " % (fence, seq))
            for fence in (1, 2)
            for seq in (1, 2, 3)
        ]
        logs.append(connection, "run", run_id, chunks[:3])
        logs.append(connection, "run", run_id, chunks[3:])

        def newest(size: int, count: int = 100, until: tuple[int, int] | None = None) -> list[Chunk]:
            return logs.newest(connection, "run", run_id, size, count=count, until=until)

        assert newest(1000) == chunks
        assert newest(8) == chunks[4:]
        assert newest(1000, count=1) == chunks[5:]
        assert newest(1000, until=(2, 1)) == chunks[:4]
        assert newest(4, until=(1, 3)) == chunks[2:3]
        assert logs.tail(connection, "run", run_id, 4) == b"2-3 "


def test_it_takes_in_only_who_is_in_no_workspace(database: Database) -> None:
    with database.writing() as connection:
        mine, other = make_workspace(connection).id, make_workspace(connection).id

        def take_in(email: str, workspace_id: int) -> bool:
            return accounts.take_in(
                connection, workspace_id=workspace_id, email=email, password_hash="new", role="viewer", now=NOW
            )

        assert take_in("Viewer@example.org", mine)
        assert not take_in("viewer@example.org", other)
        assert not take_in("viewer@example.org", mine)
        user = accounts.user_by_email(connection, "viewer@example.org")
        assert user
        memberships.set_role(connection, mine, user.id, "owner")
        assert not memberships.remove_member(connection, mine, user.id)
        assert take_in("owner@example.org", mine)
        memberships.set_role(connection, mine, user.id + 1, "owner")
        assert memberships.remove_member(connection, mine, user.id)
        assert take_in("viewer@example.org", other)
        again = accounts.user_by_email(connection, "viewer@example.org")
        assert again and again.session_version == user.session_version + 1


def test_no_page_passes_by_all_runs(tmp_path: Path) -> None:
    asked: list[tuple[str, Any]] = []
    with Database(f"sqlite:///{tmp_path}/test.db") as database:
        schema.migrate(database)
        with database.writing() as connection:
            workspace_id = make_workspace(connection).id
            function = make_function(connection, workspace_id)
            job = make_cron_job(connection, function)

        @event.listens_for(database.engine, "before_cursor_execute")
        def _note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
            asked.append((statement, parameters))

        with database.reading() as connection:
            history.counts(connection, workspace_id, NOW)
            history.latest_of_cron_jobs(connection, workspace_id, [job.id])
            overviews(connection, workspace_id)
            outbox.deliveries(connection, workspace_id)
            outbox.undelivered(connection, workspace_id)
            waiting.left_behind(connection, function)
            for statuses in ((), (Status.FAILED,), (Status.QUEUED, Status.RUNNING)):
                for wanted in (Filter(), Filter(function_id=job.function_id), Filter(cron_job_id=job.id)):
                    history.history(connection, workspace_id, replace(wanted, statuses=statuses, before=9))
            plans = [
                row[3]
                for statement, parameters in list(asked)
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]
    assert [line for line in plans if line.startswith("SCAN runs")] == []
    looked = Counter(re.findall(r"SEARCH (?:runs|last) USING .*?(ix_runs_\w+)", "\n".join(plans)))
    # Of all runs of a workspace only the newest of all are wanted; counts are made in the index alone.
    assert looked["ix_runs_workspace"] == 1
    assert looked["ix_runs_workspace_status"] == 3
    assert (looked["ix_runs_function"], looked["ix_runs_cron_job"]) == (2, 2)
    assert (looked["ix_runs_function_status"], looked["ix_runs_cron_job_status"]) == (4, 3)
    [counted] = [line for line in plans if "ix_runs_workspace_ended" in line]
    assert "COVERING" in counted and "finished_at" in counted


def test_it_moves_only_what_still_waits_and_only_to_the_live_version(database: Database) -> None:
    with database.writing() as connection:
        workspace_id = make_workspace(connection).id
        before = make_function(connection, workspace_id)
        begun, kept = make_run(connection, before), make_run(connection, before)
        tested = make_run(connection, before, trigger="test")
        assert [claim.run_id for claim in claiming.claim(connection, "w1", 1, NOW)] == [begun]
        version_id = function_versions.add_version(
            connection, before.id, make_program(), draft=False, user_id=None, now=NOW
        )
        builds.save_version(connection, version_id, state="ready", analysis=None, lockfile=None, artifact_id=None)
        assert waiting.move(connection, before.id, version_id) is None
        assert function_versions.activate(connection, before.id, version_id)
        function = functions.by_id(connection, workspace_id, before.id)
        assert function and waiting.left_behind(connection, function) == 1
        assert waiting.move(connection, before.id, version_id) == 1
        assert waiting.left_behind(connection, function) == 0
        used = {run_id: history.detail(connection, workspace_id, run_id) for run_id in (begun, kept, tested)}
    numbers = [run and run.version_number for run in used.values()]
    assert numbers == [1, 2, 1]
