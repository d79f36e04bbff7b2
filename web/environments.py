"""The page of a function's environment variables: all in one form; a secret's value is never sent to a page."""

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from hexasched.domain.functions import EnvVar
from hexasched.store import env_vars, functions
from hexasched.store.database import Connection
from hexasched.store.function_versions import Version
from web import function_frame
from web.access import require
from web.addresses import id_of
from web.code_facts import Use, missing, uses
from web.environment_forms import (
    SPARE_ROWS,
    EnvRow,
    check_rows,
    read_rows,
    stored_rows,
    suggested_rows,
    wanted_environment,
    with_row_for,
)
from web.function_frame import Standing, standing
from web.instance import database, instance, now

environment = Blueprint("environment", __name__)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What there is: the variables as a page may show them, and what the code reads."""

    shown: list[EnvVar]
    reads: dict[str, Use]
    missing: list[Use]


@environment.get("/functions/<name>/environment")
@require("viewer")
def page(name: str) -> str:
    """The variables, first those that the code reads and that are not set; ?add=NAME begins a row."""
    with database().reading() as connection:
        place = standing(connection, name)
        stored = _stored(connection, place)
    rows = [*suggested_rows(stored.missing), *stored_rows(stored.shown)]
    asked = request.args.get("add", "")
    return _page(place, stored, with_row_for(rows, asked), {}, focus=asked)


@environment.post("/functions/<name>/environment")
@require("developer")
def save(name: str) -> Response | tuple[str, int]:
    """Make the environment what was typed. 409 if somebody else changed it meanwhile."""
    rows = read_rows(request.form)
    with database().writing() as connection:
        place = standing(connection, name, to_change=True)
        stored = _stored(connection, place)
        stale = id_of(request.form.get("revision")) != place.function.env_revision
        errors = _save(connection, place, rows, dry=stale)
        after = functions.by_id(connection, place.function.workspace_id, place.function.id)
    if errors or stale:
        return _page(place, stored, rows, errors, stale=stale), 422 if errors else 409
    changed = after is not None and after.env_revision != place.function.env_revision
    done = "Environment saved. It applies to the next run; no redeploy is needed."
    flash(done if changed else "Nothing was changed.", "success" if changed else "info")
    return redirect(url_for("environment.page", name=name), 303)


def _save(connection: Connection, place: Standing, rows: list[EnvRow], *, dry: bool) -> dict[str, str]:
    """What is wrong with the rows; if nothing is, and this is not a dry run, they are what is stored now."""
    keys, function_id = instance().keys, place.function.id
    values = env_vars.values(connection, keys, function_id)
    errors = check_rows(rows, values, env_vars.secret_names(connection, function_id))
    if not errors and not dry:
        env_vars.save(connection, keys, function_id, wanted_environment(rows, values), now(), by=current_user.id)
    return errors


def _stored(connection: Connection, place: Standing) -> Stored:
    shown = env_vars.shown(connection, instance().keys, place.function.id)
    read = _analysed(connection, place)
    analysis = read.analysis if read else None
    return Stored(shown=shown, reads=uses(analysis), missing=missing(analysis, {v.name for v in shown}))


def _analysed(connection: Connection, place: Standing) -> Version | None:
    return function_frame.live_version(connection, place.function) or place.newest


def _page(
    place: Standing, stored: Stored, rows: list[EnvRow], errors: dict[str, str], *, stale: bool = False, focus: str = ""
) -> str:
    return function_frame.page(
        "environment.html",
        place,
        rows=[*rows, *[EnvRow()] * SPARE_ROWS],
        shown=stored.shown,
        reads=stored.reads,
        missing=stored.missing,
        errors=errors,
        stale=stale,
        focus=focus,
    )
