"""Brings the database to this program's schema, under a lock, and refuses one that is newer.

Alembic is loaded only where there is something to migrate: it is a third of what a process would hold, and of the time
that it takes to start.
"""

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from hexasched.errors import StoreBusyError, StoreError
from hexasched.store.database import Database
from hexasched.store.refusals import advice

_LOCK = 0x68657861  # "hexa": the same number in every version of the program
_LASTING = ("SQLITE_CANTOPEN", "SQLITE_READONLY")
"""What a file's place or its rights bring about: it does not pass until somebody mends them."""

_MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Apply what is missing.

    Raises StoreError with one clear line if the database can't be used, StoreBusyError if that may pass.
    """
    try:
        with database.writing() as connection:
            if not database.is_sqlite:
                connection.execute(text("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            _refuse_newer(connection)
            if _current(connection) != revisions()[-1]:
                _upgrade(connection)
            # A database that is up to date but can't be written would only be found out by the first run.
            connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
    except StoreBusyError as error:
        raise _explain(database, error.__cause__, type(error)) from error
    except DBAPIError as error:
        raise _explain(database, error, StoreError) from error


def check(database: Database) -> None:
    """Raise StoreError unless the database has exactly this program's schema, StoreBusyError if that may pass."""
    try:
        with database.reading() as connection:
            _refuse_newer(connection)
            if _current(connection) != revisions()[-1]:
                raise StoreError("The database is older than this program. Run `hexasched migrate`.")
    except StoreBusyError as error:
        raise _explain(database, error.__cause__, type(error)) from error
    except DBAPIError as error:
        raise _explain(database, error, StoreError) from error


@cache
def revisions() -> tuple[str, ...]:
    """The schema's revisions, oldest first: what the names of their files begin with."""
    return tuple(sorted(file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*_*.py")))


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    current: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return current


def _refuse_newer(connection: Connection) -> None:
    current = _current(connection)
    if current is not None and current not in revisions():
        raise StoreError(
            f"The database was written by a newer HexaSched (schema {current}). "
            "Install that version again, or restore a backup from before the upgrade."
        )


def _explain(database: Database, error: BaseException | None, kind: type[StoreError]) -> StoreError:
    origin = getattr(error, "orig", error)
    cause = next(iter(str(origin).strip().splitlines()), type(origin).__name__)
    where = database.url.database if database.is_sqlite else database.url.render_as_string(hide_password=True)
    if getattr(origin, "sqlite_errorname", "").startswith(_LASTING):
        kind = StoreError
    refusal = None if database.is_sqlite else advice(str(origin))
    if refusal is None:
        return kind(f"The database {where} can't be used: {cause}.")
    return StoreError(f"The database {where} can't be used: {refusal[0]}. {refusal[1]}")
