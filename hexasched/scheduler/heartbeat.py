"""The scheduler's sign of life, and what it tells of itself by it: that it was silent, that the clock jumped."""

import time
from datetime import datetime

from hexasched import logs
from hexasched.domain.gaps import Beat, gaps
from hexasched.store import downtimes, settings
from hexasched.store.database import Database

EVERY_S = 5.0
KEY = "scheduler_tick"


def steady_s() -> float:
    """Seconds of a clock that nobody sets and that goes on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Heartbeat:
    """Notes now and then that the clock runs, and compares what has passed on the wall clock and on a steady one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._mine: Beat | None = None

    def beat(self, now: datetime, steady: float) -> None:
        """Note that the scheduler lives at `now` (aware UTC), and what lies between this and the last time.

        Nothing is forgotten if the database does not answer: the next call compares with the same heartbeat.
        """
        found = Beat(at=now, steady_s=steady)
        if self._mine is not None and not self._is_due(self._mine, found):
            return
        with self._database.writing() as connection:
            last = settings.get(connection, KEY)
            between = gaps(self._mine, datetime.fromisoformat(last) if last else None, found)
            for gap in between:
                downtimes.add(connection, gap, now)
            settings.save(connection, KEY, now.isoformat())
        self._mine = found
        for gap in between:
            seconds = round(gap.size.total_seconds(), 3)
            logs.warning("scheduler.gap", kind=gap.kind, seconds=seconds, start=gap.from_at, end=gap.to_at)

    def _is_due(self, mine: Beat, found: Beat) -> bool:
        passed = (found.at - mine.at).total_seconds()
        return abs(passed) >= EVERY_S or found.steady_s - mine.steady_s >= EVERY_S
