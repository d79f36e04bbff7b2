"""Why a CronJob did not run: the pure answer, given all that the tables know of the moment."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from hexasched.domain.policies import Policy
from hexasched.domain.ticks import calendar_of
from hexasched.domain.timetables import Calendar
from hexasched.domain.why import Answer, Known, why
from hexasched.domain.zones import check_zone
from hexasched.store import blackouts, history, windows
from hexasched.store import tables as t
from hexasched.store.cron_jobs import CronJob


def ask(connection: Connection, job: CronJob, moment: datetime, now: datetime) -> Answer:
    """What became of `moment` (aware UTC, a whole minute), or will. Its zone must be valid."""
    end = moment + timedelta(minutes=1)
    dark = blackouts.of_workspace(connection, job.workspace_id, moment, job.id)
    known = Known(
        calendar=job.calendar,
        then=_calendar_at(connection, job, moment),
        created_at=job.created_at,
        changes=job.revision - 1,
        next_run_at=job.next_run_at,
        suspended=job.suspended,
        suspend_reason=job.suspend_reason,
        owed_from=job.owed_from,
        attempts=history.of_moment(connection, job.workspace_id, job.id, moment, end),
        window=next(iter(windows.between(connection, job.id, moment, moment)), None),
        blackouts=[blackout for _, _, blackout in dark],
    )
    return why(known, moment, now)


def _calendar_at(connection: Connection, job: CronJob, moment: datetime) -> Calendar | None:
    """The schedule that the CronJob had at `moment`, as the audit noted it; None where nobody can tell."""
    mine = (t.audit.c.workspace_id == job.workspace_id, t.audit.c.detail["cron_job_id"].as_integer() == job.id)
    deeds = t.audit.c.action.in_(("cron_job.create", "cron_job.edit"))
    query = select(t.audit.c.detail).where(deeds, *mine, t.audit.c.at <= moment).order_by(t.audit.c.id.desc())
    detail = connection.execute(query.limit(1)).scalar()
    if detail is None or check_zone(detail["timezone"]):
        return None
    starts_at, ends_at = (
        datetime.fromisoformat(detail[name]) if detail[name] else None for name in ("starts_at", "ends_at")
    )
    return calendar_of(Policy(starts_at=starts_at, ends_at=ends_at), detail["expression"], detail["timezone"])
