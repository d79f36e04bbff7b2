"""Three months of runs, written into the store as many at once."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from bench.planting import copies, cron_jobs
from bench.rig import Rig
from hexasched.store.database import Connection

FUNCTIONS = 10
CRON_JOBS = 50
BUSY = 2  # one run in so many is of the first CronJob, so that its pages are full also in a short history
FAILURES = 9  # one run in so many
SPAN = timedelta(days=90)
PIECE = 100_000

# Runs 1 to :count, evenly over the span; with each its CronJob's function and that function's live version.
_INSERT = """
INSERT INTO runs (id, workspace_id, function_id, version_id, cron_job_id, scheduled_for, trigger, status, reason, event,
                  available_at, created_at, claimed_at, started_at, finished_at, fence, duration_ms, cpu_ms,
                  peak_memory_bytes, result, error)
WITH RECURSIVE numbers (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last),
     moments AS (SELECT n, :start + (:end - :start) * n / :count AS at, n % :failures = 0 AS bad FROM numbers)
SELECT n, 1, j.function_id, f.live_version_id, j.id, at, 'cron', CASE WHEN bad THEN 'failed' ELSE 'succeeded' END,
       CASE WHEN bad THEN 'error' ELSE 'ok' END, '{}', at, at, at + 3, at + 12, at + 40, 1, 28 + n % 90, 20 + n % 40,
       48000000 + n % 977, CASE WHEN bad THEN NULL ELSE '{"sent": 3}' END,
       CASE WHEN bad THEN '{"type": "Error", "message": "The server said no."}' END
FROM moments
JOIN cron_jobs j ON j.id = :first_job + CASE WHEN n % :busy = 0 THEN 0 ELSE n % :jobs END
JOIN functions f ON f.id = j.function_id
"""


def plant(rig: Rig, count: int) -> None:
    """Write `count` runs that end now, of functions hello-0 to hello-9 and of fifty CronJobs, half of the first."""
    made = copies(rig, "hello", FUNCTIONS)
    jobs = cron_jobs(rig, [made[number % FUNCTIONS] for number in range(CRON_JOBS)])
    end = datetime.now(UTC)
    facts = {"count": count, "first_job": jobs[0], "jobs": CRON_JOBS, "busy": BUSY, "failures": FAILURES}
    facts |= {"start": _ms(end - SPAN), "end": _ms(end)}
    for first in range(1, count + 1, PIECE):
        with rig.database.writing() as connection:
            _write(connection, facts | {"first": first, "last": min(first + PIECE - 1, count)})


def _write(connection: Connection, facts: dict[str, int]) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA cache_size = -400000"))
    connection.execute(text(_INSERT), facts)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
