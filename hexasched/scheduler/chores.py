"""What time brings besides ticks: pauses that end, runs that waited too long to begin."""

from datetime import datetime

from hexasched import logs
from hexasched.store import cron_job_pauses, finishing
from hexasched.store.ahead import Ahead
from hexasched.store.database import Database


def do(database: Database, ahead: Ahead, now: datetime) -> bool:
    """Do what is due at `now`; whether a CronJob was resumed, which may be due."""
    if ahead.expired:
        with database.writing() as connection:
            logs.event("runs.expired", count=finishing.expire(connection, now))
    if ahead.next_resume is None or ahead.next_resume > now:
        return False
    with database.writing() as connection:
        logs.event("cron_jobs.resumed", count=cron_job_pauses.resume_due(connection, now))
    return True
