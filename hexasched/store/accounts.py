"""Users: made, found, given passwords; and the code that guards the making of the first account."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from hexasched.store import audit, settings
from hexasched.store import tables as t
from hexasched.store.memberships import Role, workspace_of


@dataclass(frozen=True, kw_only=True)
class User:
    """A person who can log in; `email` is in lower case."""

    id: int
    email: str
    password_hash: str
    session_version: int


def has_users(connection: Connection) -> bool:
    """Whether the first account was made."""
    return connection.execute(select(t.users.c.id).limit(1)).first() is not None


def new_setup_code(connection: Connection) -> str:
    """A fresh code for the setup page; the one before it is no longer valid. Only its hash is stored."""
    code = "-".join(secrets.token_hex(2) for _ in range(4))
    settings.save(connection, "setup_code", _code_hash(code))
    return code


def check_setup_code(connection: Connection, code: str) -> bool:
    """Whether `code` is the current setup code and no account exists yet."""
    stored = settings.get(connection, "setup_code")
    return stored is not None and hmac.compare_digest(stored, _code_hash(code)) and not has_users(connection)


def _code_hash(code: str) -> str:
    return hashlib.sha256(code.strip().lower().encode()).hexdigest()


def create_first_account(
    connection: Connection, *, email: str, password_hash: str, workspace: str, timezone: str, now: datetime
) -> User | None:
    """The first user with the first workspace, owned by them; None if somebody was first."""
    if has_users(connection):
        return None
    workspace_id = connection.execute(
        insert(t.workspaces)
        .values(name=workspace, timezone=timezone, alert_email=email.lower(), created_at=now)
        .returning(t.workspaces.c.id)
    ).scalar_one()
    connection.execute(delete(t.settings).where(t.settings.c.key == "setup_code"))
    owner = create_user(
        connection, workspace_id=workspace_id, email=email, password_hash=password_hash, role="owner", now=now
    )
    assert owner is not None
    place = {"workspace_id": workspace_id, "by": owner.id}
    audit.note(connection, "member.add", owner.email, now, detail={"role": "owner"}, **place)
    return owner


def create_user(
    connection: Connection, *, workspace_id: int, email: str, password_hash: str, role: Role, now: datetime
) -> User | None:
    """A new user who is a member of the workspace; None if the address has an account."""
    values = {"email": email.lower(), "password_hash": password_hash, "created_at": now}
    if user_by_email(connection, email) is not None:
        return None
    user_id = connection.execute(insert(t.users).values(**values).returning(t.users.c.id)).scalar_one()
    connection.execute(insert(t.members).values(workspace_id=workspace_id, user_id=user_id, role=role, created_at=now))
    return user_by_id(connection, user_id)


def take_in(
    connection: Connection, *, workspace_id: int, email: str, password_hash: str, role: Role, now: datetime
) -> bool:
    """Make the person of this address a member: with a new account, or one that is in no workspace any more.

    Either way it has this password from now on. False, and nothing changed, if they are in a workspace.
    """
    user = user_by_email(connection, email)
    if user is None:
        create_user(connection, workspace_id=workspace_id, email=email, password_hash=password_hash, role=role, now=now)
        return True
    if workspace_of(connection, user.id) is not None:
        return False
    connection.execute(insert(t.members).values(workspace_id=workspace_id, user_id=user.id, role=role, created_at=now))
    set_password(connection, user.id, password_hash)
    return True


def user_by_email(connection: Connection, email: str) -> User | None:
    """The user with this address, in any case of letters."""
    return _user(connection, t.users.c.email == email.lower())


def user_by_id(connection: Connection, user_id: int) -> User | None:
    """The user with this id."""
    return _user(connection, t.users.c.id == user_id)


def _user(connection: Connection, condition: object) -> User | None:
    columns = (t.users.c.id, t.users.c.email, t.users.c.password_hash, t.users.c.session_version)
    row = connection.execute(select(*columns).where(condition)).mappings().first()  # type: ignore[arg-type]
    return User(**row) if row else None


def set_password(connection: Connection, user_id: int, password_hash: str) -> None:
    """A new password; every session of the user ends."""
    connection.execute(
        update(t.users)
        .where(t.users.c.id == user_id)
        .values(password_hash=password_hash, session_version=t.users.c.session_version + 1)
    )


def end_sessions(connection: Connection, user_id: int) -> None:
    """Log the user out everywhere."""
    connection.execute(
        update(t.users).where(t.users.c.id == user_id).values(session_version=t.users.c.session_version + 1)
    )
