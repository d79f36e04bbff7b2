"""The engine of either database, and the two kinds of transaction: `reading` and `writing`."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool

from hexasched.domain.limits import DATABASE_WAIT_S
from hexasched.errors import FULL_DISK, StoreBusyError, StoreError, StoreFullError

__all__ = ["Connection", "Database", "url_for"]

# SQLite before this release can corrupt a WAL that several processes write: https://www.sqlite.org/wal.html#walresetbug
SAFE_SQLITE = (3, 51, 3)

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    f"PRAGMA busy_timeout = {DATABASE_WAIT_S * 1000}",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA mmap_size = 0",
    "PRAGMA journal_size_limit = 67108864",
)

_POSTGRES_SETTINGS = (
    f"-c statement_timeout={DATABASE_WAIT_S * 1000} -c lock_timeout=8000 "
    f"-c idle_in_transaction_session_timeout={DATABASE_WAIT_S * 1000} -c timezone=UTC"
)


class Database:
    """One database; safe to share between the threads of a process, not across a fork."""

    def __init__(self, url: str) -> None:
        """`url` is SQLAlchemy's: sqlite:////path/file.db or postgresql://user:password@host/name."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgres_engine(url)
        self._writer = self.engine.execution_options(hexasched_begin="IMMEDIATE")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises StoreBusyError if trying again may help."""
        with _explained(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes; on SQLite it holds the one write lock from its first statement.

        Raises StoreBusyError if the same step may succeed when it is tried again.
        """
        with _explained(), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if _is_full(error):
            raise StoreFullError(f"{FULL_DISK[:-1]}: {str(error.orig).strip()}") from error
        if _is_passing(error):
            raise StoreBusyError(f"The database does not answer: {str(error.orig).strip()}") from error
        raise


def url_for(database_url: str, data_dir: Path) -> str:
    """The configured address, or the SQLite file in the data folder."""
    return database_url or f"sqlite:///{data_dir / 'hexasched.db'}"


def sqlite_module() -> ModuleType:
    """The system's SQLite where it is new enough, else the one that the package pysqlite3 brings."""
    if sqlite3.sqlite_version_info < SAFE_SQLITE:
        try:
            from pysqlite3 import dbapi2
        except ImportError:  # not every platform has that wheel; `doctor` warns
            return sqlite3
        else:
            module: ModuleType = dbapi2
            return module
    return sqlite3


def _is_full(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) == "53100" or str(error.orig) == "database or disk is full"


def _is_passing(error: DBAPIError) -> bool:
    """Whether the same step may succeed if it is tried again: a lock, a restart, a lost connection."""
    if error.connection_invalidated:
        return True
    code = getattr(error.orig, "sqlstate", None)
    if code is not None:
        return code in {"40001", "40P01", "55P03", "57014"} or code[:2] in {"57", "08", "53"}
    return isinstance(error, OperationalError)


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(
        url,
        module=sqlite_module(),
        hide_parameters=True,  # an error's text goes to our log, and values may be secrets
        poolclass=QueuePool,
        pool_size=5,
        max_overflow=40,
        connect_args={"timeout": DATABASE_WAIT_S, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _on_connect(dbapi: Any, _record: object) -> None:
        dbapi.isolation_level = None  # the driver must never open a transaction on its own
        for pragma in _PRAGMAS:
            dbapi.execute(pragma).close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        # A reader that turns writer fails at once, without waiting: writers say so at the start.
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('hexasched_begin', 'DEFERRED')}")

    return engine


def _postgres_engine(url: str) -> Engine:
    try:
        engine = create_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            hide_parameters=True,
            pool_size=5,
            max_overflow=40,
            connect_args={
                "options": _POSTGRES_SETTINGS,
                "connect_timeout": 5,
                "keepalives_idle": 5,
                "tcp_user_timeout": 8000,
            },
        )
    except ImportError:
        raise StoreError(
            "database_url names PostgreSQL, but its driver is not installed: pip install 'hexasched[postgres]'."
        ) from None

    @event.listens_for(engine, "handle_error")
    def _without_values(context: ExceptionContext) -> None:
        # PostgreSQL's detail shows the whole row that it refused; our log must not.
        said = getattr(getattr(context.original_exception, "diag", None), "message_primary", None)
        if said and context.sqlalchemy_exception is not None:
            context.original_exception.args = (said,)
            context.sqlalchemy_exception.args = (said,)

    return engine
