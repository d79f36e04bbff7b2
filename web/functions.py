"""The list of functions, and the page that makes a new one."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from flask_login import current_user
from markupsafe import Markup
from werkzeug.wrappers import Response

from hexasched import doorbell
from hexasched.domain.limits import FLOOR
from hexasched.store import deploys, env_vars, function_list, functions
from hexasched.store.database import Connection
from hexasched.store.function_versions import Program
from web import runtimes
from web.access import current_workspace, require
from web.environment_forms import SPARE_ROWS, EnvRow, check_rows, read_rows, wanted_environment
from web.function_forms import ProgramForm, check_names, check_program, read_program
from web.instance import config, database, instance, now

function_pages = Blueprint("functions", __name__)


@function_pages.get("/functions")
@require("viewer")
def index() -> str:
    """All functions of the workspace."""
    with database().reading() as connection:
        listed = function_list.overviews(connection, current_workspace().id)
    return render_template("functions/list.html", functions=listed)


@dataclass(frozen=True, kw_only=True)
class NewFunction:
    """The fields of the form that makes a function, as they were typed."""

    program: ProgramForm
    name: str = ""
    description: str = ""
    rows: tuple[EnvRow, ...] = ()


def _read(form: Mapping[str, str]) -> NewFunction:
    return NewFunction(
        name=form.get("name", "").strip(),
        description=form.get("description", "").strip(),
        program=read_program(form),
        rows=tuple(read_rows(form)),
    )


@function_pages.get("/functions/new")
@require("developer")
def new() -> str:
    """The form with a function that could be deployed as it is."""
    with database().reading() as connection:
        offered = runtimes.offered(connection)
    return _form(NewFunction(program=ProgramForm(runtime=next(iter(offered)))), {}, offered)


@function_pages.post("/functions/new")
@require("developer")
def create() -> Response | tuple[str, int]:
    """Make the function with its variables and deploy its first version; all or nothing."""
    typed = _read(request.form)
    with database().writing() as connection:
        offered = runtimes.offered(connection)
        program, errors = check_program(typed.program, offered, config().ceiling)
        errors |= check_names(typed.name, typed.description) | check_rows(list(typed.rows), {}, ())
        if program is not None and not errors:
            errors = _create(connection, typed, program)
        elif "name" not in errors and functions.by_name(connection, current_workspace().id, typed.name):
            errors["name"] = _taken(typed.name)
    if errors:
        return _form(typed, errors, offered), 422
    doorbell.ring(config().data_dir, doorbell.WORK)
    return redirect(url_for("versions.version", name=typed.name, number=1), 303)


def _create(connection: Connection, typed: NewFunction, program: Program) -> dict[str, str]:
    function = functions.create(
        connection, current_workspace().id, typed.name, typed.description, now(), by=current_user.id
    )
    if function is None:
        return {"name": _taken(typed.name)}
    wanted = wanted_environment(list(typed.rows), {})
    env_vars.save(connection, instance().keys, function.id, wanted, now(), by=current_user.id)
    deploys.deploy(connection, function, program, current_user.id, now())
    return {}


def _taken(name: str) -> str:
    there = url_for("code.page", name=name)
    return Markup('The function <a href="{}">{}</a> has this name already. Choose another one.').format(there, name)


def _form(typed: NewFunction, errors: dict[str, str], offered: dict[str, str]) -> str:
    return render_template(
        "functions/new.html",
        typed=typed,
        errors=errors,
        runtimes=offered,
        languages=runtimes.languages("index.js"),
        floor=FLOOR,
        ceiling=config().ceiling,
        rows=[*typed.rows, *[EnvRow()] * SPARE_ROWS],
    )
