"""Logging in and out, with a throttle and no hint whether an account exists."""

import secrets
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_login import current_user, logout_user
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from hexasched.store import accounts, audit, memberships, throttle
from hexasched.store.accounts import User
from hexasched.store.database import Connection
from web import passwords
from web.access import public, require
from web.instance import config, database, instance, now
from web.sessions import Person, start_session

_DEVICE_COOKIE = "hexasched_device"
_DEVICE_LENGTH = timedelta(days=365)

auth = Blueprint("auth", __name__)


@auth.get("/login")
@public
def login() -> Response | str:
    """The form."""
    if current_user.is_authenticated:
        return redirect(url_for("home.home"))
    return render_template("auth/login.html", next=safe_next(request.args.get("next", "")), errors={})


@auth.post("/login")
@public
def log_in() -> Response | tuple[str, int]:
    """Log in, or show the form again: with one message for an unknown address and a wrong password."""
    email, password = request.form.get("email", "").strip().lower(), request.form.get("password", "")
    target = safe_next(request.form.get("next", ""))
    user, refusal = _check(email, password)
    if user is None:
        page = render_template("auth/login.html", email=email, next=target, errors={"": refusal})
        return page, 429 if refusal.startswith("Too many") else 422
    with database().writing() as connection:
        _note(connection, "login", user)
    start_session(user, keep=request.form.get("keep") == "yes")
    response = redirect(target or url_for("home.home"), 303)
    _remember_device(response, user)
    return response


def _check(email: str, password: str) -> tuple[User | None, str]:
    """The user, or None and the words of the refusal.

    Whether to refuse is decided after the slow comparison and in the transaction that counts: many guesses at
    the same moment get no more answers than the same guesses one by one.
    """
    buckets = _buckets(email)
    with database().reading() as connection:
        user = accounts.user_by_email(connection, email)
        until = throttle.until(connection, throttle.LOG_INS, buckets, now())
    right = until is None and passwords.verify(password, user.password_hash if user else None)
    with database().writing() as connection:
        until = throttle.until(connection, throttle.LOG_INS, buckets, now())
        if until is not None:
            return None, _too_many(until)
        if user is None or not right:
            throttle.note(connection, throttle.LOG_INS, buckets, now())
            _note(connection, "login.failed", user)
            return None, "This email address and password do not belong together."
        throttle.forget(connection, [bucket for bucket in buckets if not bucket.startswith("address:")])
    return user, ""


def _note(connection: Connection, action: str, user: User | Person | None) -> None:
    """What an unknown person typed is not written down: it may be a password in the wrong field."""
    membership = memberships.workspace_of(connection, user.id) if user else None
    place = {"workspace_id": membership[0].id if membership else None, "by": user.id if user else None}
    thing = user.email if user else "an unknown address"
    audit.note(connection, action, thing, now(), detail={"address": request.remote_addr}, **place)


def _too_many(until: datetime) -> str:
    minutes = max(1, -(-int((until - now()).total_seconds()) // 60))
    return f"Too many attempts. Try again in {minutes} minute{'s' if minutes > 1 else ''}."


def _buckets(email: str) -> list[str]:
    # A browser that logged in to this account before is counted by itself: strangers who guess can't lock its
    # owner out.
    device = _known_device(email)
    return [f"device:{device}"] if device else [f"account:{email}", address_bucket()]


def address_bucket() -> str:
    """The throttle's bucket of the address that this request came from."""
    return f"address:{request.remote_addr}"


def _devices() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(instance().keys.derive("device"), salt="device")


def _known_device(email: str) -> str | None:
    try:
        content = _devices().loads(request.cookies.get(_DEVICE_COOKIE, ""), max_age=int(_DEVICE_LENGTH.total_seconds()))
    except BadSignature:
        return None
    return cast(str, content["device"]) if content["email"] == email else None


def _remember_device(response: Response, user: User) -> None:
    device = _known_device(user.email) or secrets.token_hex(16)
    response.set_cookie(
        _DEVICE_COOKIE,
        _devices().dumps({"email": user.email, "device": device}),
        max_age=_DEVICE_LENGTH,
        httponly=True,
        samesite="Lax",
        secure=config().base_url.startswith("https://"),
        path=url_for("auth.login"),
    )


@auth.post("/logout")
@public
def logout() -> Response:
    """End this session and, so that no copy of its cookie is of use, every other session of the person."""
    if current_user.is_authenticated:
        with database().writing() as connection:
            accounts.end_sessions(connection, current_user.id)
            _note(connection, "logout", current_user)
    logout_user()
    session.clear()
    flash("You are logged out, here and on your other devices.", "success")
    return redirect(url_for("auth.login"), 303)


@auth.get("/account")
@require("viewer")
def account() -> str:
    """The form to change one's password."""
    return render_template("auth/account.html", errors={})


@auth.post("/account/password")
@require("viewer")
def change_password() -> Response | tuple[str, int]:
    """Change one's own password; every other session ends."""
    old, new = request.form.get("current_password", ""), request.form.get("new_password", "")
    user, refusal = _check(current_user.email, old)
    errors = (
        {}
        if user
        else {"current_password": refusal if refusal.startswith("Too many") else "This is not your password."}
    )
    if weakness := passwords.check(new, current_user.email):
        errors["new_password"] = weakness
    if user is None or errors:
        return render_template("auth/account.html", errors=errors), 422
    with database().writing() as connection:
        accounts.set_password(connection, user.id, passwords.hashed(new))
        _note(connection, "password.change", user)
        changed = accounts.user_by_id(connection, user.id)
    assert changed is not None
    start_session(changed, keep=session.permanent)
    flash("Your password is changed. Your other devices are logged out.", "success")
    return redirect(url_for("auth.account"), 303)


def safe_next(target: str) -> str:
    """`target` if it is a path on this server, else an empty text: nobody is sent to another site."""
    parts = urlsplit(target)
    plain = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if plain and not parts.scheme and not parts.netloc and "\\" not in target else ""
