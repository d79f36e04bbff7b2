"""Forgets what is old, a little at a time, beside the scheduler's clock and never in its way."""

import threading
from datetime import UTC, datetime, timedelta

from hexasched import logs
from hexasched.errors import StoreBusyError
from hexasched.store.database import Database
from hexasched.store.retention import Sweep, sweeps

FIRST_AFTER_S = 60.0
EVERY_S = 3600.0
PAUSE_S = 0.25
"""Between two transactions: others want to write too."""


def clean_on(database: Database, history_days: int, stopped: threading.Event) -> None:
    """Clean a minute from now and then each hour, until `stopped`."""
    wait_s = FIRST_AFTER_S
    while not stopped.wait(wait_s):
        clean(database, datetime.now(UTC), timedelta(days=history_days), stopped)
        wait_s = EVERY_S


def clean(
    database: Database, now: datetime, kept: timedelta, stopped: threading.Event, pause_s: float = PAUSE_S
) -> dict[str, int]:
    """Delete everything that is old enough; how many rows of each kind went. Ends early once `stopped`."""
    gone: dict[str, int] = {}
    for sweep in sweeps(now, kept):
        try:
            gone[sweep.name] = _sweep(database, sweep, stopped, pause_s)
        except StoreBusyError as error:
            logs.warning("store.busy", error=error)
        except Exception:  # noqa: BLE001 - one kind of rows that can't be deleted must not keep the others
            logs.failure("cleaning.failed", rows=sweep.name)
    if any(gone.values()):
        logs.event("cleaned", **{name.replace(" ", "_"): count for name, count in gone.items() if count})
    return gone


def _sweep(database: Database, sweep: Sweep, stopped: threading.Event, pause_s: float) -> int:
    gone, after = 0, 0
    while not stopped.is_set():
        with database.reading() as connection:
            batch = sweep.find(connection, after)
        went = 0
        if batch.ids:
            with database.writing() as connection:
                went = sweep.delete(connection, batch.ids)
            stopped.wait(pause_s)
        gone += went
        if batch.after is None or (went == 0 and batch.after <= after):
            break  # that was all, or somebody needs what was found: the next hour will do
        after = batch.after
    return gone
