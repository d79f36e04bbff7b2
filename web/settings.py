"""The workspace's settings, and what the service is made of."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from hexasched.domain.inputs import check_email
from hexasched.domain.zones import check_zone, zone_names
from hexasched.store import audit, preloads, workspaces
from hexasched.store.health import SILENT_AFTER, look
from web.access import current_workspace, require
from web.instance import config, database, now
from web.setup import check_workspace

settings = Blueprint("settings", __name__)


@settings.get("/settings")
@require("viewer")
def page() -> str:
    """The workspace: a form for its owner, facts for the others."""
    workspace = current_workspace()
    given = {"name": workspace.name, "timezone": workspace.timezone, "alert_email": workspace.alert_email}
    return _page(given, {})


@settings.post("/settings")
@require("owner")
def save() -> Response | tuple[str, int]:
    """Change the workspace's name, default zone and alert address."""
    given = {name: request.form.get(name, "").strip() for name in ("name", "timezone", "alert_email")}
    checks = {
        "name": check_workspace(given["name"]),
        "timezone": check_zone(given["timezone"]),
        "alert_email": check_email(given["alert_email"]),
    }
    errors = {name: message for name, message in checks.items() if message}
    if errors:
        return _page(given, errors), 422
    with database().writing() as connection:
        workspaces.save_workspace(connection, current_workspace().id, **given)
        place = {"workspace_id": current_workspace().id, "by": current_user.id}
        audit.note(connection, "settings.change", given["name"], now(), detail=given, **place)
    flash("The settings are saved.", "success")
    return redirect(url_for("settings.page"), 303)


def _page(given: dict[str, str], errors: dict[str, str]) -> str:
    return render_template("settings/workspace.html", given=given, errors=errors, zones=sorted(zone_names()))


@settings.get("/settings/system")
@require("owner")
def system() -> str:
    """The processes of the service, and what they are configured to be."""
    with database().reading() as connection:
        found = look(connection, now())
        cold = preloads.all_of(connection, now() - SILENT_AFTER, current_workspace().id)
    return render_template(
        "settings/system.html",
        workers=found.present,
        health=found,
        warm_troubles=sorted(filter(None, {worker.facts.get("warm_trouble") for worker in found.present})),
        not_ready=cold,
        config=config(),
        sqlite=database().is_sqlite,
    )
