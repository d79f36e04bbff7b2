"""What the page of a function's code shows: the text to go on with, and what is known around it."""

from dataclasses import dataclass
from typing import Any

from flask_login import current_user

from hexasched.domain.limits import FLOOR
from hexasched.store import build_rows, cron_jobs, env_vars, function_versions, history
from hexasched.store.database import Connection
from hexasched.store.function_versions import Version
from hexasched.store.history import Filter
from web import code_facts, function_frame, runtimes
from web.access import current_workspace, found, may
from web.function_forms import ProgramForm, form_of
from web.function_frame import Standing, run_token
from web.instance import config, database

RUNS_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The fields as the page shows them, and the version or draft that they came from."""

    typed: ProgramForm
    origin: Version | None = None
    event: str = "{}"
    run_event: str = "{}"


def sheet_to_edit(connection: Connection, place: Standing, asked: int | None = None, run_event: str = "{}") -> Sheet:
    """The text of version `asked`; else one's own draft if it is newer than every deploy; else what failed or is live.

    The page 404 if there is no version `asked`.
    """
    origin = _version_to_edit(connection, place, asked)
    typed = form_of(origin.program) if origin else ProgramForm(runtime=next(iter(runtimes.offered(connection))))
    return Sheet(typed=typed, origin=origin, run_event=run_event)


def _version_to_edit(connection: Connection, place: Standing, asked: int | None) -> Version | None:
    function = place.function
    if asked is not None:
        return found(function_versions.version_numbered(connection, function.id, asked))
    draft = function_versions.newest_draft(connection, function.id, current_user.id) if may("developer") else None
    if draft and (place.newest is None or draft.id > place.newest.id):
        return draft
    return place.unsettled or function_frame.live_version(connection, function) or place.newest


def known_runtimes(connection: Connection, place: Standing) -> dict[str, str]:
    """What workers have, and what the function has: it may be that its worker is only away for a moment."""
    offered = runtimes.offered(connection)
    own = place.newest.program.runtime if place.newest else None
    return offered if own is None or own in offered else {own: runtimes.label(own), **offered}


def _diagnostics(connection: Connection, origin: Version | None) -> list[dict[str, Any]]:
    """What the editor marks at once: where the deploy of this very text failed."""
    build = build_rows.latest_of_versions(connection, [origin.id]).get(origin.id) if origin else None
    errors = [stage["error"] for stage in build.stages if stage["error"]] if build else []
    return [
        {"message": error["message"], "line": error["line"], "column": error["column"], "severity": "error"}
        for error in errors
        if error.get("line")
    ]


def show(place: Standing, sheet: Sheet, errors: dict[str, str], *, stale: bool = False) -> str:
    """The page; `stale` says that a newer version than the one edited exists."""
    function, workspace_id = place.function, current_workspace().id
    with database().reading() as connection:
        live = function_frame.live_version(connection, function)
        names = env_vars.names(connection, function.id)
        analysis = next((v.analysis for v in (sheet.origin, live) if v is not None and v.analysis), None)
        return function_frame.page(
            "code.html",
            place,
            sheet=sheet,
            errors=errors,
            stale=stale,
            runtimes=known_runtimes(connection, place),
            languages=runtimes.languages(sheet.typed.handler_file),
            floor=FLOOR,
            ceiling=config().ceiling,
            diagnostics=_diagnostics(connection, sheet.origin),
            live=live,
            variables=sorted(names),
            missing=code_facts.missing(analysis, names),
            last_runs=history.history(connection, workspace_id, Filter(function_id=function.id), limit=RUNS_SHOWN),
            cron_jobs=cron_jobs.all_of(connection, workspace_id, function.id),
            token=run_token(),
        )
