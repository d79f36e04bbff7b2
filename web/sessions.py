"""Who is logged in: sessions that end when they are revoked or are too old."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Flask, session
from flask_login import LoginManager, UserMixin, login_user

from hexasched.store import accounts, memberships
from hexasched.store.accounts import User
from hexasched.store.memberships import Role
from hexasched.store.workspaces import Workspace
from web.access import log_in_first
from web.instance import database, now

SESSION_LENGTH = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Person(UserMixin):  # type: ignore[misc]
    """Who is logged in, with their workspace and role as they are at this request."""

    id: int
    email: str
    session_version: int
    workspace: Workspace | None
    role: Role | None

    def get_id(self) -> str:
        """What the session holds; a new `session_version` makes every earlier session worthless."""
        return f"{self.id}:{self.session_version}"


def install(app: Flask) -> None:
    """Let `app` know who is asking."""
    manager = LoginManager()
    manager.session_protection = "basic"
    manager.user_loader(_person_of_session)
    manager.unauthorized_handler(log_in_first)
    manager.init_app(app, add_context_processor=False)  # web/frame.py says who is asking
    app.config["PERMANENT_SESSION_LIFETIME"] = SESSION_LENGTH


def _person_of_session(session_id: str) -> Person | None:
    user_id, _, version = session_id.partition(":")
    started = datetime.fromtimestamp(session.get("logged_in_at", 0), UTC)
    if not user_id.isdecimal() or now() - started > SESSION_LENGTH:
        return None
    with database().reading() as connection:
        user = accounts.user_by_id(connection, int(user_id))
        if user is None or str(user.session_version) != version:
            return None
        membership = memberships.workspace_of(connection, user.id)
    return _person(user, membership)


def _person(user: User, membership: tuple[Workspace, Role] | None) -> Person:
    workspace, role = membership or (None, None)
    return Person(id=user.id, email=user.email, session_version=user.session_version, workspace=workspace, role=role)


def start_session(user: User, *, keep: bool) -> None:
    """Log `user` in under a new session; `keep` makes it outlive the browser, up to 30 days."""
    with database().reading() as connection:
        person = _person(user, memberships.workspace_of(connection, user.id))
    session.clear()  # nothing of an earlier session, its CSRF token included, goes into the new one
    session.permanent = keep
    session["logged_in_at"] = int(now().timestamp())
    login_user(person)
