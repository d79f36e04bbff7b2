"""The values of context.kv, encrypted."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from hexasched.domain.kept import Request
from hexasched.secrets import KeyRing
from hexasched.store import tables as t
from hexasched.store.kept_rows import (
    UNIQUE,
    Shelf,
    all_of,
    bound_to,
    fresh,
    identity,
    insert_into,
    make_room,
    row_of,
    value_columns,
)


def get(connection: Connection, keys: KeyRing, place: Shelf, key: str, now: datetime) -> str | None:
    """A value, as JSON text; None if there is none."""
    row = connection.execute(select(t.kept.c.ciphertext).where(row_of(place, "value", key), fresh(now))).first()
    return None if row is None else keys.decrypt(row.ciphertext, bound_to(place, "value", key))


def put(connection: Connection, keys: KeyRing, place: Shelf, request: Request, now: datetime) -> None:
    """Keep a value, in the place of what had its key. Raises TooMuchError."""
    assert request.value is not None
    columns = value_columns(keys, place, "value", request, now)
    make_room(connection, place, "value", request.key, columns["size"], now)
    new = insert_into(connection).values(columns | identity(place, "value", request))
    connection.execute(new.on_conflict_do_update(index_elements=UNIQUE, set_=columns))


def remove(connection: Connection, place: Shelf, key: str, now: datetime) -> bool:
    """Forget a value; whether there was one."""
    found = connection.execute(select(t.kept.c.id).where(row_of(place, "value", key), fresh(now))).first()
    connection.execute(delete(t.kept).where(row_of(place, "value", key)))
    return found is not None


def names(connection: Connection, place: Shelf, prefix: str, now: datetime) -> list[str]:
    """The keys of all values that begin with `prefix`, sorted."""
    found = connection.execute(select(t.kept.c.key).where(all_of(place, "value"), fresh(now))).scalars()
    return sorted(key for key in found if key.startswith(prefix))


def forget_expired(connection: Connection, now: datetime, most: int = 500) -> int:
    """Delete what has lived its time, at most so many rows; returns how many it was."""
    old = select(t.kept.c.id).where(t.kept.c.expires_at <= now).order_by(t.kept.c.expires_at).limit(most)
    return connection.execute(delete(t.kept).where(t.kept.c.id.in_(old.scalar_subquery()))).rowcount
