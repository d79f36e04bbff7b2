"""Functions, versions, environment, builds, artifacts and accounts in the database. On both databases."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from hexasched.domain.functions import EnvVar
from hexasched.errors import StoreBusyError, StoreError
from hexasched.secrets import KeyRing
from hexasched.store import (
    accounts,
    artifacts,
    build_claims,
    builds,
    deploys,
    env_vars,
    function_versions,
    functions,
    logs,
    memberships,
    schema,
    throttle,
    work,
)
from hexasched.store import tables as t
from hexasched.store.database import Database
from hexasched.store.logs import Chunk
from tests.busy import held
from tests.factories import NOW, make_function, make_program, make_run, make_workspace

KEYS = KeyRing([(b"abcd", b"k" * 32)])


def test_it_numbers_versions_without_gaps_and_drafts_not_at_all(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id, live=False)
        for draft in (False, True, False):
            function_versions.add_version(connection, function.id, make_program(), draft=draft, user_id=None, now=NOW)
        assert [version.number for version in function_versions.versions(connection, function.id)] == [2, 1]


def test_it_gives_two_deploys_at_once_two_numbers(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id, live=False)
    start = threading.Barrier(4)

    def deploy() -> None:
        start.wait()
        with database.writing() as connection:
            deploys.deploy(connection, function, make_program(), None, NOW)

    threads = [threading.Thread(target=deploy) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with database.reading() as connection:
        assert [version.number for version in function_versions.versions(connection, function.id)] == [4, 3, 2, 1]


def test_it_lets_only_a_built_numbered_version_of_the_function_serve(database: Database) -> None:
    with database.writing() as connection:
        workspace = make_workspace(connection)
        function, other = make_function(connection, workspace.id), make_function(connection, workspace.id, "other")
        building = function_versions.add_version(
            connection, function.id, make_program(), draft=False, user_id=None, now=NOW
        )
        draft = function_versions.add_version(
            connection, function.id, make_program(), draft=True, user_id=None, now=NOW
        )
        builds.save_version(connection, draft, state="ready", analysis=None, lockfile=None, artifact_id=None)
        assert other.live_version_id is not None
        for wrong in (building, draft, other.live_version_id, 4711):
            assert not function_versions.activate(connection, function.id, wrong)
        found = functions.by_id(connection, workspace.id, function.id)
        assert found is not None
        assert found.live_version == 1


def test_it_keeps_the_environment_and_shows_no_secret(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        plain, secret = EnvVar(name="HOST", value="a", secret=False), EnvVar(name="KEY", value="s3", secret=True)
        env_vars.save(connection, KEYS, function.id, {"HOST": plain, "KEY": secret}, NOW)
        assert env_vars.values(connection, KEYS, function.id) == {"HOST": "a", "KEY": "s3"}
        assert env_vars.shown(connection, KEYS, function.id) == [
            plain,
            EnvVar(name="KEY", value=None, secret=True),
        ]
        kept = {"KEY": EnvVar(name="KEY", value=None, secret=True)}
        env_vars.save(connection, KEYS, function.id, kept, NOW)
        assert env_vars.values(connection, KEYS, function.id) == {"KEY": "s3"}
        env_vars.save(connection, KEYS, function.id, kept, NOW)
        found = functions.by_id(connection, function.workspace_id, function.id)
        assert found is not None
        assert found.env_revision == 2, "only what changed anything counts"


def test_it_frees_the_name_of_a_deleted_function_and_keeps_its_runs(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        make_run(connection, function)
        functions.remove(connection, function.workspace_id, function.id, NOW)
        assert functions.all_of(connection, function.workspace_id) == []
        assert make_function(connection, function.workspace_id, "hello").id != function.id
        assert connection.execute(select(t.runs.c.function_id)).scalars().all() == [function.id]


def test_it_reuses_the_packages_of_an_earlier_version(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id, live=False)
        artifacts.begin(connection, "sha", 3, NOW)
        artifacts.complete(connection, "sha")
        same = make_program(dependencies={"a": "1"})
        first = function_versions.add_version(connection, function.id, same, draft=False, user_id=None, now=NOW)
        builds.save_version(connection, first, state="ready", analysis=None, lockfile="{}", artifact_id="sha")
        started = deploys.deploy(connection, function, same, None, NOW)
        (claim,) = build_claims.claim(connection, "w", 5, NOW)
        assert claim.build_id == started.build_id
        assert work.load_build(connection, KEYS, claim).reusable == ("{}", "sha")
        other = deploys.deploy(connection, function, make_program(dependencies={"a": "2"}), None, NOW)
        (claim,) = build_claims.claim(connection, "w", 5, NOW)
        assert claim.build_id == other.build_id
        assert work.load_build(connection, KEYS, claim).reusable is None


def test_it_refuses_a_build_to_whoever_lost_it(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id, live=False)
        deploys.deploy(connection, function, make_program(), None, NOW)
        (old,) = build_claims.claim(connection, "w1", 5, NOW)
        assert builds.reap(connection, old, 0, NOW)
        (new,) = build_claims.claim(connection, "w2", 5, NOW)
        assert not builds.enter_stage(connection, old, "load", [])
        ended: dict[str, Any] = {"status": "succeeded", "reason": "ok", "stages": [], "result": None, "now": NOW}
        assert not builds.finish(connection, old, **ended)
        assert builds.finish(connection, new, **ended)


def test_it_reads_an_artifact_in_the_order_it_was_written(database: Database) -> None:
    with database.writing() as connection:
        artifacts.begin(connection, "sha", 3, NOW)
        for seq, data in enumerate((b"a", b"b", b"c")):
            artifacts.add_piece(connection, "sha", seq, data)
        assert not artifacts.has(connection, "sha")
        artifacts.complete(connection, "sha")
        assert artifacts.has(connection, "sha")
        assert b"".join(artifacts.pieces(connection, "sha")) == b"abc"


def test_two_workers_that_keep_the_same_packages_complete_each_other(database: Database) -> None:
    with database.writing() as connection:
        artifacts.begin(connection, "sha", 3, NOW)
        artifacts.add_piece(connection, "sha", 0, b"a")
    for _worker in range(2):
        with database.writing() as connection:
            artifacts.begin(connection, "sha", 3, NOW)
            for seq, data in enumerate((b"a", b"b", b"c")):
                artifacts.add_piece(connection, "sha", seq, data)
    with database.writing() as connection:
        artifacts.complete(connection, "sha")
        artifacts.complete(connection, "sha")
        assert b"".join(artifacts.pieces(connection, "sha")) == b"abc"


def test_it_takes_a_log_chunk_once(database: Database) -> None:
    with database.writing() as connection:
        run_id = make_run(connection, make_function(connection, make_workspace(connection).id))
        first = [Chunk(fence=1, seq=n, stream="o", at=NOW, data=bytes([64 + n])) for n in (1, 2)]
        logs.append(connection, "run", run_id, first)
        logs.append(connection, "run", run_id, [*first[1:], Chunk(fence=1, seq=3, stream="e", at=NOW, data=b"C")])
        assert [chunk.data for chunk in logs.read(connection, "run", run_id)] == [b"A", b"B", b"C"]
        assert [chunk.seq for chunk in logs.read(connection, "run", run_id, (1, 2))] == [3]
        assert logs.tail(connection, "run", run_id, 2) == b"BC"
        assert logs.end(connection, "run", run_id, 1) == 3


def test_it_makes_the_first_account_once(database: Database) -> None:
    first = {"password_hash": "h", "workspace": "W", "timezone": "UTC", "now": NOW}
    with database.writing() as connection:
        code = accounts.new_setup_code(connection)
        assert not accounts.check_setup_code(connection, code + "x")
        assert accounts.check_setup_code(connection, f" {code.upper()} ")
        assert accounts.create_first_account(connection, email="Owner@Example.org", **first) is not None  # type: ignore[arg-type]
        assert not accounts.check_setup_code(connection, code)
        assert accounts.create_first_account(connection, email="other@example.org", **first) is None  # type: ignore[arg-type]
        assert accounts.user_by_email(connection, "OWNER@example.org") is not None


def test_it_keeps_the_last_owner(database: Database) -> None:
    with database.writing() as connection:
        workspace = make_workspace(connection)
        people = [
            accounts.create_user(
                connection,
                workspace_id=workspace.id,
                email=f"{role}@example.org",
                password_hash="h",
                role=role,
                now=NOW,
            )
            for role in ("owner", "developer")
        ]
        owner, developer = (person.id for person in people if person)
        assert not memberships.set_role(connection, workspace.id, owner, "viewer")
        assert not memberships.remove_member(connection, workspace.id, owner)
        assert memberships.set_role(connection, workspace.id, developer, "owner")
        assert memberships.remove_member(connection, workspace.id, owner)
        assert [(m.email, m.role) for m in memberships.members(connection, workspace.id)] == [
            ("developer@example.org", "owner")
        ]


def test_it_throttles_an_account_for_a_while(database: Database) -> None:
    buckets = ["account:owner@example.org", "address:127.0.0.1"]
    with database.writing() as connection:
        for _ in range(throttle.LOG_INS.limit):
            assert throttle.until(connection, throttle.LOG_INS, buckets, NOW) is None
            throttle.note(connection, throttle.LOG_INS, buckets, NOW)
        assert throttle.until(connection, throttle.LOG_INS, buckets, NOW) == NOW + throttle.LOG_INS.window
        later = NOW + throttle.LOG_INS.window + timedelta(seconds=1)
        assert throttle.until(connection, throttle.LOG_INS, buckets, later) is None


def test_it_has_the_same_schema_as_the_code(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.reading() as connection:
        found = compare_metadata(MigrationContext.configure(connection), t.metadata)
    assert [difference for difference in found if "fk_functions_live_version_id" not in str(difference)] == []


def test_it_knows_the_revisions_without_the_tool_that_migrates() -> None:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))
    assert [script.revision for script in scripts.walk_revisions()][::-1] == list(schema.revisions())


def test_it_migrates_once_when_two_start_together(database_url: str) -> None:
    failures: list[BaseException] = []

    def migrate() -> None:
        database = Database(database_url)
        try:
            schema.migrate(database)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=migrate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    with Database(database_url) as database:
        schema.check(database)


def test_it_refuses_a_newer_schema_and_writes_nothing(database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for attempt in (schema.migrate, schema.check):
        with pytest.raises(StoreError, match="newer HexaSched"):
            attempt(database)


def test_it_says_what_can_not_be_used(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("broken")
    (folder / "broken.db").write_bytes(b"this is not a database" * 100)
    lasting, passing = StoreError.exit_status, StoreBusyError.exit_status
    assert lasting != passing
    urls = {f"sqlite:///{folder}/{name}.db": lasting for name in ("broken", "no/folder")}
    urls |= {"postgresql://nobody@127.0.0.1:1/x": passing}
    for url, status in urls.items():
        for attempt in (schema.migrate, schema.check):
            with Database(url) as database, pytest.raises(StoreError, match="can't be used") as caught:
                attempt(database)
            assert caught.value.exit_status == status


def test_a_database_that_is_busy_may_be_migrated_later(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path}/new.db") as database:
        with held(database), pytest.raises(StoreBusyError, match=r"new\.db can't be used: database is locked"):
            schema.migrate(database)
        schema.migrate(database)


def test_it_has_foreign_keys_that_hold(database: Database) -> None:
    with pytest.raises(DBAPIError), database.writing() as connection:
        make_function(connection, 4711)


def test_it_lets_a_slow_older_deploy_not_replace_a_newer_one(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        ids = [
            function_versions.add_version(connection, function.id, make_program(), draft=False, user_id=None, now=NOW)
            for _ in range(2)
        ]
        for version_id in reversed(ids):
            builds.save_version(connection, version_id, state="ready", analysis=None, lockfile=None, artifact_id=None)
        assert function_versions.activate_built(connection, function.id, ids[1])
        assert not function_versions.activate_built(connection, function.id, ids[0])
        found = functions.by_id(connection, function.workspace_id, function.id)
        assert found is not None
        assert found.live_version == 3
        assert function_versions.activate(connection, function.id, ids[0]), "a person may still go back to it"


def test_it_ends_the_test_run_of_a_draft_that_could_not_be_begun(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        started = deploys.test_draft(connection, function, make_program(), "{}", None, NOW)
        (claim,) = build_claims.claim(connection, "w1", 1, NOW)
        builds.fail_internally(connection, claim, "Why.", NOW)
        ended = connection.execute(select(t.runs.c.status).where(t.runs.c.id == started.run_id)).scalar()
        assert ended == "failed"


def test_it_does_not_fail_a_version_that_somebody_else_is_building(database: Database) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id, live=False)
        started = deploys.deploy(connection, function, make_program(), None, NOW)
        (old,) = build_claims.claim(connection, "w1", 1, NOW)
        builds.reap(connection, old, 0, NOW)
        build_claims.claim(connection, "w2", 1, NOW)
        builds.fail_internally(connection, old, "Why.", NOW)
        version = function_versions.version(connection, function.id, started.version_id)
        assert version is not None
        assert version.state == "building"
