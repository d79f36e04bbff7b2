"""A SQLite database that another program holds, for who does not want to wait as long as a service does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from hexasched.store.database import Database


@contextmanager
def held(database: Database) -> Iterator[None]:
    """While another program writes: whoever else wants to write through `database` is told at once that it is busy."""

    def wait_for_nobody(dbapi: Any, *_: object) -> None:
        dbapi.execute("PRAGMA busy_timeout = 0").close()

    event.listen(database.engine, "checkout", wait_for_nobody)
    try:
        with Database(database.url.render_as_string(hide_password=False)) as other, other.writing() as connection:
            connection.exec_driver_sql("SELECT 1")
            yield
    finally:
        event.remove(database.engine, "checkout", wait_for_nobody)
