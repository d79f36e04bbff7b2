"""Rows as tests need them, with defaults that are fine."""

from datetime import UTC, datetime
from typing import Any

from hexasched.domain.limits import Limits
from hexasched.store import builds, cron_job_changes, function_versions, functions, runs, workspaces
from hexasched.store.cron_jobs import CronJob, CronJobFields
from hexasched.store.database import Connection
from hexasched.store.function_versions import Program
from hexasched.store.functions import Function
from hexasched.store.runs import NewRun

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SOURCE = "export default async () => 'hello';\n"


def make_workspace(connection: Connection, **overrides: Any) -> workspaces.Workspace:
    values: dict[str, Any] = {
        "name": "Team",
        "timezone": "UTC",
        "alert_email": "owner@example.org",
        "now": NOW,
    } | overrides
    return workspaces.create_workspace(connection, **values)


def make_program(**overrides: Any) -> Program:
    values: dict[str, Any] = {
        "runtime": "node24",
        "handler_file": "index.js",
        "source": SOURCE,
        "dependencies": {},
        "limits": Limits(),
    }
    return Program(**(values | overrides))


def make_function(
    connection: Connection, workspace_id: int, name: str = "hello", *, live: bool = True, **program: Any
) -> Function:
    """A function; with `live` it has a built first version that serves."""
    made = functions.create(connection, workspace_id, name, "", NOW)
    assert made is not None
    if live:
        version_id = function_versions.add_version(
            connection, made.id, make_program(**program), draft=False, user_id=None, now=NOW
        )
        builds.save_version(
            connection, version_id, state="ready", analysis={"module": "esm"}, lockfile=None, artifact_id=None
        )
        assert function_versions.activate(connection, made.id, version_id)
    found = functions.by_id(connection, workspace_id, made.id)
    assert found is not None
    return found


def make_run(connection: Connection, function: Function, **overrides: Any) -> int:
    """A queued run; returns its id."""
    now = overrides.pop("now", NOW)
    values: dict[str, Any] = {
        "workspace_id": function.workspace_id,
        "function_id": function.id,
        "version_id": function.live_version_id,
        "trigger": "manual",
    }
    return runs.enqueue(connection, NewRun(**(values | overrides)), now)


def make_cron_job(connection: Connection, function: Function, **overrides: Any) -> CronJob:
    now = overrides.pop("now", NOW)
    values: dict[str, Any] = {
        "function_id": function.id,
        "name": "every-minute",
        "expression": "* * * * *",
        "timezone": "UTC",
    }
    made = cron_job_changes.create(connection, function.workspace_id, CronJobFields(**(values | overrides)), now)
    assert made is not None
    return made
