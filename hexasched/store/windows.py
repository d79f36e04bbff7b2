"""Windows: many moments of a CronJob that did not run for one shared reason, as one row."""

from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from hexasched.domain.outcomes import Reason
from hexasched.domain.ticks import Window
from hexasched.store import tables as t


def newest(connection: Connection, cron_job_id: int, limit: int = 20) -> list[Window]:
    """The newest windows of a CronJob. The caller got the CronJob through its workspace."""
    rows = connection.execute(
        select(*(t.windows.c[field.name] for field in fields(Window)))
        .where(t.windows.c.cron_job_id == cron_job_id)
        .order_by(t.windows.c.from_at.desc())
        .limit(limit)
    ).mappings()
    return [_window(row) for row in rows]


def between(connection: Connection, cron_job_id: int, start: datetime, end: datetime) -> list[Window]:
    """The windows that touch the span from `start` to `end`, both included, the oldest first; as `newest`."""
    rows = connection.execute(
        select(*(t.windows.c[field.name] for field in fields(Window)))
        .where(t.windows.c.cron_job_id == cron_job_id, t.windows.c.from_at <= end, t.windows.c.to_at >= start)
        .order_by(t.windows.c.from_at)
    ).mappings()
    return [_window(row) for row in rows]


def _window(row: RowMapping) -> Window:
    return Window(**{**row, "reason": Reason(row["reason"])})


def write(connection: Connection, cron_job_id: int, found: Iterable[Window], now: datetime) -> None:
    """Add windows; one that is there already (same begin) stays as it is."""
    for window in found:
        if not (_is_known(connection, cron_job_id, window) or _grow(connection, cron_job_id, window)):
            values = asdict(window) | {"cron_job_id": cron_job_id, "created_at": now}
            connection.execute(insert(t.windows).values(values))


def _is_known(connection: Connection, cron_job_id: int, window: Window) -> bool:
    same = (t.windows.c.cron_job_id == cron_job_id, t.windows.c.from_at == window.from_at)
    return connection.execute(select(t.windows.c.id).where(*same)).first() is not None


def _grow(connection: Connection, cron_job_id: int, window: Window) -> bool:
    """Whether a blackout's moment could be put into the window of those before it: one row for a whole blackout."""
    if window.reason is not Reason.BLACKOUT:
        return False
    same = (t.windows.c.cron_job_id == cron_job_id, t.windows.c.note == window.note)
    last = select(func.max(t.windows.c.id)).where(t.windows.c.cron_job_id == cron_job_id).scalar_subquery()
    later = (t.runs.c.cron_job_id == cron_job_id, t.runs.c.scheduled_for > t.windows.c.to_at)
    between_them = select(t.runs.c.id).where(*later).correlate(t.windows).exists()
    grown = connection.execute(
        update(t.windows)
        .where(*same, t.windows.c.id == last, t.windows.c.reason == Reason.BLACKOUT, ~between_them)
        .values(to_at=window.to_at, count=t.windows.c.count + window.count)
    )
    return grown.rowcount == 1
