"""What the instance remembers about itself, as texts by key."""

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from hexasched.store import tables as t


def get(connection: Connection, key: str) -> str | None:
    """What the instance remembers under `key`."""
    return connection.execute(select(t.settings.c.value).where(t.settings.c.key == key)).scalar()


def save(connection: Connection, key: str, value: str) -> None:
    """Remember `value` under `key`."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = make(t.settings).values(key=key, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))
