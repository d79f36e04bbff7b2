"""The pages of a function's versions: the list, one version with its build, making one live."""

from flask import Blueprint, flash, redirect, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from hexasched import doorbell
from hexasched.store import audit, build_rows, env_vars, function_versions, waiting
from web import build_view, code_facts, function_frame, runtimes
from web.access import found, require
from web.addresses import ID
from web.function_frame import run_token, standing
from web.instance import config, database, now

versions = Blueprint("versions", __name__)
versions.add_app_template_filter(runtimes.label, "runtime_label")


@versions.get("/functions/<name>/versions")
@require("viewer")
def index(name: str) -> str:
    """All versions, the newest first."""
    with database().reading() as connection:
        place = standing(connection, name)
        listed = function_versions.versions(connection, place.function.id)
    return function_frame.page("versions.html", place, versions=listed)


@versions.get(f"/functions/<name>/versions/<{ID}:number>")
@require("viewer")
def version(name: str, number: int) -> str:
    """One version: how its build went or goes, and what it is made of."""
    return _page("version.html", name, number)


@versions.get(f"/functions/<name>/versions/<{ID}:number>/build")
@require("viewer")
def build(name: str, number: int) -> str:
    """The part of the version's page that changes while the build runs."""
    return _page("_build.html", name, number)


def _page(template: str, name: str, number: int) -> str:
    with database().reading() as connection:
        place = standing(connection, name)
        shown = found(function_versions.version_numbered(connection, place.function.id, number))
        its_build = build_rows.latest_of_versions(connection, [shown.id]).get(shown.id)
        lines = build_view.log_lines(connection, its_build.id) if its_build else []
        variables = env_vars.names(connection, place.function.id)
    stages = build_view.stages(its_build, shown.program.dependencies) if its_build else []
    return function_frame.page(
        template,
        place,
        shown=shown,
        build=its_build,
        stages=stages,
        failed=build_view.failed_stage(stages),
        log=lines,
        missing=code_facts.missing(shown.analysis, variables),
        token=run_token(),
    )


@versions.get("/functions/<name>/standing")
@require("viewer")
def standing_now(name: str) -> str:
    """The marks beside the function's name, which change when a build ends."""
    with database().reading() as connection:
        place = standing(connection, name)
    return function_frame.page("_standing.html", place)


@versions.post(f"/functions/<name>/versions/<{ID}:number>/activate")
@require("developer")
def activate(name: str, number: int) -> Response:
    """Let this version serve from now on."""
    with database().writing() as connection:
        place = standing(connection, name)
        chosen = found(function_versions.version_numbered(connection, place.function.id, number))
        changed = function_versions.activate(connection, place.function.id, chosen.id)
        if changed:
            detail = {"from": place.function.live_version, "to": number}
            where = {"workspace_id": place.function.workspace_id, "by": current_user.id}
            audit.note(connection, "function.rollback", name, now(), detail=detail, **where)
    if changed:
        flash(f"Version {number} is live now. The next run of {name} uses it.", "success")
    else:
        flash(f"Version {number} can't be live: it was never built successfully.", "error")
    return redirect(url_for("versions.index", name=name), 303)


@versions.post(f"/functions/<name>/versions/<{ID}:number>/waiting")
@require("developer")
def move_waiting(name: str, number: int) -> Response:
    """Let the runs that still wait use this version, which is live."""
    with database().writing() as connection:
        place = standing(connection, name)
        chosen = found(function_versions.version_numbered(connection, place.function.id, number))
        moved = waiting.move(connection, place.function.id, chosen.id)
    doorbell.ring(config().data_dir, doorbell.DONE)
    if moved is None:
        flash(f"Version {number} is not live any more. Nothing was changed.", "error")
    elif moved == 0:
        flash("No run was waiting any more.", "info")
    else:
        flash(f"{'1 run uses' if moved == 1 else f'{moved:,} runs use'} version {number} now.", "success")
    return redirect(url_for("versions.version", name=name, number=number), 303)
