"""The page of one function: its code in the editor, Deploy, Test run, Run now."""

from flask import Blueprint, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from hexasched import doorbell
from hexasched.domain.inputs import read_event
from hexasched.store import deploys, runs
from hexasched.store.database import Connection
from hexasched.store.functions import Function
from hexasched.store.runs import NewRun
from web.access import require
from web.addresses import id_of
from web.code_sheet import Sheet, known_runtimes, sheet_to_edit, show
from web.function_forms import check_program, read_program, typed_text
from web.function_frame import standing
from web.instance import config, database, now
from web.run_actions import form_token

code = Blueprint("code", __name__)


@code.get("/functions/<name>")
@require("viewer")
def page(name: str) -> str:
    """The editor with the text to go on with, or with that of ?version=N; ?line=N is where the cursor is put."""
    with database().reading() as connection:
        place = standing(connection, name)
        sheet = sheet_to_edit(connection, place, id_of(request.args.get("version")))
    return show(place, sheet, {})


def _read_sheet() -> Sheet:
    return Sheet(typed=read_program(request.form), event=typed_text(request.form, "event"))


@code.post("/functions/<name>/deploy")
@require("developer")
def deploy(name: str) -> Response | tuple[str, int]:
    """A new version of what was typed; the live one serves until it is built. 409 if somebody else was faster."""
    sheet = _read_sheet()
    with database().writing() as connection:
        place = standing(connection, name, to_change=True)
        program, errors = check_program(sheet.typed, known_runtimes(connection, place), config().ceiling)
        stale = id_of(request.form.get("base")) != place.newest_number
        if program is not None and not stale:
            deploys.deploy(connection, place.function, program, current_user.id, now())
    if program is None or stale:
        return show(place, sheet, errors, stale=stale), 422 if errors else 409
    doorbell.ring(config().data_dir, doorbell.WORK)
    return redirect(url_for("versions.version", name=name, number=place.newest_number + 1), 303)


@code.post("/functions/<name>/test")
@require("developer")
def test(name: str) -> Response | tuple[str, int]:
    """Run what was typed as a draft, with the real variables, without deploying it."""
    sheet = _read_sheet()
    event, bad_event = read_event(sheet.event)
    with database().writing() as connection:
        place = standing(connection, name)
        program, errors = check_program(sheet.typed, known_runtimes(connection, place), config().ceiling)
        errors |= {"event": bad_event} if bad_event else {}
        started = None
        if program is not None and not errors:
            started = deploys.test_draft(connection, place.function, program, event, current_user.id, now())
    if started is None or started.run_id is None:
        return show(place, sheet, errors), 422
    doorbell.ring(config().data_dir, doorbell.WORK)
    return redirect(url_for("runs.one", run_id=started.run_id), 303)


@code.post("/functions/<name>/run")
@require("developer")
def run(name: str) -> Response | tuple[str, int]:
    """Run the live version now; the same form sent twice makes one run."""
    typed = typed_text(request.form, "run_event")
    event, wrong = read_event(typed)
    with database().writing() as connection:
        place = standing(connection, name)
        run_id = None if wrong else _enqueue(connection, place.function, event)
    if run_id is None:
        with database().reading() as connection:
            sheet = sheet_to_edit(connection, place, run_event=typed)
        return show(place, sheet, {"run_event": wrong or "No version is live yet. Deploy the code first."}), 422
    doorbell.ring(config().data_dir, doorbell.WORK)
    return redirect(url_for("runs.one", run_id=run_id), 303)


def _enqueue(connection: Connection, function: Function, event: str) -> int | None:
    if function.live_version_id is None:
        return None
    new = NewRun(
        workspace_id=function.workspace_id,
        function_id=function.id,
        version_id=function.live_version_id,
        trigger="manual",
        event=event,
        created_by=current_user.id,
        idempotency_key=form_token(),
    )
    return runs.enqueue(connection, new, now())


@code.get("/functions/<name>/runs")
@require("viewer")
def runs_of(name: str) -> Response:
    """The function's runs are a choice on the page of all runs."""
    with database().reading() as connection:
        place = standing(connection, name)
    return redirect(url_for("runs.listing", function=place.function.name))
