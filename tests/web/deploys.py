"""Functions and builds as a worker leaves them, written through the store."""

from datetime import datetime
from typing import Any

from hexasched.store import (
    build_claims,
    build_rows,
    builds,
    deploys,
    function_versions,
    functions,
    workers,
    workspaces,
)
from hexasched.store.build_claims import BuildClaim
from hexasched.store.database import Connection
from hexasched.store.functions import Function
from tests.factories import make_program
from tests.web.conftest import Place

ERROR = {
    "type": "SyntaxError",
    "message": "Unexpected token ')'",
    "file": "index.js",
    "line": 2,
    "column": 7,
    "source_line": "  call();",
    "hint": "Look at the line before it.",
}
STAGES = ("syntax", "load", "activate")


def workspace_id(connection: Connection) -> int:
    """The workspace of owner, developer and viewer."""
    workspace = workspaces.first_workspace(connection)
    assert workspace
    return workspace.id


def find(place: Place, name: str = "hello") -> Function:
    """The function as it is now."""
    with place.database.reading() as connection:
        function = functions.by_name(connection, workspace_id(connection), name)
    assert function
    return function


def make(place: Place, name: str = "hello") -> Function:
    """A function that was never deployed."""
    with place.database.writing() as connection:
        function = functions.create(connection, workspace_id(connection), name, "", place.clock())
    assert function
    return function


def begin(place: Place, name: str = "hello", **program: Any) -> int:
    """Queue a deploy; returns the build's id."""
    function = find(place, name)
    with place.database.writing() as connection:
        started = deploys.deploy(connection, function, make_program(**program), None, place.clock())
    return started.build_id


def claim(place: Place) -> BuildClaim:
    """Take the build that waits longest."""
    with place.database.writing() as connection:
        [taken] = build_claims.claim(connection, "w1", 1, place.clock())
    return taken


def conclude(
    place: Place, taken: BuildClaim, *, error: dict[str, Any] | None = None, analysis: dict[str, Any] | None = None
) -> None:
    """End a build of a deploy: with success, or at "load" with `error`."""
    done: list[dict[str, Any]] = [{"name": name, "state": "ok", "duration_ms": 40, "error": None} for name in STAGES]
    if error:
        done = [done[0], {"name": "load", "state": "failed", "duration_ms": 70, "error": error}]
    with place.database.writing() as connection:
        work = _version_of(connection, taken)
        status, reason = ("failed", "error") if error else ("succeeded", "ok")
        now: datetime = place.clock()
        assert builds.finish(connection, taken, status=status, reason=reason, stages=done, result=analysis, now=now)
        builds.save_version(
            connection,
            work.id,
            state="failed" if error else "ready",
            analysis=analysis,
            lockfile=None,
            artifact_id=None,
        )
        if not error:
            assert function_versions.activate(connection, work.function_id, work.id)


def _version_of(connection: Connection, taken: BuildClaim) -> function_versions.Version:
    build = build_rows.by_id(connection, workspace_id(connection), taken.build_id)
    assert build and build.version_id
    for function in functions.all_of(connection, workspace_id(connection)):
        version = function_versions.version(connection, function.id, build.version_id)
        if version:
            return version
    raise AssertionError("the build has no version")


def deploy(place: Place, name: str = "hello", **program: Any) -> None:
    """A further version that works and is live; `analysis` and `error` say how its build ended."""
    ended = {key: program.pop(key) for key in ("analysis", "error") if key in program}
    begin(place, name, **program)
    conclude(place, claim(place), **ended)


def live(place: Place, name: str = "hello", **program: Any) -> Function:
    """A new function whose first version is live."""
    make(place, name)
    deploy(place, name, **program)
    return find(place, name)


def add_worker(place: Place, **runtimes: str) -> None:
    """A worker that has these runtimes, name to label."""
    worker = workers.Worker(
        id="w1",
        host="vm",
        pid=1,
        slots=4,
        facts={"runtimes": runtimes},
        started_at=place.clock(),
        seen_at=place.clock(),
        draining=False,
    )
    with place.database.writing() as connection:
        workers.register(connection, worker)
