"""What the scheduler's clock waits for, in one cheap question: it is asked every second, and by an idle service too."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, literal_column, select

from hexasched.store import tables as t


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """When the next CronJob is due, when the next pause ends (None: never), and whether a run waited too long."""

    next_due: datetime | None = None
    next_resume: datetime | None = None
    expired: bool = False


# The status is part of the text: only so is the partial index found without a look at the value.
_late = select(t.runs.c.id).where(t.runs.c.status == literal_column("'queued'"), t.runs.c.starts_by < bindparam("now"))
_until = t.cron_jobs.c.suspended_until
_resumes = select(_until).where(_until.is_not(None), t.cron_jobs.c.deleted_at.is_(None)).order_by(_until).limit(1)
_LOOK = select(
    select(func.min(t.cron_jobs.c.next_run_at)).scalar_subquery().label("next_due"),
    _resumes.scalar_subquery().label("next_resume"),
    _late.exists().label("expired"),
)


def look(connection: Connection, now: datetime) -> Ahead:
    """What is ahead at `now`; takes no lock and is answered by indexes."""
    row = connection.execute(_LOOK, {"now": now}).one()
    return Ahead(next_due=row.next_due, next_resume=row.next_resume, expired=bool(row.expired))
