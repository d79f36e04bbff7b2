"""Small cleaning that any worker may do at any time: rows that nobody will look at again."""

from datetime import datetime, timedelta

from hexasched.store import builds, kept, workers
from hexasched.store.database import Database

EVERY_S = 60.0
ANALYSES_KEPT = timedelta(minutes=10)
WORKERS_KEPT = timedelta(days=1)


def tidy(database: Database, now: datetime) -> None:
    """Forget analyses of what editors held, workers that have been gone for long, kept values whose time is over."""
    with database.writing() as connection:
        builds.forget_analyses(connection, now - ANALYSES_KEPT)
        workers.forget(connection, now - WORKERS_KEPT)
        kept.forget_expired(connection, now)
