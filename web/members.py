"""Who is in the workspace, in which role; for its owners."""

import secrets
from typing import cast

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from hexasched.domain.inputs import check_email
from hexasched.store import accounts, audit, memberships
from hexasched.store.database import Connection
from hexasched.store.memberships import Member, Role
from web import passwords
from web.access import RANK, current_workspace, found, require
from web.addresses import ID
from web.instance import database, now

members = Blueprint("members", __name__)

ROLES = {
    "viewer": "sees everything but secrets",
    "developer": "also changes functions and CronJobs, and runs them",
    "owner": "also manages members and settings",
}
LAST_OWNER = "A workspace needs an owner. Make somebody else an owner first."


@members.get("/members")
@require("owner")
def listing() -> str:
    """All members, and the form for a new one."""
    return _page({"role": "developer"}, {})


@members.post("/members")
@require("owner")
def add() -> tuple[str, int]:
    """Add a member. Without a typed password one is made up, and shown on this answer alone."""
    given = {name: request.form.get(name, "").strip() for name in ("email", "role")}
    email, typed = given["email"].lower(), request.form.get("password", "")
    password = typed or "-".join(secrets.token_hex(2) for _ in range(5))
    checks = {
        "email": check_email(email),
        "role": None if given["role"] in RANK else "Choose one of the list.",
        "password": passwords.check(password, email),
    }
    errors = {name: message for name, message in checks.items() if message}
    if not errors and not _take_in(email, cast(Role, given["role"]), password):
        errors["email"] = "This address has an account already."
    if errors:
        return _page(given, errors), 422
    return _page({"role": "developer"}, {}, {"email": email, "password": "" if typed else password}), 201


def _take_in(email: str, role: Role, password: str) -> bool:
    password_hash = passwords.hashed(password)
    with database().writing() as connection:
        taken = accounts.take_in(
            connection,
            workspace_id=current_workspace().id,
            email=email,
            password_hash=password_hash,
            role=role,
            now=now(),
        )
        if taken:
            _note(connection, "add", email, role=role)
        return taken


def _note(connection: Connection, did: str, email: str, **detail: str) -> None:
    place = {"workspace_id": current_workspace().id, "by": current_user.id}
    audit.note(connection, f"member.{did}", email, now(), detail=detail, **place)


@members.post(f"/members/<{ID}:user_id>/role")
@require("owner")
def change_role(user_id: int) -> Response:
    """Give a member another role."""
    role = request.form.get("role", "")
    if role not in RANK:
        abort(400)
    with database().writing() as connection:
        member = _member(connection, user_id)
        changed = memberships.set_role(connection, current_workspace().id, user_id, cast(Role, role))
        if changed:
            _note(connection, "role", member.email, role=role, before=member.role)
    if changed:
        flash(f"{member.email} is {'an' if role == 'owner' else 'a'} {role} now.", "success")
    else:
        flash(LAST_OWNER, "error")
    return redirect(url_for("members.listing"), 303)


@members.post(f"/members/<{ID}:user_id>/remove")
@require("owner")
def remove(user_id: int) -> Response:
    """Take a member out of the workspace."""
    with database().writing() as connection:
        member = _member(connection, user_id)
        removed = memberships.remove_member(connection, current_workspace().id, user_id)
        if removed:
            _note(connection, "remove", member.email, role=member.role)
    if removed:
        flash(f"{member.email} is no longer in this workspace.", "success")
    else:
        flash(LAST_OWNER, "error")
    return redirect(url_for("members.listing"), 303)


def _member(connection: Connection, user_id: int) -> Member:
    everybody = memberships.members(connection, current_workspace().id)
    return found(next((member for member in everybody if member.user_id == user_id), None))


def _page(given: dict[str, str], errors: dict[str, str], added: dict[str, str] | None = None) -> str:
    with database().reading() as connection:
        everybody = memberships.members(connection, current_workspace().id)
    return render_template(
        "members/members.html", members=everybody, roles=ROLES, given=given, errors=errors, added=added
    )
