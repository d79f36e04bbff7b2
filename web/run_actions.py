"""What a person does to a run: stop it, run it again."""

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from hexasched import doorbell
from hexasched.domain.outcomes import Status
from hexasched.store import functions, history, runs
from hexasched.store.runs import NewRun
from web.access import current_workspace, found, require
from web.addresses import ID
from web.instance import config, database, now

run_actions = Blueprint("run_actions", __name__)

TOKEN_CHARS = 32


@run_actions.post(f"/runs/<{ID}:run_id>/cancel")
@require("developer")
def cancel(run_id: int) -> Response:
    """Stop a run: at once if it still waits, else its worker is asked."""
    with database().writing() as connection:
        status = found(runs.request_cancel(connection, current_workspace().id, run_id, now()))
    doorbell.ring(config().data_dir, doorbell.WORK, doorbell.DONE)
    if status is Status.RUNNING:
        flash("The run was asked to stop. It gets 5 seconds to clean up.", "info")
    elif status is Status.CANCELLED:
        flash("The run is cancelled.", "success")
    else:
        flash("The run had ended already.", "info")
    return redirect(url_for("runs.one", run_id=run_id), 303)


@run_actions.post(f"/runs/<{ID}:run_id>/again")
@require("developer")
def again(run_id: int) -> Response:
    """Run the same event again, with the version it had (if `version` is "same") or the live one."""
    workspace = current_workspace()
    with database().writing() as connection:
        run = found(history.detail(connection, workspace.id, run_id))
        function = found(functions.by_id(connection, workspace.id, run.function_id))
        same = request.form.get("version") == "same" and run.version_number is not None
        version_id = run.version_id if same else function.live_version_id
        if version_id is None:
            flash(f"{function.name} has no version that was deployed successfully, so it can't run.", "error")
            return redirect(url_for("runs.one", run_id=run_id), 303)
        new = NewRun(
            workspace_id=workspace.id,
            function_id=function.id,
            version_id=version_id,
            trigger="again",
            event=run.event,
            cron_job_id=run.cron_job_id,
            created_by=current_user.id,
            idempotency_key=form_token(),
        )
        new_id = runs.enqueue(connection, new, now())
    doorbell.ring(config().data_dir, doorbell.WORK)
    return redirect(url_for("runs.one", run_id=new_id), 303)


def form_token() -> str:
    """The random word of the form that was sent: a form that is sent twice makes one run. Answers 400 without one."""
    token = request.form.get("token", "")
    if len(token) != TOKEN_CHARS or not token.isalnum() or not token.isascii():
        abort(400)
    return token
