"""What the editor asks while one types: mistakes, variables and packages of a source, read by a worker."""

import threading
import time
from typing import Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from hexasched import doorbell
from hexasched.domain.inputs import check_source, read_dependencies
from hexasched.domain.limits import POLL_S
from hexasched.store import build_rows, builds, workers
from web import code_facts, runtimes
from web.access import current_workspace, require
from web.function_forms import ProgramForm, read_program
from web.instance import config, database, now

ANSWER_WITHIN_S = 3.0
AT_ONCE = 8
"""So many threads may wait here; further requests are told to ask again."""

_NO_HANDLER = "Export a default function: export default async (event, context) => { … }"

analysis = Blueprint("analysis", __name__)
_places = threading.BoundedSemaphore(AT_ONCE)


@analysis.post("/functions/analyse")
@require("developer")
def analyse() -> dict[str, Any] | Response:
    """{diagnostics, env, packages} of the form's source; 202 while nobody could look at it: ask again.

    diagnostics: [{message, line, column, severity}]; env: [{name, line, optional}], packages (those that are not
    among the form's): [{name, line}]; the last two only if the source can be parsed. 204 if nobody can read that.
    """
    typed = read_program(request.form)
    if not _is_readable(typed):
        return Response(status=204)
    if not _places.acquire(blocking=False):
        return _ask_again()
    try:
        found = _ask_worker(typed)
    finally:
        _places.release()
    if found is None:
        return _ask_again()
    packages, _ = read_dependencies(typed.dependencies)
    return _answer(found, packages)


def _ask_again() -> Response:
    return Response(status=202, headers={"Retry-After": "2"})


def _is_readable(typed: ProgramForm) -> bool:
    with database().reading() as connection:
        known = workers.runtimes(connection, now())
    wrong = runtimes.check(typed.runtime, typed.handler_file, known) or check_source(typed.source, typed.handler_file)
    return not wrong


def _ask_worker(typed: ProgramForm) -> dict[str, Any] | None:
    with doorbell.Doorbell(config().data_dir, doorbell.DONE) as bell:
        build_id = _enqueue(typed)
        doorbell.ring(config().data_dir, doorbell.WORK)
        give_up_at = time.monotonic() + ANSWER_WITHIN_S
        while (left := give_up_at - time.monotonic()) > 0:
            bell.wait(min(left, POLL_S))
            with database().reading() as connection:
                build = build_rows.by_id(connection, current_workspace().id, build_id)
            if build is None or build.finished_at is not None:
                return build.result if build else None
    return None


def _enqueue(typed: ProgramForm) -> int:
    source = {"runtime": typed.runtime, "handler_file": typed.handler_file, "source": typed.source}
    with database().writing() as connection:
        return builds.enqueue_analysis(connection, current_workspace().id, source, now())


def _answer(found: dict[str, Any], packages: dict[str, str]) -> dict[str, Any]:
    absent = code_facts.missing_packages(found, packages)
    answer = {"diagnostics": _diagnostics(found, absent)}
    if found.get("errors"):
        return answer  # what it reads and imports is not known as long as it can't be parsed
    env = [{"name": u.name, "line": u.lines[0], "optional": u.optional} for u in code_facts.uses(found).values()]
    return answer | {"env": env, "packages": absent}


def _diagnostics(found: dict[str, Any], absent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    errors = found.get("errors", [])
    marks = [
        _mark(" ".join(filter(None, (error["message"], error.get("hint")))), error.get("line"), error.get("column"))
        for error in errors
    ]
    marks += [
        _mark(f"The package {package['name']} is not in Packages. Add it there.", package["line"], severity="warning")
        for package in absent
    ]
    if not errors and found.get("handler") is None:
        marks.append(_mark(_NO_HANDLER, severity="warning"))
    return marks


def _mark(message: str, line: int | None = None, column: int | None = None, severity: str = "error") -> dict[str, Any]:
    return {"message": message, "line": line or 1, "column": column or 1, "severity": severity}
