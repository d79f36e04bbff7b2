"""What time brings besides ticks: pauses that end, runs that waited too long to begin."""

from datetime import datetime

from hexasched import logs
from hexasched.errors import StoreBusyError
from hexasched.store import cron_job_pauses, finishing
from hexasched.store.ahead import Ahead
from hexasched.store.cron_jobs import CronJob
from hexasched.store.database import Database


def do(database: Database, ahead: Ahead, now: datetime) -> bool:
    """Do what is due at `now`; whether a CronJob was resumed, which may be due."""
    if ahead.expired:
        with database.writing() as connection:
            logs.event("runs.expired", count=finishing.expire(connection, now))
    if ahead.next_resume is None or ahead.next_resume > now:
        return False
    with database.reading() as connection:
        due = cron_job_pauses.to_resume(connection, now)
    logs.event("cron_jobs.resumed", count=_resume(database, due, now))
    return True


def _resume(database: Database, due: list[CronJob], now: datetime) -> int:
    """All in one transaction; if that can't be done, one by one, and what is to blame stays paused. How many it was."""
    try:
        with database.writing() as connection:
            return cron_job_pauses.resume_due(connection, due, now)
    except StoreBusyError:
        raise
    except Exception as error:  # noqa: BLE001 - one that can't be resumed must not keep the others
        logs.failure("cron_jobs.not_resumed", cron_jobs=[job.id for job in due][:20])
        reason = f"HexaSched can't resume it: {due[0].zone_trouble or error}"
    if len(due) > 1:
        return sum(_resume(database, [job], now) for job in due)
    with database.writing() as connection:
        cron_job_pauses.stay_paused(connection, due[0], reason, now)
    return 0
