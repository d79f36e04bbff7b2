"""The page that answers why a CronJob did not run at some time."""

from flask import Blueprint, render_template, request

from hexasched.domain.why import read_moments
from hexasched.store import cron_jobs, whys
from web.access import current_workspace, found, require
from web.addresses import ID
from web.instance import database, now
from web.show import with_code

cron_job_why = Blueprint("cron_job_why", __name__)


@cron_job_why.get(f"/cronjobs/<{ID}:cron_job_id>/why")
@require("viewer")
def page(cron_job_id: int) -> str | tuple[str, int]:
    """The answer for ?at=2026-11-23T09:00, a time in the CronJob's zone; without it only the question.

    Where the zone is gone no time can be meant: the page says so, and answers nothing.
    """
    at = request.args.get("at", "")
    with database().reading() as connection:
        job = found(cron_jobs.by_id(connection, current_workspace().id, cron_job_id))
        moments, mistake = read_moments(at, job.timezone) if at and not job.zone_trouble else ((), None)
        answers = [whys.ask(connection, job, moment, now()) for moment in moments]
    errors = {"at": with_code(mistake)} if mistake else {}
    shown = render_template("cron_jobs/why.html", job=job, at=at, answers=answers, errors=errors)
    return (shown, 422) if errors or (at and job.zone_trouble) else shown
