"""What functions keep between their runs, encrypted: the values of context.kv, and what context.once has done."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hexasched.domain import kept
from hexasched.domain.kept import Kind, Request
from hexasched.domain.limits import MIB
from hexasched.domain.outcomes import Status
from hexasched.errors import HexaSchedError
from hexasched.secrets import KeyRing
from hexasched.store import tables as t
from hexasched.store.claiming import Claim


class TooMuchError(HexaSchedError):
    """There is no room for what a function wants to keep."""


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """Where one run keeps things: its function's, or apart from them those of test runs."""

    claim: Claim
    function_id: int
    draft: bool


def shelf(connection: Connection, claim: Claim) -> Shelf | None:
    """The shelf of a run; None if the claim is lost. In a transaction that writes nobody can end the run meanwhile."""
    row = connection.execute(
        select(t.runs.c.function_id, t.versions.c.number.is_(None).label("draft"))
        .join(t.versions, t.versions.c.id == t.runs.c.version_id)
        .where(_living(claim.run_id, claim.fence))
        .with_for_update(of=t.runs, key_share=True)
    ).first()
    return None if row is None else Shelf(claim=claim, function_id=row.function_id, draft=bool(row.draft))


def get(connection: Connection, keys: KeyRing, place: Shelf, key: str, now: datetime) -> str | None:
    """A value, as JSON text; None if there is none."""
    row = connection.execute(select(t.kept.c.ciphertext).where(_row(place, "value", key), _fresh(now))).first()
    return None if row is None else keys.decrypt(row.ciphertext, _bound_to(place, "value", key))


def put(connection: Connection, keys: KeyRing, place: Shelf, request: Request, now: datetime) -> None:
    """Keep a value, in the place of what had its key. Raises TooMuchError."""
    assert request.value is not None
    columns = _value_columns(keys, place, "value", request, now)
    _make_room(connection, place, "value", request.key, columns["size"], now)
    new = _insert(connection).values(columns | _identity(place, "value", request))
    connection.execute(new.on_conflict_do_update(index_elements=_KEY, set_=columns))


def remove(connection: Connection, place: Shelf, key: str, now: datetime) -> bool:
    """Forget a value; whether there was one."""
    fresh = connection.execute(select(t.kept.c.id).where(_row(place, "value", key), _fresh(now))).first()
    connection.execute(delete(t.kept).where(_row(place, "value", key)))
    return fresh is not None


def names(connection: Connection, place: Shelf, prefix: str, now: datetime) -> list[str]:
    """The keys of all values that begin with `prefix`, sorted."""
    found = connection.execute(select(t.kept.c.key).where(_all(place, "value"), _fresh(now))).scalars()
    return sorted(key for key in found if key.startswith(prefix))


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Whose turn a piece of work is: `value` is its kept result, `held_by` the run that is at it, else it is yours."""

    value: str | None = None
    held_by: int | None = None


def begin(connection: Connection, keys: KeyRing, place: Shelf, request: Request, now: datetime) -> Turn:
    """Claim a piece of work, unless it is done or a living run is at it. Raises TooMuchError."""
    row = connection.execute(select(t.kept).where(_row(place, "once", request.key)).with_for_update()).first()
    if row is not None and row.expires_at > now:
        if row.ciphertext is not None:
            return Turn(value=keys.decrypt(row.ciphertext, _bound_to(place, "once", request.key)))
        if (row.run_id, row.fence, row.token) == (place.claim.run_id, place.claim.fence, request.token):
            return Turn()  # our answer to the same request got lost
        if connection.execute(select(t.runs.c.id).where(_living(row.run_id, row.fence))).first():
            return Turn(held_by=row.run_id)
    columns = _claim_columns(place, request, now)
    if row is not None:
        connection.execute(update(t.kept).where(t.kept.c.id == row.id).values(columns))
        return Turn()
    _make_room(connection, place, "once", request.key, columns["size"], now)
    new = _insert(connection).values(columns | _identity(place, "once", request))
    made = connection.execute(new.on_conflict_do_nothing(index_elements=_KEY).returning(t.kept.c.id)).first()
    # On PostgreSQL another run may have been quicker between the two statements; who asks again sees which.
    return Turn() if made else Turn(held_by=0)


def complete(connection: Connection, keys: KeyRing, place: Shelf, request: Request, now: datetime) -> bool:
    """Keep the result of a piece of work that `begin` gave to this call; False if it is not its own any more."""
    assert request.value is not None
    columns = _value_columns(keys, place, "once", request, now)
    mine = _claimed(place, request)
    if connection.execute(update(t.kept).where(mine, t.kept.c.ciphertext.is_(None)).values(columns)).rowcount == 1:
        return True
    # The connection may have died during COMMIT: then it is kept already.
    return connection.execute(select(t.kept.c.id).where(mine)).first() is not None


def give_up(connection: Connection, place: Shelf, request: Request) -> None:
    """Set a piece of work free that `begin` gave to this call."""
    connection.execute(delete(t.kept).where(_claimed(place, request), t.kept.c.ciphertext.is_(None)))


def forget_expired(connection: Connection, now: datetime, most: int = 500) -> int:
    """Delete what has lived its time, at most so many rows; returns how many it was."""
    old = select(t.kept.c.id).where(t.kept.c.expires_at <= now).order_by(t.kept.c.expires_at).limit(most)
    return connection.execute(delete(t.kept).where(t.kept.c.id.in_(old.scalar_subquery()))).rowcount


_KEY = ["function_id", "draft", "kind", "key"]


def _insert(connection: Connection) -> Any:
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return make(t.kept)


def _living(run_id: int, fence: int) -> Any:
    return and_(t.runs.c.id == run_id, t.runs.c.fence == fence, t.runs.c.status == Status.RUNNING)


def _fresh(now: datetime) -> Any:
    return t.kept.c.expires_at > now


def _all(place: Shelf, kind: Kind) -> Any:
    return and_(t.kept.c.function_id == place.function_id, t.kept.c.draft == place.draft, t.kept.c.kind == kind)


def _row(place: Shelf, kind: Kind, key: str) -> Any:
    return and_(_all(place, kind), t.kept.c.key == key)


def _claimed(place: Shelf, request: Request) -> Any:
    return and_(
        _row(place, "once", request.key),
        t.kept.c.run_id == place.claim.run_id,
        t.kept.c.fence == place.claim.fence,
        t.kept.c.token == request.token,
    )


def _bound_to(place: Shelf, kind: Kind, key: str) -> str:
    return f"kept/{place.function_id}/{int(place.draft)}/{kind}/{key}"


def _identity(place: Shelf, kind: Kind, request: Request) -> dict[str, Any]:
    return {"function_id": place.function_id, "draft": place.draft, "kind": kind, "key": request.key}


def _claim_columns(place: Shelf, request: Request, now: datetime) -> dict[str, Any]:
    return {
        "ciphertext": None,
        "size": len(request.key.encode()),
        "shown": "",
        "run_id": place.claim.run_id,
        "fence": place.claim.fence,
        "token": request.token,
        "updated_at": now,
        "expires_at": now + timedelta(seconds=kept.TTL_S),  # longer than any run: work under way does not expire
    }


def _value_columns(keys: KeyRing, place: Shelf, kind: Kind, request: Request, now: datetime) -> dict[str, Any]:
    value = request.value or "null"
    return _claim_columns(place, request, now) | {
        "ciphertext": keys.encrypt(value, _bound_to(place, kind, request.key)),
        "size": len(request.key.encode()) + len(value.encode()),
        "shown": request.shown,
        "expires_at": now + timedelta(seconds=request.ttl_s),
    }


def _make_room(connection: Connection, place: Shelf, kind: Kind, key: str, size: int, now: datetime) -> None:
    """Raise TooMuchError if `size` bytes under `key` are too much, also when all that is expired is gone."""
    if _fits(connection, place, kind, key, size) is None:
        return
    connection.execute(delete(t.kept).where(_all(place, kind), ~_fresh(now)))
    if wrong := _fits(connection, place, kind, key, size):
        raise TooMuchError(wrong)


def _fits(connection: Connection, place: Shelf, kind: Kind, key: str, size: int) -> str | None:
    # What is expired counts too: a function that is quicker than the cleaning must not fill the disk.
    others = and_(_all(place, kind), t.kept.c.key != key)
    count, bytes_ = connection.execute(
        select(func.count(), func.coalesce(func.sum(t.kept.c.size), 0)).where(others)
    ).one()
    call = {"value": "context.kv", "once": "context.once"}[kind]
    if count >= kept.MAX_KEYS[kind]:
        return f"This function has {count:,} keys of {call}; more are not kept. Delete some, or let them live shorter."
    if bytes_ + size > kept.MAX_BYTES:
        most = kept.MAX_BYTES // MIB
        return f"The values of {call} would take more than {most} MB. Delete some, or let them live shorter."
    return None
