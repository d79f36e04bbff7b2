"""Making and changing CronJobs: one form, one preview, the same check for both."""

from dataclasses import replace
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from hexasched import doorbell, failpoints
from hexasched.domain.cron_job_inputs import Checked, Typed
from hexasched.domain.cron_job_inputs import check as check_typed
from hexasched.domain.policy_inputs import POLICY_FIELDS, read_policy
from hexasched.domain.policy_words import spread_sentence
from hexasched.domain.schedules import preview
from hexasched.domain.wall_times import wall_text
from hexasched.domain.zones import zone_names
from hexasched.store import cron_job_changes, cron_jobs, functions
from hexasched.store.cron_jobs import CronJob, CronJobFields
from hexasched.store.functions import Function
from web import cron_job_forms as forms
from web.access import current_workspace, found, require
from web.addresses import ID, id_of
from web.cron_job_forms import SHOWN_MOMENTS, free_name, typed, typed_of, wants_no_saving
from web.instance import config, database, now
from web.runs import pretty
from web.schedule_words import in_zone, moments, next_execution

cron_job_edit = Blueprint("cron_job_edit", __name__)
cron_job_edit.add_app_template_filter(moments, "moments")
cron_job_edit.add_app_template_filter(in_zone, "in_zone")
cron_job_edit.add_app_template_filter(wall_text, "wall_text")

TAKEN = "There is a CronJob of this name. Choose another name."
CHANGED = (
    "Somebody changed this CronJob while you had it open. What you typed is kept; "
    "choose Save CronJob again to overwrite their change."
)


@cron_job_edit.get("/cronjobs/new")
@require("developer")
def new() -> str:
    """The form; ?function=NAME chooses the function."""
    workspace = current_workspace()
    with database().reading() as connection:
        choices = functions.all_of(connection, workspace.id)
        taken = {job.name for job in cron_jobs.all_of(connection, workspace.id)}
    name = request.args.get("function", "")
    chosen = next((function for function in choices if function.name == name), None)
    given = Typed(
        function=name if chosen else "", timezone=workspace.timezone, name=free_name(name, taken) if chosen else ""
    )
    return _page(given, choices, None, None)


@cron_job_edit.post("/cronjobs/new")
@require("developer")
def create() -> Response | tuple[str, int] | str:
    """Make the CronJob and say when it runs next; or show the form again with everything that is wrong."""
    given, workspace = typed(request.form), current_workspace()
    with database().writing() as connection:
        choices = functions.all_of(connection, workspace.id)
        checked = _check(given, choices)
        if wants_no_saving(request.form):
            return _page(given, choices, None, replace(checked, errors={}))
        if checked.values is None:
            return _page(given, choices, None, checked), 422
        job = cron_job_changes.create(
            connection, workspace.id, _fields(given, choices, checked.values), now(), by=current_user.id
        )
    if job is None:
        return _page(given, choices, None, replace(checked, errors={"name": TAKEN})), 422
    doorbell.ring(config().data_dir, doorbell.SCHEDULE)
    _tell("CronJob created.", job)
    return redirect(url_for("cron_jobs.one", cron_job_id=job.id), 303)


@cron_job_edit.get(f"/cronjobs/<{ID}:cron_job_id>/edit")
@require("developer")
def edit(cron_job_id: int) -> str:
    """The form, filled."""
    workspace = current_workspace()
    with database().reading() as connection:
        job = found(cron_jobs.by_id(connection, workspace.id, cron_job_id))
        choices = functions.all_of(connection, workspace.id)
    given = typed_of(job, pretty(job.event))
    return _page(given, choices, job, replace(_check(given, choices, job), errors={}))


@cron_job_edit.post(f"/cronjobs/<{ID}:cron_job_id>/edit")
@require("developer")
def save(cron_job_id: int) -> Response | tuple[str, int] | str:
    """Change the CronJob from now on; or show the form again."""
    given, workspace = typed(request.form), current_workspace()
    with database().writing() as connection:
        current = found(cron_jobs.by_id(connection, workspace.id, cron_job_id))
        choices = functions.all_of(connection, workspace.id)
        checked = _check(given, choices, current)
        if wants_no_saving(request.form):
            return _page(given, choices, current, replace(checked, errors={}))
        if checked.values is None:
            return _page(given, choices, current, checked), 422
        if given.revision != str(current.revision):
            fresh = replace(given, revision=str(current.revision))
            return _page(fresh, choices, current, replace(checked, errors={"": CHANGED})), 409
        job = cron_job_changes.save(
            connection, current, _fields(given, choices, checked.values), now(), by=current_user.id
        )
    failpoints.reach("edit.after_commit")
    if job is None:
        return _page(given, choices, current, replace(checked, errors={"name": TAKEN})), 422
    doorbell.ring(config().data_dir, doorbell.SCHEDULE)
    _tell("CronJob saved.", job)
    return redirect(url_for("cron_jobs.one", cron_job_id=job.id), 303)


@cron_job_edit.post("/cronjobs/preview")
@require("viewer")
def show_preview() -> str:
    """What the typed schedule will do, or all that is wrong with it: a fragment of the form's page."""
    given = typed(request.form)
    cron_job_id = id_of(request.form.get("cron_job"))
    job = None
    if cron_job_id is not None:
        with database().reading() as connection:
            job = cron_jobs.by_id(connection, current_workspace().id, cron_job_id)
    shown = _preview(given, job)
    return render_template("cron_jobs/preview.html", given=given, now=now(), **shown)


def _check(given: Typed, choices: list[Function], job: CronJob | None = None) -> Checked:
    return check_typed(given, forms.can_run(choices), now(), SHOWN_MOMENTS, _kept(job))


def _kept(job: CronJob | None) -> tuple[str, str] | None:
    return (job.expression, job.timezone) if job else None


def _fields(given: Typed, choices: list[Function], values: dict[str, Any]) -> CronJobFields:
    function_id = next(function.id for function in choices if function.name == given.function)
    return CronJobFields(function_id=function_id, **values)


def _preview(given: Typed, job: CronJob | None) -> dict[str, object]:
    policy, _ = read_policy(given.policy, given.retry_on, given.zone)
    found = None
    if given.expression:
        found = preview(given.expression, given.timezone, now(), SHOWN_MOMENTS, policy, _kept(job))
    return {"found": found, "spread": spread_sentence(policy, job.id if job else None)}


def _page(given: Typed, choices: list[Function], job: CronJob | None, checked: Checked | None) -> str:
    errors = forms.shown_errors(checked.errors) if checked else {}
    return render_template(
        "cron_jobs/form.html",
        given=given,
        job=job,
        errors=errors,
        first_error=next(iter(errors), None),
        functions=[(function.name, function.name, _why_not(function)) for function in choices],
        ready=any(function.live_version_id for function in choices),
        open=forms.has_policies(given) or any(name in errors for name in POLICY_FIELDS),
        forms=forms,
        zones=sorted(zone_names()),
        **_preview(given, job),
    )


def _why_not(function: Function) -> str:
    return "" if function.live_version_id else "not deployed yet"


def _tell(done: str, job: CronJob) -> None:
    """The completion message: when it runs next, and who hears of failures."""
    workspace = current_workspace()
    when = "It is paused." if job.suspended else next_execution(job.next_run_at, job.timezone, now())
    mail = bool(config().mail.host)
    detail = (
        f"Failure alerts go to {workspace.alert_email}."
        if mail
        else "Failure alerts reach nobody: no mail server is set."
    )
    links = [("Alerts", url_for("alerts.overview"))]
    flash({"text": f"{done} {when}", "detail": detail, "links": links}, "success")  # type: ignore[arg-type]
