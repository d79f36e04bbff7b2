"""The list of functions in one query, and what two people do at the same moment. On both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

from hexasched.domain.outcomes import Reason, Status
from hexasched.store import accounts, builds, function_versions, functions, history, runs
from hexasched.store.database import Database
from hexasched.store.function_list import Overview, overviews
from tests.factories import NOW, make_cron_job, make_function, make_program, make_run, make_workspace


def _listed(database: Database, workspace_id: int) -> list[Overview]:
    with database.reading() as connection:
        return overviews(connection, workspace_id)


def test_it_lists_each_function_with_its_versions_cron_jobs_and_last_run(database: Database) -> None:
    with database.writing() as connection:
        mine, other = make_workspace(connection).id, make_workspace(connection).id
        make_function(connection, other, "elsewhere")
        function = make_function(connection, mine, "hello")
        make_function(connection, mine, "bare", live=False)
        functions.remove(connection, mine, make_function(connection, mine, "gone").id, NOW)
        newest = function_versions.add_version(
            connection, function.id, make_program(), draft=False, user_id=None, now=NOW
        )
        builds.save_version(connection, newest, state="failed", analysis=None, lockfile=None, artifact_id=None)
        function_versions.add_version(connection, function.id, make_program(), draft=True, user_id=None, now=NOW)
        make_cron_job(connection, function)
        make_cron_job(connection, function, name="hourly")
        make_run(connection, function)
        last = make_run(connection, function, now=NOW + timedelta(minutes=1))
        make_run(connection, function, trigger="test")
        runs.request_cancel(connection, mine, last, NOW)
    bare, hello = _listed(database, mine)
    assert (bare.name, bare.live_version, bare.newest_version, bare.runtime, bare.last_run_id) == ("bare", *[None] * 4)
    assert bare.cron_jobs == 0
    assert (hello.live_version, hello.newest_version, hello.newest_state) == (1, 2, "failed")
    assert (hello.runtime, hello.cron_jobs) == ("node24", 2)
    assert (hello.last_run_id, hello.last_status, hello.last_reason) == (last, Status.CANCELLED, Reason.USER)
    assert hello.last_created_at == NOW + timedelta(minutes=1)


def test_a_draft_belongs_to_who_tested_it(database: Database) -> None:
    with database.writing() as connection:
        workspace_id = make_workspace(connection).id
        function = make_function(connection, workspace_id)
        values: dict[str, Any] = {"workspace_id": workspace_id, "password_hash": "", "role": "developer", "now": NOW}
        users = [
            accounts.create_user(connection, email=f"{name}@example.org", **values) for name in ("owner", "viewer")
        ]
        owner, viewer = (user.id for user in users if user)
        for source in ("let first;", "let second;"):
            program = make_program(source=source)
            function_versions.add_version(connection, function.id, program, draft=True, user_id=owner, now=NOW)
        draft = function_versions.newest_draft(connection, function.id, owner)
        assert draft and (draft.number, draft.program.source) == (None, "let second;")
        assert function_versions.newest_draft(connection, function.id, viewer) is None


def test_it_makes_one_run_of_requests_that_come_at_the_same_moment(database: Database) -> None:
    with database.writing() as connection:
        workspace_id = make_workspace(connection).id
        function = make_function(connection, workspace_id)
    start = Barrier(4)

    def enqueue(_: int) -> int:
        start.wait()
        with database.writing() as connection:
            return make_run(connection, function, idempotency_key="form-1")

    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(enqueue, range(4)))
    assert len(made) == 1
    with database.reading() as connection:
        assert len(history.history(connection, workspace_id, history.Filter())) == 1


def test_it_makes_one_function_of_a_name_at_the_same_moment(database: Database) -> None:
    with database.writing() as connection:
        workspace_id = make_workspace(connection).id
    start = Barrier(4)

    def create(_: int) -> bool:
        start.wait()
        with database.writing() as connection:
            return functions.create(connection, workspace_id, "hello", "", NOW) is not None

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(create, range(4))) == [False, False, False, True]
