"""What context.once has done and is doing: each piece of work by one run at a time, its result encrypted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, select, update

from hexasched.domain.kept import Request
from hexasched.secrets import KeyRing
from hexasched.store import tables as t
from hexasched.store.kept_rows import (
    UNIQUE,
    Shelf,
    bound_to,
    claim_columns,
    identity,
    insert_into,
    living,
    make_room,
    row_of,
    value_columns,
)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Whose turn a piece of work is: `value` is its kept result, `held_by` the run that is at it, else it is yours."""

    value: str | None = None
    held_by: int | None = None


def begin(connection: Connection, keys: KeyRing, place: Shelf, request: Request, now: datetime) -> Turn:
    """Claim a piece of work, unless it is done or a living run is at it. Raises TooMuchError."""
    row = connection.execute(select(t.kept).where(row_of(place, "once", request.key)).with_for_update()).first()
    if row is not None and row.expires_at > now:
        if row.ciphertext is not None:
            return Turn(value=keys.decrypt(row.ciphertext, bound_to(place, "once", request.key)))
        if (row.run_id, row.fence, row.token) == (place.claim.run_id, place.claim.fence, request.token):
            return Turn()  # our answer to the same request got lost
        if connection.execute(select(t.runs.c.id).where(living(row.run_id, row.fence))).first():
            return Turn(held_by=row.run_id)
    columns = claim_columns(place, request, now)
    if row is not None:
        connection.execute(update(t.kept).where(t.kept.c.id == row.id).values(columns))
        return Turn()
    make_room(connection, place, "once", request.key, columns["size"], now)
    new = insert_into(connection).values(columns | identity(place, "once", request))
    made = connection.execute(new.on_conflict_do_nothing(index_elements=UNIQUE).returning(t.kept.c.id)).first()
    # On PostgreSQL another run may have been quicker between the two statements; who asks again sees which.
    return Turn() if made else Turn(held_by=0)


def complete(connection: Connection, keys: KeyRing, place: Shelf, request: Request, now: datetime) -> bool:
    """Keep the result of a piece of work that `begin` gave to this call; False if it is not its own any more."""
    assert request.value is not None
    columns = value_columns(keys, place, "once", request, now)
    mine = _claimed(place, request)
    if connection.execute(update(t.kept).where(mine, t.kept.c.ciphertext.is_(None)).values(columns)).rowcount == 1:
        return True
    # The connection may have died during COMMIT: then it is kept already.
    return connection.execute(select(t.kept.c.id).where(mine)).first() is not None


def give_up(connection: Connection, place: Shelf, request: Request) -> None:
    """Set a piece of work free that `begin` gave to this call."""
    connection.execute(delete(t.kept).where(_claimed(place, request), t.kept.c.ciphertext.is_(None)))


def _claimed(place: Shelf, request: Request) -> Any:
    return and_(
        row_of(place, "once", request.key),
        t.kept.c.run_id == place.claim.run_id,
        t.kept.c.fence == place.claim.fence,
        t.kept.c.token == request.token,
    )
