"""Making, changing and deleting CronJobs; an edit never re-creates the past and never swallows a moment."""

import contextlib
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from sqlalchemy import Connection, insert

from hexasched.store import cron_job_rows as rows
from hexasched.store import tables as t
from hexasched.store import ticks
from hexasched.store.cron_job_pauses import write_pause
from hexasched.store.cron_jobs import CronJob, CronJobFields, all_of, by_name


def create(
    connection: Connection, workspace_id: int, wanted: CronJobFields, now: datetime, *, by: int | None = None
) -> CronJob | None:
    """A new CronJob whose first moment is the next one after `now`; None if the name is taken.

    Here and below `by` is the user, None for the service itself and the command line.
    """
    if by_name(connection, workspace_id, wanted.name) is not None:
        return None
    values = asdict(wanted) | {
        "workspace_id": workspace_id,
        "created_at": now,
        "next_run_at": rows.next_moment(wanted, now),
    }
    connection.execute(insert(t.cron_jobs).values(values))
    made = by_name(connection, workspace_id, wanted.name)
    assert made is not None
    rows.note(connection, "create", made, now, by)
    return made


def save(
    connection: Connection, current: CronJob, wanted: CronJobFields, now: datetime, *, by: int | None = None
) -> CronJob | None:
    """Change a CronJob from now on; None if the new name is taken."""
    current = rows.locked(connection, current)
    namesake = by_name(connection, current.workspace_id, wanted.name)
    if namesake is not None and namesake.id != current.id:
        return None
    values: dict[str, Any] = asdict(wanted)
    if current.suspended:
        write_pause(connection, current, now)
        values["owed_from"] = rows.next_moment(wanted, now)
    else:
        values["next_run_at"] = rows.next_moment(wanted, rows.settled_until(connection, current, now))
    rows.change(connection, current.id, values)
    return rows.noted(connection, "edit", current, now, by)


def remove(connection: Connection, current: CronJob, now: datetime, *, by: int | None = None) -> None:
    """Delete a CronJob; its runs stay in the history. One whose zone is gone can be deleted all the same."""
    current = rows.locked(connection, current)
    with contextlib.suppress(ValueError, ZoneInfoNotFoundError):
        if current.suspended:
            write_pause(connection, current, now)
        else:
            ticks.settle_one(connection, current.id, now)
    rows.change(connection, current.id, {"deleted_at": now, "next_run_at": None, "owed_from": None})
    rows.note(connection, "delete", replace(current, next_run_at=None, revision=current.revision + 1), now, by)


def remove_all_of(
    connection: Connection, workspace_id: int, function_id: int, now: datetime, *, by: int | None = None
) -> None:
    """Delete the CronJobs of a function."""
    for cron_job in all_of(connection, workspace_id, function_id):
        remove(connection, cron_job, now, by=by)
