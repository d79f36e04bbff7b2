"""The list of CronJobs, and one CronJob with what it will do and what it did."""

import secrets
from datetime import datetime, timedelta

from flask import Blueprint, render_template, request

from hexasched.domain import policy_words
from hexasched.domain.intervals import Once
from hexasched.domain.ticks import Blackout, Window, paused_window
from hexasched.domain.timetables import Timetable, describe
from hexasched.store import cron_jobs as store
from hexasched.store import functions, history, windows
from hexasched.store.blackouts import of_workspace
from hexasched.store.cron_jobs import CronJob
from hexasched.store.history import Filter
from hexasched.store.run_rows import RunRow
from web.access import current_workspace, found, require
from web.addresses import ID, here
from web.instance import database, now
from web.runs import pretty
from web.schedule_words import in_zone, moments
from web.time_line import time_line

cron_jobs = Blueprint("cron_jobs", __name__)

ON_A_PAGE = 100
SHOWN_MOMENTS = 10
SHOWN_RUNS = 50
LATE_AFTER = timedelta(seconds=60)


@cron_jobs.get("/cronjobs")
@require("viewer")
def listing() -> str:
    """The CronJobs of the workspace by name; the query's after is the name behind which the page begins."""
    workspace, after = current_workspace(), request.args.get("after", "")
    with database().reading() as connection:
        listed = store.page(connection, workspace.id, after, ON_A_PAGE + 1)
        jobs = listed[:ON_A_PAGE]
        return render_template(
            "cron_jobs/list.html",
            jobs=[(job, describe(job.calendar.table)) for job in jobs],
            last=history.latest_of_cron_jobs(connection, workspace.id, [job.id for job in jobs]),
            functions=functions.all_of(connection, workspace.id),
            tokens={job.id: secrets.token_hex(16) for job in jobs},
            once=lambda job: isinstance(job.calendar.table, Once),
            overdue=lambda job: now() - job.next_run_at > LATE_AFTER,
            first=here(after=None) if after else None,
            following=here(after=jobs[-1].name) if len(listed) > ON_A_PAGE else None,
        )


@cron_jobs.get(f"/cronjobs/<{ID}:cron_job_id>")
@require("viewer")
def one(cron_job_id: int) -> str:
    """One CronJob: its facts, its next runs, its history without gaps."""
    workspace = current_workspace()
    with database().reading() as connection:
        job = found(store.by_id(connection, workspace.id, cron_job_id))
        rows = history.history(connection, workspace.id, Filter(cron_job_id=job.id), SHOWN_RUNS + 1)
        gaps = [*_pause(job), *windows.newest(connection, job.id, SHOWN_RUNS)]
        blackouts = [one for _, _, one in of_workspace(connection, workspace.id, now(), job.id)]
    local = job.shown_zone
    next_moments = () if job.zone_trouble else job.calendar.upcoming(now(), SHOWN_MOMENTS)
    return render_template(
        "cron_jobs/cron_job.html",
        job=job,
        local=local,
        sentence=describe(job.calendar.table),
        policies=policy_words.sentences(job, local, job.id),
        default_policies=policy_words.DEFAULTS,
        next_run=in_zone(job.next_run_at, local) if job.next_run_at else "",
        moments=moments(next_moments, local),
        no_further=_no_further(job.calendar.table, rows),
        blackouts=blackouts,
        dark=_dark(blackouts, next_moments),
        entries=time_line(rows[:SHOWN_RUNS], gaps, whole=len(rows) <= SHOWN_RUNS),
        more=len(rows) > SHOWN_RUNS,
        payload=pretty(job.event),
        token=secrets.token_hex(16),
    )


def _no_further(table: Timetable, rows: list[RunRow]) -> str:
    """Why a CronJob that is not paused has no next run."""
    if not isinstance(table, Once):
        return "none: the schedule has no further moment"
    theirs = [row for row in rows if row.scheduled_for]
    if any(row.started_at for row in theirs):
        return "has run; no further run"
    may_have = any(row.may_have_run for row in theirs)
    return "may have run; no further run" if may_have else "its moment has passed; no further run"


def _dark(found: list[Blackout], moments: tuple[datetime, ...]) -> dict[datetime, str]:
    """The moments that lie in a blackout, with its name."""
    return {moment: one.name for moment in moments for one in reversed(found) if one.covers(moment)}


def _pause(job: CronJob) -> list[Window]:
    """The window that the present pause would become if it ended now."""
    if not job.suspended or job.owed_from is None or job.owed_from > now() or job.zone_trouble:
        return []
    window = paused_window(job.calendar, job.owed_from, now())
    return [window] if window else []
