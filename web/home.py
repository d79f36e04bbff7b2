"""The first page after logging in: what to do first, what runs, what comes, what failed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Blueprint, render_template

from hexasched.domain.outcomes import ALERTING, Status
from hexasched.domain.timetables import describe
from hexasched.domain.zones import load_zone, shown_zone
from hexasched.store import cron_jobs, downtimes, functions, history, run_rows
from hexasched.store.cron_jobs import CronJob
from hexasched.store.database import Connection
from hexasched.store.history import Filter
from hexasched.store.workspaces import Workspace
from web import gap_words
from web.access import current_workspace, may, require
from web.instance import config, database, now

home_page = Blueprint("home", __name__)

AHEAD = timedelta(hours=24)
SHOWN = 8
SHOWN_COMING = 12
COUNTED_COMING = 1000 + SHOWN_COMING


@home_page.get("/")
@require("viewer")
def home() -> str:
    """Today's numbers, what is going on, what comes next, the latest failures; the first steps until they are done."""
    workspace = current_workspace()
    with database().reading() as connection:
        coming = cron_jobs.coming(connection, workspace.id, now() + AHEAD, SHOWN_COMING)
        live = [f for f in functions.all_of(connection, workspace.id) if f.live_version_id]
        steps = {
            "function": bool(live),
            "cron_job": bool(cron_jobs.names(connection, workspace.id, 1)),
            "mail": bool(config().mail.host),
        }
        due = cron_jobs.count_coming(connection, workspace.id, now() + AHEAD, COUNTED_COMING)
        return render_template(
            "home/home.html",
            steps=steps,
            done=all(steps.values()),
            numbers=_numbers(connection, workspace),
            running=_runs(connection, workspace, (Status.RUNNING, Status.QUEUED)),
            failures=_runs(connection, workspace, tuple(sorted(ALERTING))),
            coming=[next_day(job, now()) for job in coming],
            later=due - len(coming),
            later_more=due == COUNTED_COMING,
            many=history.COUNTED,
            unseen=downtimes.unseen(connection, 1) if may("developer") else [],
            gap_sentence=gap_words.sentence,
        )


def _runs(connection: Connection, workspace: Workspace, statuses: tuple[Status, ...]) -> list[run_rows.RunRow]:
    return history.history(connection, workspace.id, Filter(statuses=statuses), SHOWN)


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Runs that ended today and how many of them failed; the share of the last week that succeeded, in percent.

    No more than the newest history.COUNTED runs are looked at; `cut_day` and `cut_week` tell that there are more.
    """

    today: int
    failed: int
    rate: float | None
    cut_day: bool
    cut_week: bool


def _numbers(connection: Connection, workspace: Workspace) -> Numbers:
    local = now().astimezone(load_zone(shown_zone(workspace.timezone)))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    today = history.counts(connection, workspace.id, midnight.astimezone(UTC))
    week = history.counts(connection, workspace.id, now() - timedelta(days=7))
    good, bad = _good(week), _bad(week)
    rate = 100 * good / (good + bad) if good + bad else None
    cut_day, cut_week = (sum(counts.values()) >= history.COUNTED for counts in (today, week))
    return Numbers(today=_good(today) + _bad(today), failed=_bad(today), rate=rate, cut_day=cut_day, cut_week=cut_week)


def _good(counts: dict[str, int]) -> int:
    return counts.get(Status.SUCCEEDED, 0)


def _bad(counts: dict[str, int]) -> int:
    return sum(counts.get(status, 0) for status in ALERTING)


@dataclass(frozen=True, kw_only=True)
class Coming:
    """A CronJob with its next moment, and how many it has within a day."""

    job: CronJob
    at: datetime
    sentence: str
    count: int


def next_day(job: CronJob, moment: datetime) -> Coming:
    """The next day of a CronJob whose next moment is within it: that one alone where its zone is gone."""
    assert job.next_run_at is not None
    count = 1 if job.zone_trouble else job.calendar.latest_until(moment, moment + AHEAD, 1).count
    return Coming(job=job, at=job.next_run_at, sentence=describe(job.calendar.table), count=count)
