"""The throttle of failed log-ins: counted by account and by address, in the database, for all processes."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from hexasched.store import tables as t

LIMIT = 10
WINDOW = timedelta(minutes=15)


def until(connection: Connection, buckets: list[str], now: datetime) -> datetime | None:
    """When the next log-in may be tried if one of `buckets` ("account:…", "address:…") is over its limit."""
    started = connection.execute(
        select(func.max(t.login_failures.c.window_started_at)).where(
            t.login_failures.c.bucket.in_(buckets),
            t.login_failures.c.count >= LIMIT,
            t.login_failures.c.window_started_at > now - WINDOW,
        )
    ).scalar()
    return None if started is None else started + WINDOW


def note(connection: Connection, buckets: list[str], now: datetime) -> None:
    """Count a failed log-in against each bucket; windows that are over are forgotten."""
    connection.execute(delete(t.login_failures).where(t.login_failures.c.window_started_at <= now - WINDOW))
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    for bucket in buckets:
        statement = make(t.login_failures).values(bucket=bucket[:320], count=1, window_started_at=now)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["bucket"], set_={"count": t.login_failures.c.count + 1})
        )


def forget(connection: Connection, buckets: list[str]) -> None:
    """A log-in succeeded."""
    connection.execute(delete(t.login_failures).where(t.login_failures.c.bucket.in_(buckets)))
