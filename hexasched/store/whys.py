"""Why a CronJob did not run: the pure answer, given all that the tables know of the moment."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from hexasched.domain.why import Answer, Known, why
from hexasched.store import blackouts, cron_jobs, history
from hexasched.store.cron_jobs import CronJob


def ask(connection: Connection, job: CronJob, moment: datetime, now: datetime) -> Answer:
    """What became of `moment` (aware UTC, a whole minute), or will. Its zone must be valid."""
    end = moment + timedelta(minutes=1)
    dark = blackouts.of_workspace(connection, job.workspace_id, moment, job.id)
    known = Known(
        calendar=job.calendar,
        created_at=job.created_at,
        changes=job.revision - 1,
        next_run_at=job.next_run_at,
        suspended=job.suspended,
        suspend_reason=job.suspend_reason,
        owed_from=job.owed_from,
        attempts=history.of_moment(connection, job.workspace_id, job.id, moment, end),
        window=cron_jobs.window_over(connection, job.id, moment, end),
        blackouts=[blackout for _, _, blackout in dark],
    )
    return why(known, moment, now)
