"""A CronJob's history as one line of time: runs with their attempts, and windows of moments that share one reason."""

from dataclasses import dataclass
from datetime import datetime

from hexasched.domain.ticks import Window
from hexasched.store.run_rows import RunRow


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One moment: the attempts at it, the last one first, or a window that ends with it."""

    at: datetime
    runs: tuple[RunRow, ...] = ()
    window: Window | None = None


def time_line(rows: list[RunRow], windows: list[Window], *, whole: bool) -> list[Entry]:
    """Runs and windows together, newest first; unless `rows` are the whole history, older windows are left out.

    Runs of one moment of the schedule are one entry. `rows` are the newest first.
    """
    moments: dict[datetime | int, list[RunRow]] = {}
    for row in rows:
        moments.setdefault(row.scheduled_for or row.id, []).append(row)
    entries = [Entry(at=runs[-1].scheduled_for or runs[-1].created_at, runs=tuple(runs)) for runs in moments.values()]
    oldest = min((entry.at for entry in entries), default=None)
    for window in windows:
        if whole or oldest is None or window.to_at >= oldest:
            entries.append(Entry(at=window.to_at, window=window))
    return sorted(entries, key=lambda entry: (entry.at, entry.runs[0].id if entry.runs else 0), reverse=True)
