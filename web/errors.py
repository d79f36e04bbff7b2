"""Error pages: what happened, what to do, and the request's id; details only go to our log."""

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError, SecurityError, ServiceUnavailable

from hexasched import logs
from hexasched.errors import FULL_DISK, StoreBusyError, is_full_disk
from web.access import wants_page
from web.security import request_id

TEXTS = {
    400: ("This request could not be understood", "Go back, load the page again and retry."),
    401: ("You are not logged in", "Log in and try again."),
    403: ("You may not do this", "Your role in this workspace does not allow it. Ask an owner."),
    404: ("There is no such page", "It was deleted, or it never was, or it belongs to another workspace."),
    405: ("This address does not do that", "Go back and use the page's own buttons."),
    409: ("Somebody else was faster", "Load the page again to see what changed."),
    413: ("That is too much at once", "A form can hold at most 2 MB."),
    414: ("This address is too long", "An address can have at most 4,094 characters."),
    415: ("This kind of content is not accepted", "Go back and use the page's own form."),
    422: ("Something in the form is not right", "Go back and correct it."),
    429: ("Too many requests", "Wait a moment and try again."),
    500: (
        "Something went wrong on our side",
        "It was written to the server's log. Nothing that you did is lost; try again.",
    ),
    503: ("Not just now", "The database does not answer. Nothing was changed; try again in a moment."),
}
_FULL = (FULL_DISK[:-1], "Nothing was changed. Make room on the server's disk, then try again.")
_EXPIRED = ("This page was open for too long", "Your session has ended or changed. Load the page again and retry.")


def install(app: Flask) -> None:
    """Answer every error of `app` with a page, a fragment or JSON."""
    app.register_error_handler(HTTPException, _known)
    app.register_error_handler(Exception, _unknown)


def _known(error: HTTPException) -> Response:
    if error.response is not None:
        return make_response(error.response)
    if isinstance(error, SecurityError):  # an address that is not ours: no page can be built for it
        return make_response("This server does not answer to that name.\n", 400, {"Content-Type": "text/plain"})
    code = error.code or 500
    title, advice = _EXPIRED if isinstance(error, CSRFError) else TEXTS.get(code, TEXTS[400 if code < 500 else 500])
    if code == 503 and is_full_disk(error):
        title, advice = _FULL
    response = _answer(code, title, advice)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After", "WWW-Authenticate"}:
            response.headers[name] = value
    return response


def _unknown(error: Exception) -> Response:
    logs.failure("web.failed", request_id=request_id(), method=request.method, path=request.path)
    g.failed = True
    if not (isinstance(error, StoreBusyError) or is_full_disk(error)):
        return _known(InternalServerError())
    unavailable = ServiceUnavailable(retry_after=5)
    unavailable.__cause__ = error
    return _known(unavailable)


def _answer(code: int, title: str, advice: str) -> Response:
    if request.headers.get("HX-Request") == "true":
        # A fragment's place on the page stays as it is; the page's message area says what happened.
        body = render_template("errors/fragment.html", title=title, advice=advice)
        return make_response(body, code, {"HX-Retarget": "#messages", "HX-Reswap": "innerHTML"})
    if not wants_page():
        return make_response(jsonify(title=title, detail=advice, status=code, request_id=request_id()), code)
    return make_response(render_template("errors/error.html", code=code, title=title, advice=advice), code)
