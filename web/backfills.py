"""Running a span of past moments of a CronJob: first what is known of each, then runs for those that were chosen."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from hexasched import doorbell
from hexasched.domain.backfills import Past, moments_between
from hexasched.domain.wall_times import read_instant
from hexasched.store import backfills as store
from hexasched.store import cron_jobs
from hexasched.store.cron_jobs import CronJob
from hexasched.store.database import Connection
from web.access import current_workspace, found, require
from web.addresses import ID
from web.instance import config, database, now
from web.schedule_words import in_zone

backfills = Blueprint("backfills", __name__)


@dataclass(frozen=True, kw_only=True)
class Span:
    """What was asked for: the moments with what is known of each, None before anything was asked; or what is wrong."""

    pasts: list[Past] | None
    errors: dict[str, str]


@backfills.get(f"/cronjobs/<{ID}:cron_job_id>/backfill")
@require("developer")
def page(cron_job_id: int) -> str | tuple[str, int]:
    """The form; ?from=…&to=… (wall times of the CronJob's zone) shows the moments between."""
    with database().reading() as connection:
        job = found(cron_jobs.by_id(connection, current_workspace().id, cron_job_id))
        span = _span(connection, job, dict(request.args))
    return _page(job, span, dict(request.args)), 422 if span.errors else 200


@backfills.post(f"/cronjobs/<{ID}:cron_job_id>/backfill")
@require("developer")
def queue(cron_job_id: int) -> Response | tuple[str, int]:
    """Queue a run for each chosen moment of the span that did not happen."""
    with database().writing() as connection:
        job = found(cron_jobs.by_id(connection, current_workspace().id, cron_job_id))
        span = _span(connection, job, dict(request.form))
        errors = span.errors or _why_not(job)
        if errors:
            return _page(job, Span(pasts=span.pasts, errors=errors), dict(request.form)), 422
        chosen = set(request.form.getlist("moment"))
        moments = [past.at for past in span.pasts or [] if past.at.isoformat() in chosen]
        made = store.queue(connection, job, moments, now(), by=current_user.id)
    doorbell.ring(config().data_dir, doorbell.WORK)
    if made:
        flash(f"{'1 run is' if len(made) == 1 else f'{len(made)} runs are'} queued.", "success")
    else:
        flash("Nothing was queued: no moment was chosen, or all of them have a run by now.", "info")
    return redirect(url_for("cron_jobs.one", cron_job_id=job.id), 303)


def _why_not(job: CronJob) -> dict[str, str]:
    if job.live_version_id is not None:
        return {}
    return {"": f"{job.function_name} has no version that was deployed successfully, so it can't run."}


def _span(connection: Connection, job: CronJob, given: dict[str, str]) -> Span:
    if "from" not in given and "to" not in given:
        return Span(pasts=None, errors={})
    if job.zone_trouble:
        return Span(pasts=None, errors={"": f"{job.zone_trouble} Choose Edit on its page to give it another one."})
    ends: dict[str, datetime] = {}
    errors: dict[str, str] = {}
    for name in ("from", "to"):
        moment, wrong = read_instant(given.get(name, ""), job.timezone)
        if moment is None:
            errors[name] = wrong or "Write a date and a time, for example 2026-11-23 09:00."
        else:
            ends[name] = moment
    if errors:
        return Span(pasts=None, errors=errors)
    moments = moments_between(job.calendar, ends["from"], ends["to"], now())
    if isinstance(moments, str):
        return Span(pasts=None, errors={"to": moments})
    return Span(pasts=store.look(connection, job, moments, now()), errors={})


def _page(job: CronJob, span: Span, given: dict[str, str]) -> str:
    return render_template(
        "cron_jobs/backfill.html",
        job=job,
        given=given,
        errors=span.errors,
        pasts=span.pasts,
        count=sum(past.would_run for past in span.pasts or []),
        local=lambda moment: in_zone(moment, job.shown_zone),
    )
