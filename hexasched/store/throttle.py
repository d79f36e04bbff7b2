"""Throttles, of failed log-ins and of test mails: counted by bucket, in the database, for all processes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from hexasched.store import tables as t


@dataclass(frozen=True)
class Rule:
    """How often within how long."""

    limit: int
    window: timedelta


LOG_INS = Rule(10, timedelta(minutes=15))
"""Failed ones; buckets "account:…" and "address:…"."""

TEST_MAILS = Rule(5, timedelta(minutes=1))
"""Bucket "test-mails:…" with the workspace's id."""

_LONGEST = max(LOG_INS.window, TEST_MAILS.window)


def until(connection: Connection, rule: Rule, buckets: list[str], now: datetime) -> datetime | None:
    """When the next try may be made if one of `buckets` is over its limit; None if it may be made now."""
    started = connection.execute(
        select(func.max(t.login_failures.c.window_started_at)).where(
            t.login_failures.c.bucket.in_(buckets),
            t.login_failures.c.count >= rule.limit,
            t.login_failures.c.window_started_at > now - rule.window,
        )
    ).scalar()
    return None if started is None else started + rule.window


def note(connection: Connection, rule: Rule, buckets: list[str], now: datetime) -> None:
    """Count a try against each bucket; windows that are over are forgotten."""
    began = t.login_failures.c.window_started_at
    over = or_(began <= now - _LONGEST, and_(t.login_failures.c.bucket.in_(buckets), began <= now - rule.window))
    connection.execute(delete(t.login_failures).where(over))
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    for bucket in buckets:
        statement = make(t.login_failures).values(bucket=bucket[:320], count=1, window_started_at=now)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["bucket"], set_={"count": t.login_failures.c.count + 1})
        )


def forget(connection: Connection, buckets: list[str]) -> None:
    """A log-in succeeded."""
    connection.execute(delete(t.login_failures).where(t.login_failures.c.bucket.in_(buckets)))
