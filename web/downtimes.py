"""When HexaSched was not there or the clock jumped, and what that meant for each CronJob."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from hexasched import doorbell
from hexasched.store import audit, backfills, cron_jobs
from hexasched.store import downtimes as store
from web import gap_words
from web.access import current_workspace, found, require
from web.addresses import ID
from web.instance import config, database, now

downtimes = Blueprint("downtimes", __name__)

SHOWN = 20
CATCH_UP = {
    "skip": "skip: what was missed stays missed",
    "last": "last: the newest one within 24 hours was made up for",
    "all": "all: everything within 24 hours was made up for, at most 100",
}


@downtimes.get("/downtimes")
@require("developer")
def page() -> str:
    """The newest of them, with what became of each CronJob's moments."""
    workspace = current_workspace()
    with database().reading() as connection:
        gaps = store.newest(connection, SHOWN)
        entries = [(gap, gap_words.sentence(gap), store.effects(connection, workspace.id, gap)) for gap in gaps]
    return render_template("downtimes/list.html", entries=entries, catch_up=CATCH_UP)


@downtimes.post(f"/downtimes/<{ID}:downtime_id>/seen")
@require("developer")
def seen(downtime_id: int) -> Response:
    """Take the banner away: somebody knows of this one and of those before it."""
    with database().writing() as connection:
        gap = found(store.by_id(connection, downtime_id))
        if store.mark_seen(connection, gap.id, now()):
            place = {"workspace_id": current_workspace().id, "by": current_user.id}
            audit.note(connection, "downtime.seen", gap_words.sentence(gap), now(), **place)
    return redirect(url_for("downtimes.page"), 303)


@downtimes.post(f"/downtimes/<{ID}:downtime_id>/run/<{ID}:cron_job_id>")
@require("developer")
def run_missed(downtime_id: int, cron_job_id: int) -> Response:
    """Queue one run for the newest moment that the CronJob missed then; pressed twice, it queues one."""
    workspace = current_workspace()
    with database().writing() as connection:
        gap = found(store.by_id(connection, downtime_id))
        job = found(cron_jobs.by_id(connection, workspace.id, cron_job_id))
        effects = store.effects(connection, workspace.id, gap)
        missed = next((effect.last_missed for effect in effects if effect.cron_job_id == job.id), None)
        runs: list[int] = []
        if missed is not None and job.live_version_id is not None:
            runs = backfills.queue(connection, job, [missed], now(), by=current_user.id)
    doorbell.ring(config().data_dir, doorbell.WORK)
    if runs:
        return redirect(url_for("runs.one", run_id=runs[0]), 303)
    if job.live_version_id is None:
        flash(f"{job.function_name} has no version that was deployed successfully, so it can't run.", "error")
    else:
        flash(f"What {job.name} missed last was made up for already.", "info")
    return redirect(url_for("downtimes.page"), 303)
