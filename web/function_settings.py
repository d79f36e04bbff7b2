"""A function's description, and its end."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from hexasched import doorbell
from hexasched.store import cron_jobs, functions
from web import function_frame
from web.access import current_workspace, require
from web.function_forms import check_description
from web.function_frame import standing
from web.instance import config, database, now

function_settings = Blueprint("function_settings", __name__)


@function_settings.get("/functions/<name>/settings")
@require("viewer")
def page(name: str) -> str:
    """The description, and the end."""
    return _settings(name, {})


@function_settings.post("/functions/<name>/settings")
@require("developer")
def describe(name: str) -> Response | tuple[str, int]:
    """Change the description."""
    text = request.form.get("description", "").strip()
    if wrong := check_description(text):
        return _settings(name, {"description": wrong}, description=text), 422
    with database().writing() as connection:
        function = standing(connection, name).function
        functions.describe(connection, function.workspace_id, function.id, text)
    flash("Description saved.", "success")
    return redirect(url_for("function_settings.page", name=name), 303)


@function_settings.post("/functions/<name>/delete")
@require("developer")
def delete(name: str) -> Response | tuple[str, int]:
    """Delete the function with its CronJobs, if its name was typed."""
    if request.form.get("confirm", "").strip() != name:
        return _settings(name, {"confirm": f"Type the name exactly: {name}"}), 422
    with database().writing() as connection:
        function = standing(connection, name).function
        functions.remove(connection, function.workspace_id, function.id, now(), by=current_user.id)
    doorbell.ring(config().data_dir, doorbell.SCHEDULE)
    flash(f"The function {name} and its CronJobs are deleted. Their runs stay in the history.", "success")
    return redirect(url_for("functions.index"), 303)


def _settings(name: str, errors: dict[str, str], description: str | None = None) -> str:
    with database().reading() as connection:
        place = standing(connection, name)
        its_cron_jobs = cron_jobs.all_of(connection, current_workspace().id, place.function.id)
    shown = place.function.description if description is None else description
    return function_frame.page("settings.html", place, errors=errors, description=shown, cron_jobs=its_cron_jobs)
