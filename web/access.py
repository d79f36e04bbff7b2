"""Who may open what: every view declares it, and a view that does not is refused."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask, Response, abort, current_app, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from hexasched import logs
from hexasched.store import accounts
from hexasched.store.memberships import Role
from hexasched.store.workspaces import Workspace
from web.instance import database

View = TypeVar("View", bound=Callable[..., Any])
Thing = TypeVar("Thing")
T = TypeVar("T")

ALWAYS = "always"  # also before the first account exists
ANYBODY = "anybody"  # also without an account
RANK: dict[str, int] = {"viewer": 1, "developer": 2, "owner": 3}


def require(role: Role) -> Callable[[View], View]:
    """Declare that a view is for members of the workspace who are at least `role`."""
    return _declare(role)


def public(view: View) -> View:
    """Declare that a view is for anybody."""
    return _declare(ANYBODY)(view)


def public_before_setup(view: View) -> View:
    """Declare that a view is for anybody, also while there is no account."""
    return _declare(ALWAYS)(view)


def _declare(access: str) -> Callable[[View], View]:
    def declare(view: View) -> View:
        view.access = access  # type: ignore[attr-defined]
        return view

    return declare


def declared(view: object) -> str | None:
    """What a view declared, or None."""
    return cast(str | None, getattr(view, "access", None))


def may(role: Role) -> bool:
    """Whether who is asking is at least `role` in their workspace: the one rule that views and pages ask."""
    return bool(current_user.is_authenticated) and RANK.get(current_user.role, 0) >= RANK[role]


def current_workspace() -> Workspace:
    """The workspace of who is asking; every query carries its id. Only for views behind `require`."""
    if not current_user.is_authenticated or current_user.workspace is None:
        abort(403)
    return cast(Workspace, current_user.workspace)


def found(thing: T | None) -> T:
    """`thing`, or the page 404 if there is none: what is in another workspace does not exist here."""
    if thing is None:
        abort(404)
    return thing


def install(app: Flask) -> None:
    """Ask before every request."""
    app.before_request(_guard)


def _guard() -> AnyResponse | None:
    access = declared(current_app.view_functions.get(request.endpoint or ""))
    if access == ALWAYS:
        return None
    if not _has_users():
        return redirect(url_for("setup.first_account"))
    if request.endpoint is None or access == ANYBODY:
        return None  # an address that is not there answers 404 by itself
    if access is None:
        logs.warning("web.undeclared_view", endpoint=request.endpoint)
        abort(403)
    if not current_user.is_authenticated:
        return log_in_first()
    if not may(cast(Role, access)):
        abort(403)
    return None


def _has_users() -> bool:
    # Accounts are never all deleted, so a yes stays true.
    if not current_app.extensions.get("hexasched.has_users"):
        with database().reading() as connection:
            current_app.extensions["hexasched.has_users"] = accounts.has_users(connection)
    return bool(current_app.extensions["hexasched.has_users"])


def log_in_first() -> AnyResponse:
    """Send a person to the log-in page and back again; tell scripts and fragments 401."""
    page = url_for("auth.login")
    if request.headers.get("HX-Request") == "true":
        return Response(status=401, headers={"HX-Redirect": page})
    if request.method not in {"GET", "HEAD"} or not wants_page():
        abort(401)
    here = request.full_path.rstrip("?")
    return redirect(page if here == "/" else url_for("auth.login", next=here))


def wants_page() -> bool:
    """Whether the answer is for a person's eyes and not for a script."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json", "text/event-stream"])
    return best in {"text/html", None}
