"""The rows of what functions keep between their runs: whose they are, what is in them, and how much may be."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from hexasched.domain import kept
from hexasched.domain.kept import Kind, Request
from hexasched.domain.limits import MIB
from hexasched.domain.outcomes import Status
from hexasched.errors import HexaSchedError
from hexasched.secrets import KeyRing
from hexasched.store import tables as t
from hexasched.store.claiming import Claim

UNIQUE = ["function_id", "draft", "kind", "key"]


class TooMuchError(HexaSchedError):
    """There is no room for what a function wants to keep."""


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """Where one run keeps things: its function's, or apart from them those of test runs."""

    claim: Claim
    function_id: int
    draft: bool


def shelf_of(connection: Connection, claim: Claim) -> Shelf | None:
    """The shelf of a run; None if the claim is lost. In a transaction that writes nobody can end the run meanwhile."""
    row = connection.execute(
        select(t.runs.c.function_id, t.versions.c.number.is_(None).label("draft"))
        .join(t.versions, t.versions.c.id == t.runs.c.version_id)
        .where(living(claim.run_id, claim.fence))
        .with_for_update(of=t.runs, key_share=True)
    ).first()
    return None if row is None else Shelf(claim=claim, function_id=row.function_id, draft=bool(row.draft))


def insert_into(connection: Connection) -> Any:
    """The statement that makes a row, in the words of this database."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return make(t.kept)


def living(run_id: int, fence: int) -> Any:
    """Whether a run goes on under that fence."""
    return and_(t.runs.c.id == run_id, t.runs.c.fence == fence, t.runs.c.status == Status.RUNNING)


def fresh(now: datetime) -> Any:
    """Whether a row has not lived its time."""
    return t.kept.c.expires_at > now


def all_of(place: Shelf, kind: Kind) -> Any:
    """Whether it is a row of that shelf."""
    return and_(t.kept.c.function_id == place.function_id, t.kept.c.draft == place.draft, t.kept.c.kind == kind)


def row_of(place: Shelf, kind: Kind, key: str) -> Any:
    """Whether it is the row of that key."""
    return and_(all_of(place, kind), t.kept.c.key == key)


def bound_to(place: Shelf, kind: Kind, key: str) -> str:
    """What the ciphertext of that key is tied to."""
    return f"kept/{place.function_id}/{int(place.draft)}/{kind}/{key}"


def identity(place: Shelf, kind: Kind, request: Request) -> dict[str, Any]:
    """The columns that name a row."""
    return {"function_id": place.function_id, "draft": place.draft, "kind": kind, "key": request.key}


def claim_columns(place: Shelf, request: Request, now: datetime) -> dict[str, Any]:
    """The columns of a row without a value."""
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


def value_columns(keys: KeyRing, place: Shelf, kind: Kind, request: Request, now: datetime) -> dict[str, Any]:
    """The columns of a row with the request's value."""
    value = request.value or "null"
    return claim_columns(place, request, now) | {
        "ciphertext": keys.encrypt(value, bound_to(place, kind, request.key)),
        "size": len(request.key.encode()) + len(value.encode()),
        "shown": request.shown,
        "expires_at": now + timedelta(seconds=request.ttl_s),
    }


def make_room(connection: Connection, place: Shelf, kind: Kind, key: str, size: int, now: datetime) -> None:
    """Raise TooMuchError if `size` bytes under `key` are too much, also when all that is expired is gone."""
    if _fits(connection, place, kind, key, size) is None:
        return
    connection.execute(delete(t.kept).where(all_of(place, kind), ~fresh(now)))
    if wrong := _fits(connection, place, kind, key, size):
        raise TooMuchError(wrong)


def _fits(connection: Connection, place: Shelf, kind: Kind, key: str, size: int) -> str | None:
    # What is expired counts too: a function that is quicker than the cleaning must not fill the disk.
    others = and_(all_of(place, kind), t.kept.c.key != key)
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
