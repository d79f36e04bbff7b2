"""The first start: a code from the server's console leads to the first account and workspace."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from hexasched.domain.inputs import check_email
from hexasched.domain.zones import check_zone
from hexasched.store import accounts, throttle
from web import passwords
from web.access import public_before_setup
from web.auth import address_bucket
from web.instance import database, now
from web.sessions import start_session

setup = Blueprint("setup", __name__)


@dataclass(frozen=True, kw_only=True)
class FirstAccount:
    """What the form asks for; `errors` maps a field's name to what is wrong with it."""

    code: str
    email: str
    password: str
    workspace: str
    timezone: str
    errors: Mapping[str, str]


def parse(form: Mapping[str, str]) -> FirstAccount:
    """The form's fields, checked as far as that is possible without the database."""
    code, email, workspace, timezone = (
        form.get(name, "").strip() for name in ("code", "email", "workspace", "timezone")
    )
    password = form.get("password", "")
    checks = {
        "code": None if code else "Type the code that the server printed when it started.",
        "email": check_email(email),
        "password": passwords.check(password, email),
        "workspace": check_workspace(workspace),
        "timezone": check_zone(timezone),
    }
    errors = {name: message for name, message in checks.items() if message}
    return FirstAccount(
        code=code, email=email, password=password, workspace=workspace, timezone=timezone, errors=errors
    )


def check_workspace(name: str) -> str | None:
    """Why `name` can't be a workspace's name, or None if it can."""
    if not name:
        return "Give the workspace a name, for example the name of your team."
    return None if len(name) <= 100 and name.isprintable() else "A name has at most 100 characters, all on one line."


@setup.get("/setup")
@public_before_setup
def first_account() -> Response | str:
    """The form, as long as there is no account."""
    if _is_done():
        return redirect(url_for("auth.login"))
    return _form(None, request.args.get("code", ""))


@setup.post("/setup")
@public_before_setup
def create_first_account() -> Response | tuple[str, int]:
    """Make the account and the workspace and log in; or show the form again."""
    if _is_done():
        return redirect(url_for("auth.login"), 303)
    asked = parse(request.form)
    wrong_code = asked.code and _wrong_code(asked.code)
    if wrong_code or asked.errors:
        errors = {**asked.errors, **({"code": wrong_code} if wrong_code else {})}
        return _form(asked, asked.code, errors), 422
    with database().writing() as connection:
        user = accounts.create_first_account(
            connection,
            email=asked.email,
            password_hash=passwords.hashed(asked.password),
            workspace=asked.workspace,
            timezone=asked.timezone,
            now=now(),
        )
    if user is None:
        return redirect(url_for("auth.login"), 303)
    start_session(user, keep=False)
    flash(f"Welcome. The workspace {asked.workspace} is ready.", "success")
    return redirect(url_for("home.home"), 303)


def _form(asked: FirstAccount | None, code: str, errors: Mapping[str, str] | None = None) -> str:
    return render_template("setup/first_account.html", asked=asked, code=code, errors=errors or {})


def _is_done() -> bool:
    with database().reading() as connection:
        return accounts.has_users(connection)


def _wrong_code(code: str) -> str | None:
    """Why the code is refused, or None; guesses are counted as failed log-ins are."""
    with database().writing() as connection:
        if throttle.until(connection, throttle.LOG_INS, [address_bucket()], now()):
            return "Too many wrong codes. Try again in 15 minutes."
        if accounts.check_setup_code(connection, code):
            return None
        throttle.note(connection, throttle.LOG_INS, [address_bucket()], now())
    return "This is not the code that is valid now."
