"""Brings the database to this program's schema, under a lock, and refuses one that is newer."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from hexasched.errors import StoreBusyError, StoreError
from hexasched.store.database import Database

_LOCK = 0x68657861  # "hexa": the same number in every version of the program


def migrate(database: Database) -> None:
    """Apply what is missing. Raises StoreError with one clear line if the database can't be used."""
    try:
        with database.writing() as connection:
            if not database.is_sqlite:
                connection.execute(text("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            _refuse_newer(connection)
            command.upgrade(_alembic(connection), "head")
            # A database that is up to date but can't be written would only be found out by the first run.
            connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
    except StoreBusyError as error:
        raise _explain(database, error.__cause__) from error
    except DBAPIError as error:
        raise _explain(database, error) from error


def check(database: Database) -> None:
    """Raise StoreError unless the database has exactly this program's schema."""
    try:
        with database.reading() as connection:
            _refuse_newer(connection)
            if _current(connection) != _head():
                raise StoreError("The database is older than this program. Run `hexasched migrate`.")
    except StoreBusyError as error:
        raise _explain(database, error.__cause__) from error
    except DBAPIError as error:
        raise _explain(database, error) from error


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent / "migrations"))


def _head() -> str | None:
    return _scripts().get_current_head()


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(connection: Connection) -> None:
    known = {script.revision for script in _scripts().walk_revisions()}
    current = _current(connection)
    if current is not None and current not in known:
        raise StoreError(
            f"The database was written by a newer HexaSched (schema {current}). "
            "Install that version again, or restore a backup from before the upgrade."
        )


def _explain(database: Database, error: BaseException | None) -> StoreError:
    origin = getattr(error, "orig", error)
    cause = next(iter(str(origin).strip().splitlines()), type(origin).__name__)
    where = database.url.database if database.is_sqlite else database.url.render_as_string(hide_password=True)
    return StoreError(f"The database {where} can't be used: {cause}.")
