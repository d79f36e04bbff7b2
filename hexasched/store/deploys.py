"""Making versions and drafts, each with the build that will try them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from hexasched.store import audit, builds, function_versions, runs
from hexasched.store.function_versions import Program
from hexasched.store.functions import Function
from hexasched.store.runs import NewRun


@dataclass(frozen=True, kw_only=True)
class Started:
    """A build that was queued; `run_id` is the test run that follows the build of a draft."""

    version_id: int
    build_id: int
    run_id: int | None = None


def deploy(connection: Connection, function: Function, program: Program, user_id: int | None, now: datetime) -> Started:
    """A new version of the function, and its build; the version before goes on serving until that succeeds."""
    version_id = function_versions.add_version(connection, function.id, program, draft=False, user_id=user_id, now=now)
    build_id = builds.enqueue_version(connection, function.workspace_id, version_id, "deploy", now)
    made = function_versions.version(connection, function.id, version_id)
    detail = {"version": made.number if made else None}
    place = {"workspace_id": function.workspace_id, "by": user_id}
    audit.note(connection, "function.deploy", function.name, now, detail=detail, **place)
    return Started(version_id=version_id, build_id=build_id)


def test_draft(
    connection: Connection, function: Function, program: Program, event: str, user_id: int | None, now: datetime
) -> Started:
    """A draft of the function, its build, and its test run with `event` (JSON text)."""
    version_id = function_versions.add_version(connection, function.id, program, draft=True, user_id=user_id, now=now)
    new = NewRun(
        workspace_id=function.workspace_id,
        function_id=function.id,
        version_id=version_id,
        trigger="test",
        event=event,
        created_by=user_id,
    )
    run_id = runs.enqueue_test(connection, new, now)
    build_id = builds.enqueue_version(connection, function.workspace_id, version_id, "draft", now, run_id)
    return Started(version_id=version_id, build_id=build_id, run_id=run_id)
