"""What time brings besides ticks: pauses that end, runs that waited too long to begin."""

from datetime import datetime

from hexasched import logs
from hexasched.store import cron_job_pauses, finishing
from hexasched.store.database import Database


def do(database: Database, now: datetime) -> datetime | None:
    """Do what is due at `now`; when the next pause ends, None if none does. Looks before it takes a lock."""
    with database.reading() as connection:
        next_resume = cron_job_pauses.next_resume(connection)
        expired = finishing.any_expired(connection, now)
    if expired:
        with database.writing() as connection:
            logs.event("runs.expired", count=finishing.expire(connection, now))
    if next_resume is not None and next_resume <= now:
        with database.writing() as connection:
            logs.event("cron_jobs.resumed", count=cron_job_pauses.resume_due(connection, now))
        return now  # what was resumed may be due
    return next_resume
