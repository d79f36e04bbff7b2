"""Plants a history of months in an empty database: python -m tools.plant sqlite:////path/file.db --runs 1000000.

The rows are made by the database itself, so that a million takes seconds and not minutes.
"""

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, bindparam, insert, text

from hexasched.domain.limits import Limits
from hexasched.store import builds, function_versions, functions, schema, workspaces
from hexasched.store import tables as t
from hexasched.store.database import Connection, Database
from hexasched.store.function_versions import Program
from hexasched.store.workspaces import Workspace

FUNCTIONS = 10
BACK = timedelta(days=90)
PIECE = 100_000
"""So many runs are written at once: a service that is going on the database must come to its turn in between."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NEVER = 1 << 40
"""A share that no run has."""


@dataclass(frozen=True, kw_only=True)
class Mix:
    """How many of 1,000 runs did not end well, and how; the runs are spread evenly.

    One in `by_hand` was not started by a schedule, one in `busy` is of the first CronJob beside its own.
    """

    failed: int = 17
    timed_out: int = 3
    skipped: int = 4
    missed: int = 1
    by_hand: int = 20
    busy: int = NEVER


_RUNS = """
INSERT INTO runs (workspace_id, function_id, version_id, cron_job_id, scheduled_for, trigger, status, reason, error,
    available_at, serial_key, fence, worker_id, claimed_at, created_at, started_at, finished_at, duration_ms, cpu_ms,
    peak_memory_bytes, log_bytes)
WITH RECURSIVE numbers (n) AS (SELECT CAST(:first AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n < :last),
mixed AS (SELECT n, (n * 7919) % 1000 AS luck, n % :by_hand = 0 AS by_hand, :start + :span * n / :count AS due
    FROM numbers)
SELECT j.workspace_id, j.function_id, f.live_version_id,
    CASE WHEN by_hand THEN NULL ELSE j.id END, CASE WHEN by_hand THEN NULL ELSE due END,
    CASE WHEN by_hand THEN 'manual' ELSE 'cron' END,
    CASE WHEN luck < :failed THEN 'failed' WHEN luck < :timed_out THEN 'timed_out' WHEN luck < :skipped THEN 'skipped'
        WHEN luck < :missed THEN 'missed' ELSE 'succeeded' END,
    CASE WHEN luck < :failed THEN 'error' WHEN luck < :timed_out THEN 'time' WHEN luck < :skipped THEN 'overlap'
        WHEN luck < :missed THEN 'server_down' ELSE 'ok' END,
    CASE WHEN luck < :failed THEN :error ELSE NULL END,
    due, j.id, 1, 'planted', due + 5, due + 2, due + 20, due + 200 + luck, 180 + luck, 20 + luck,
    48000000 + n % 977, 60
FROM mixed JOIN cron_jobs j ON j.id = :first_job + CASE WHEN n % :busy = 0 THEN 0 ELSE n % :jobs END
JOIN functions f ON f.id = j.function_id
ORDER BY n
"""
_LOGS = """
INSERT INTO log_chunks (run_id, fence, seq, stream, at, data)
SELECT id, 1, 60, 'o', finished_at, :data FROM runs WHERE id > (SELECT max(id) FROM runs) - :count
"""
_ALERTS = """
INSERT INTO outbox (workspace_id, dedupe_key, kind, recipient, message_id, payload, created_at, available_at, tries,
    sent_at)
SELECT workspace_id, 'run-' || id, 'run', 'owner@example.org', '<planted-' || id || '@hexasched>', :payload,
    finished_at, finished_at, 1, finished_at
FROM runs WHERE status IN ('failed', 'timed_out')
"""
_AUDIT = """
INSERT INTO audit (workspace_id, at, action, object, detail)
SELECT workspace_id, created_at, CASE WHEN id % 10 = 0 THEN 'function.deploy' ELSE 'login' END, 'planted', :detail
FROM runs WHERE id % 20 = 0
"""
_OUTPUT = b"sixty bytes of output, as a run with little to say writes it\n"


def plant(
    database: Database,
    *,
    runs: int,
    cron_jobs: int,
    now: datetime,
    back: timedelta = BACK,
    mix: Mix | None = None,
    due_after: timedelta = timedelta(0),
) -> Workspace:
    """Add FUNCTIONS functions to the first workspace, and a history of `runs` of them from `back` ago until `now`.

    There is a workspace afterwards. The CronJobs are due in the hour that begins `due_after` after `now`. Every failure
    has its alert, the newest tenth of the runs has logs.
    """
    with database.writing() as connection:
        workspace = workspaces.first_workspace(connection) or workspaces.create_workspace(
            connection, name="Planted", timezone="UTC", alert_email="owner@example.org", now=now
        )
        first_job = _cron_jobs(connection, workspace.id, cron_jobs, now - back, now + due_after)
    facts = _facts(runs, cron_jobs, first_job, back, now) | _bounds(mix or Mix())
    for first in range(1, runs + 1, PIECE):
        with database.writing() as connection:
            _unlimited(database, connection)
            piece = facts | {"first": first, "last": min(first + PIECE - 1, runs)}
            connection.execute(text(_RUNS).bindparams(bindparam("error", type_=JSON)), piece)
    with database.writing() as connection:
        _unlimited(database, connection)
        connection.execute(text(_ALERTS).bindparams(bindparam("payload", type_=JSON)), {"payload": {"run_id": 1}})
        connection.execute(text(_AUDIT).bindparams(bindparam("detail", type_=JSON)), {"detail": {}})
        connection.execute(text(_LOGS), {"data": _OUTPUT, "count": runs // 10})
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE")
    return workspace


def _unlimited(database: Database, connection: Connection) -> None:
    if not database.is_sqlite:
        connection.execute(text("SET LOCAL statement_timeout = 0"))


def _cron_jobs(connection: Connection, workspace_id: int, count: int, made_at: datetime, due_after: datetime) -> int:
    """The functions and `count` CronJobs of theirs; the first CronJob's id."""
    ids = [_function(connection, workspace_id, f"function-{number}", made_at) for number in range(FUNCTIONS)]
    rows = [
        {
            "workspace_id": workspace_id,
            "function_id": ids[number % FUNCTIONS],
            "name": f"job-{number:05}",
            "expression": f"{number % 60} * * * *",
            "timezone": "UTC",
            "created_at": made_at,
            "next_run_at": due_after + timedelta(minutes=1 + number % 60),
        }
        for number in range(count)
    ]
    connection.execute(insert(t.cron_jobs), rows)
    first = int(connection.execute(text("SELECT max(id) FROM cron_jobs")).scalar_one()) - count + 1
    noted = [{"workspace_id": workspace_id, "at": made_at, "action": "cron_job.create"} for _ in rows]
    for number, (note, row) in enumerate(zip(noted, rows, strict=True)):
        schedule = {name: row[name] for name in ("expression", "timezone")} | {"starts_at": None, "ends_at": None}
        note |= {"object": row["name"], "detail": {"cron_job_id": first + number} | schedule}
    connection.execute(insert(t.audit), noted)
    return first


def _function(connection: Connection, workspace_id: int, name: str, now: datetime) -> int:
    made = functions.create(connection, workspace_id, name, "", now)
    assert made is not None
    program = Program(runtime="node24", handler_file="index.js", source="0", dependencies={}, limits=Limits())
    version = function_versions.add_version(connection, made.id, program, draft=False, user_id=None, now=now)
    builds.save_version(connection, version, state="ready", analysis={}, lockfile=None, artifact_id=None)
    function_versions.activate(connection, made.id, version)
    return made.id


def _facts(count: int, jobs: int, first_job: int, back: timedelta, now: datetime) -> dict[str, Any]:
    error = {"type": "Error", "message": "connect ECONNREFUSED 127.0.0.1:25", "line": 3, "file": "index.js"}
    begin, span = (length // timedelta(milliseconds=1) for length in (now - back - _EPOCH, back))
    known = {"count": count, "jobs": jobs, "first_job": first_job, "error": error}
    return known | {"start": begin, "span": span}


def _bounds(mix: Mix) -> dict[str, int]:
    """A run's luck below which it ended so, and what else of the mix the rows need."""
    ends = ("failed", "timed_out", "skipped", "missed")
    return {name: sum(getattr(mix, one) for one in ends[: number + 1]) for number, name in enumerate(ends)} | {
        "by_hand": mix.by_hand,
        "busy": mix.busy,
    }


def main() -> None:
    """Plant what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--cron-jobs", type=int, default=50)
    wanted = parser.parse_args()
    with Database(wanted.url) as database:
        schema.migrate(database)
        plant(database, runs=wanted.runs, cron_jobs=wanted.cron_jobs, now=datetime.now(UTC))


if __name__ == "__main__":
    main()
