"""The list of CronJobs, and one CronJob with what it will do and what it did."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, render_template

from hexasched.domain import policy_words
from hexasched.domain.ticks import Window, paused_window
from hexasched.domain.timetables import describe
from hexasched.store import cron_jobs as store
from hexasched.store import functions, history
from hexasched.store.cron_jobs import CronJob
from hexasched.store.history import Filter, RunRow
from web.access import current_workspace, found, require
from web.addresses import ID
from web.instance import database, now
from web.runs import pretty
from web.schedule_words import in_zone, moments

cron_jobs = Blueprint("cron_jobs", __name__)

SHOWN_MOMENTS = 10
SHOWN_RUNS = 50
LATE_AFTER = timedelta(seconds=60)


@cron_jobs.get("/cronjobs")
@require("viewer")
def listing() -> str:
    """All CronJobs of the workspace."""
    workspace = current_workspace()
    with database().reading() as connection:
        jobs = store.all_of(connection, workspace.id)
        return render_template(
            "cron_jobs/list.html",
            jobs=[(job, describe(job.calendar.table)) for job in jobs],
            last=history.latest_of_cron_jobs(connection, workspace.id),
            functions=functions.all_of(connection, workspace.id),
            tokens={job.id: secrets.token_hex(16) for job in jobs},
            overdue=lambda job: now() - job.next_run_at > LATE_AFTER,
        )


@cron_jobs.get(f"/cronjobs/<{ID}:cron_job_id>")
@require("viewer")
def one(cron_job_id: int) -> str:
    """One CronJob: its facts, its next runs, its history without gaps."""
    workspace = current_workspace()
    with database().reading() as connection:
        job = found(store.by_id(connection, workspace.id, cron_job_id))
        rows = history.history(connection, workspace.id, Filter(cron_job_id=job.id), SHOWN_RUNS + 1)
        windows = [*_pause(job), *store.windows(connection, job.id, SHOWN_RUNS)]
    next_moments = job.calendar.upcoming(now(), SHOWN_MOMENTS)
    return render_template(
        "cron_jobs/cron_job.html",
        job=job,
        sentence=describe(job.calendar.table),
        policies=policy_words.sentences(job, job.timezone, job.id),
        default_policies=policy_words.DEFAULTS,
        next_run=in_zone(job.next_run_at, job.timezone) if job.next_run_at else "",
        moments=moments(next_moments, job.timezone),
        entries=time_line(rows[:SHOWN_RUNS], windows, whole=len(rows) <= SHOWN_RUNS),
        more=len(rows) > SHOWN_RUNS,
        payload=pretty(job.event),
        token=secrets.token_hex(16),
    )


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a CronJob's history: a run, or a window of moments that share one reason."""

    at: datetime
    run: RunRow | None = None
    window: Window | None = None


def time_line(rows: list[RunRow], windows: list[Window], *, whole: bool) -> list[Entry]:
    """Runs and windows together, newest first; unless `rows` are the whole history, older windows are left out."""
    entries = [Entry(at=row.scheduled_for or row.created_at, run=row) for row in rows]
    oldest = min((entry.at for entry in entries), default=None)
    for window in windows:
        if whole or oldest is None or window.to_at >= oldest:
            entries.append(Entry(at=window.to_at, window=window))
    return sorted(entries, key=lambda entry: (entry.at, entry.run.id if entry.run else 0), reverse=True)


def _pause(job: CronJob) -> list[Window]:
    """The window that the present pause would become if it ended now."""
    if not job.suspended or job.owed_from is None or job.owed_from > now():
        return []
    window = paused_window(job.calendar, job.owed_from, now())
    return [window] if window else []
