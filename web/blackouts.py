"""The page of blackouts: named periods in which no CronJob, or one of them, is started."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from hexasched.domain.periods import read_blackout
from hexasched.domain.zones import shown_zone
from hexasched.store import blackouts as store
from hexasched.store import cron_jobs
from web.access import current_workspace, found, require
from web.addresses import ID, id_of
from web.instance import database, now
from web.show import with_code

blackouts = Blueprint("blackouts", __name__)

FIELDS = ("name", "from", "to", "cron_job")


@blackouts.get("/cronjobs/blackouts")
@require("developer")
def listing() -> str:
    """Those that hold or are to come, and the form of a new one; ?cron_job=ID chooses the CronJob."""
    return _page(dict.fromkeys(FIELDS, "") | {"cron_job": request.args.get("cron_job", "")}, {})


@blackouts.post("/cronjobs/blackouts")
@require("developer")
def add() -> Response | tuple[str, int]:
    """Keep a blackout; its times are those of the workspace's zone."""
    workspace = current_workspace()
    given = {name: request.form.get(name, "").strip() for name in FIELDS}
    wanted = read_blackout(given, shown_zone(workspace.timezone), now())
    errors = wanted if isinstance(wanted, dict) else {}
    with database().writing() as connection:
        cron_job_id = id_of(given["cron_job"]) if given["cron_job"] else None
        if given["cron_job"] and not (cron_job_id and cron_jobs.by_id(connection, workspace.id, cron_job_id)):
            errors |= {"cron_job": "There is no such CronJob. Choose another one."}
        if not isinstance(wanted, dict) and not errors:
            store.add(connection, workspace.id, wanted, cron_job_id, now(), by=current_user.id)
            flash(f"The blackout {wanted.name} is kept: what falls into it does not run.", "success")
    if errors:
        return _page(given, errors), 422
    return redirect(url_for("blackouts.listing"), 303)


@blackouts.post(f"/cronjobs/blackouts/<{ID}:blackout_id>/delete")
@require("developer")
def remove(blackout_id: int) -> Response:
    """End a blackout; what fell into it stays as it is."""
    with database().writing() as connection:
        found(store.remove(connection, current_workspace().id, blackout_id, now(), by=current_user.id) or None)
    flash("The blackout is deleted: from now on nothing falls into it.", "success")
    return redirect(url_for("blackouts.listing"), 303)


def _page(given: dict[str, str], errors: dict[str, str]) -> str:
    workspace = current_workspace()
    with database().reading() as connection:
        jobs = {job.id: job.name for job in cron_jobs.all_of(connection, workspace.id)}
        kept = store.of_workspace(connection, workspace.id, now())
    return render_template(
        "cron_jobs/blackouts.html",
        given=given,
        errors={field: with_code(message) for field, message in errors.items()},
        jobs=jobs,
        kept=[one for one in kept if one[1] is None or one[1] in jobs],
        local=shown_zone(workspace.timezone),
    )
