"""What the audit knows: every change of a CronJob with all that decides when it is due, names of variables only."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from hexasched.domain.functions import EnvVar
from hexasched.domain.ticks import Blackout
from hexasched.secrets import load_key_ring
from hexasched.store import (
    audit,
    blackouts,
    cron_job_changes,
    cron_job_pauses,
    cron_jobs,
    deploys,
    due_jobs,
    env_vars,
    functions,
    ticks,
)
from hexasched.store import tables as t
from hexasched.store.cron_jobs import CronJob
from hexasched.store.database import Connection, Database
from tests.factories import NOW, make_cron_job, make_function, make_program, make_workspace

MINUTE = timedelta(minutes=1)


def actions(connection: Connection) -> list[str]:
    return [entry.action for entry in reversed(audit.entries(connection, 1))]


def current(connection: Connection, job: CronJob) -> CronJob:
    found = cron_jobs.by_id(connection, job.workspace_id, job.id)
    assert found
    return found


def test_it_knows_at_every_moment_when_a_cron_job_was_due_next(database: Database) -> None:
    with database.writing() as connection:
        job = make_cron_job(connection, make_function(connection, make_workspace(connection).id), event='{"key":"s3"}')
        cron_job_changes.save(connection, job, make_fields(job, expression="0 9 * * *"), NOW + MINUTE)
        cron_job_pauses.suspend(connection, current(connection, job), "Holidays", NOW + 2 * MINUTE)
        cron_job_pauses.resume(connection, current(connection, job), NOW + 3 * MINUTE)
        cron_job_changes.remove(connection, current(connection, job), NOW + 4 * MINUTE)
        found = [entry for entry in reversed(audit.entries(connection, 1)) if entry.action.startswith("cron_job.")]
        assert [entry.action for entry in found] == [f"cron_job.{did}" for did in DEEDS]
        assert [entry.detail["revision"] for entry in found] == [1, 2, 3, 4, 5]
        nine = datetime.fromisoformat("2026-11-23T09:00:00+00:00")
        due = [entry.detail["next_run_at"] for entry in found]
        assert due == [(NOW + MINUTE).isoformat(), nine.isoformat(), None, nine.isoformat(), None]
        assert found[1].detail["expression"] == "0 9 * * *" and found[2].detail["suspend_reason"] == "Holidays"
        assert found[0].detail["max_attempts"] == 1 and found[0].detail["timezone"] == "UTC"
        assert "s3" not in json.dumps([entry.detail for entry in found]), "a payload may hold a secret"


DEEDS = ("create", "edit", "pause", "resume", "delete")


def make_fields(job: CronJob, **changes: Any) -> cron_jobs.CronJobFields:
    kept = {name: getattr(job, name) for name in cron_jobs.CronJobFields.__dataclass_fields__}
    return cron_jobs.CronJobFields(**(kept | changes))


def test_a_change_that_is_taken_back_leaves_no_trace(database: Database) -> None:
    with database.writing() as connection:
        job = make_cron_job(connection, make_function(connection, make_workspace(connection).id))
        before = actions(connection)
    with database.engine.connect() as connection:
        cron_job_pauses.suspend(connection, job, "", NOW)
        assert len(actions(connection)) == len(before) + 1
        connection.rollback()
    with database.reading() as connection:
        assert actions(connection) == before


def test_what_happens_to_a_function_names_its_variables_but_not_their_values(
    database: Database, tmp_path: Path
) -> None:
    with database.writing() as connection:
        function = make_function(connection, make_workspace(connection).id)
        keys = load_key_ring(tmp_path)
        wanted = {"TOKEN": EnvVar(name="TOKEN", value="hush-hush", secret=True)}
        env_vars.save(connection, keys, function.id, wanted, NOW)
        env_vars.save(connection, keys, function.id, {}, NOW)
        deploys.deploy(connection, function, make_program(), None, NOW)
        functions.remove(connection, 1, function.id, NOW)
        rows = connection.execute(select(t.audit.c.action, t.audit.c.detail).order_by(t.audit.c.id)).all()
        deeds = ["function.create", "env.change", "env.change", "function.deploy", "function.delete"]
        assert [row.action for row in rows] == deeds
        assert rows[1].detail == {"set": ["TOKEN"], "removed": []}
        assert rows[2].detail == {"set": [], "removed": ["TOKEN"]}
        assert rows[3].detail == {"version": 2}
        assert "hush" not in str(rows)


def test_blackouts_and_cron_jobs_that_were_put_aside_are_in_it(database: Database) -> None:
    with database.writing() as connection:
        job = make_cron_job(connection, make_function(connection, make_workspace(connection).id))
        dark = Blackout(name="Inventory", from_at=NOW, to_at=NOW + MINUTE)
        number = blackouts.add(connection, 1, dark, job.id, NOW)
        blackouts.remove(connection, 1, number, NOW)
        assert actions(connection)[-2:] == ["blackout.add", "blackout.remove"]
        [due] = due_jobs.due(connection, NOW + MINUTE, 10)
        ticks.put_aside(connection, due, "Its zone is gone.", NOW + MINUTE)
        [aside] = audit.entries(connection, 1, action="cron_job.pause")
        assert aside.detail["suspend_reason"] == "Its zone is gone." and aside.detail["revision"] == 2
        [entry] = audit.entries(connection, 1, action="blackout.add")
        assert entry.detail["cron_job_id"] == job.id and entry.detail["to_at"] == (NOW + MINUTE).isoformat()


def test_a_workspace_sees_its_own_entries_and_the_instances(database: Database) -> None:
    with database.writing() as connection:
        mine, other = make_workspace(connection), make_workspace(connection)
        for place in (mine.id, other.id, None):
            audit.note(connection, "login.failed", f"from {place}", NOW, workspace_id=place, by=None)
        seen = [entry.object for entry in audit.entries(connection, mine.id)]
        assert seen == ["from None", f"from {mine.id}"]
        [older] = audit.entries(connection, mine.id, before=audit.entries(connection, mine.id, limit=1)[0].id)
        assert older.object == f"from {mine.id}"
