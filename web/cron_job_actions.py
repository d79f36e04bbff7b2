"""What a person does to a CronJob besides editing it: run it now, pause and resume it, delete it."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from hexasched import doorbell
from hexasched.domain.periods import read_pause
from hexasched.domain.wall_times import wall_text
from hexasched.store import cron_job_changes, cron_job_pauses, cron_jobs, runs
from hexasched.store.runs import NewRun
from web.access import current_workspace, found, require
from web.addresses import ID
from web.auth import safe_next
from web.instance import config, database, now
from web.run_actions import form_token
from web.schedule_words import in_zone, next_execution
from web.show import with_code

cron_job_actions = Blueprint("cron_job_actions", __name__)


@cron_job_actions.post(f"/cronjobs/<{ID}:cron_job_id>/run")
@require("developer")
def run_now(cron_job_id: int) -> Response:
    """Queue a run with the CronJob's payload and the live version; one run for each form, however often it is sent."""
    workspace, token = current_workspace(), form_token()
    with database().writing() as connection:
        job = found(cron_jobs.by_id(connection, workspace.id, cron_job_id))
        if job.live_version_id is None:
            flash(f"{job.function_name} has no version that was deployed successfully, so it can't run.", "error")
            return redirect(url_for("cron_jobs.one", cron_job_id=job.id), 303)
        new = NewRun(
            workspace_id=workspace.id,
            function_id=job.function_id,
            version_id=job.live_version_id,
            trigger="manual",
            event=job.event,
            cron_job_id=job.id,
            created_by=current_user.id,
            idempotency_key=token,
            serial_key=job.serial_key,
        )
        run_id = runs.enqueue(connection, new, now())
    doorbell.ring(config().data_dir, doorbell.WORK)
    return redirect(url_for("runs.one", run_id=run_id), 303)


@cron_job_actions.get(f"/cronjobs/<{ID}:cron_job_id>/pause")
@require("developer")
def change_pause(cron_job_id: int) -> str:
    """The form of a pause, with what the one that holds has."""
    with database().reading() as connection:
        job = found(cron_jobs.by_id(connection, current_workspace().id, cron_job_id))
    given = {"reason": job.suspend_reason, "until": wall_text(job.suspended_until, job.shown_zone)}
    return render_template("cron_jobs/pause.html", job=job, given=given, errors={})


@cron_job_actions.post(f"/cronjobs/<{ID}:cron_job_id>/pause")
@require("developer")
def pause(cron_job_id: int) -> Response | tuple[str, int]:
    """Stop future runs; running ones go on. The form may give a reason, and when the pause ends by itself.

    A pause that holds is changed by a form with these fields, and not by a switch that somebody pressed meanwhile.
    """
    given = {name: request.form.get(name, "") for name in ("reason", "until")}
    with database().writing() as connection:
        job = found(cron_jobs.by_id(connection, current_workspace().id, cron_job_id))
        wanted = read_pause(given["reason"], given["until"], job.shown_zone, now())
        if isinstance(wanted, dict):
            errors = {field: with_code(message) for field, message in wanted.items()}
            return render_template("cron_jobs/pause.html", job=job, given=given, errors=errors), 422
        stays = job.suspended and "reason" not in request.form
        if not stays:
            cron_job_pauses.suspend(connection, job, wanted.reason, now(), wanted.until, by=current_user.id)
    until = job.suspended_until if stays else wanted.until
    doorbell.ring(config().data_dir, doorbell.SCHEDULE)
    end = f"until {in_zone(until, job.shown_zone)} {job.shown_zone}" if until else "until it is resumed"
    flash(f"{job.name} is paused: it does not run {end}.", "success")
    return _back(cron_job_id)


@cron_job_actions.post(f"/cronjobs/<{ID}:cron_job_id>/resume")
@require("developer")
def resume(cron_job_id: int) -> Response:
    """Run again from the next moment on; one whose zone is gone can't."""
    with database().writing() as connection:
        job = found(cron_jobs.by_id(connection, current_workspace().id, cron_job_id))
        if job.zone_trouble:
            flash(f"{job.name} can't be resumed. {job.zone_trouble}", "error")
            return redirect(url_for("cron_job_edit.edit", cron_job_id=job.id), 303)
        resumed = found(cron_job_pauses.resume(connection, job, now(), by=current_user.id))
    doorbell.ring(config().data_dir, doorbell.SCHEDULE)
    flash(f"{job.name} is active. {next_execution(resumed.next_run_at, resumed.timezone, now())}", "success")
    return _back(cron_job_id)


def _back(cron_job_id: int) -> Response:
    here = safe_next(request.form.get("back", ""))
    return redirect(here or url_for("cron_jobs.one", cron_job_id=cron_job_id), 303)


@cron_job_actions.get(f"/cronjobs/<{ID}:cron_job_id>/delete")
@require("developer")
def ask_to_delete(cron_job_id: int) -> str:
    """Says what deleting means, and asks."""
    with database().reading() as connection:
        job = found(cron_jobs.by_id(connection, current_workspace().id, cron_job_id))
    return render_template("cron_jobs/delete.html", job=job)


@cron_job_actions.post(f"/cronjobs/<{ID}:cron_job_id>/delete")
@require("developer")
def delete(cron_job_id: int) -> Response:
    """Delete the CronJob; its runs stay in the history."""
    with database().writing() as connection:
        job = found(cron_jobs.by_id(connection, current_workspace().id, cron_job_id))
        cron_job_changes.remove(connection, job, now(), by=current_user.id)
    doorbell.ring(config().data_dir, doorbell.SCHEDULE)
    flash(f"{job.name} is deleted. Its runs stay in the history.", "success")
    return redirect(url_for("cron_jobs.listing"), 303)
