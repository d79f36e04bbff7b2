"""Fixtures of all tests: a real database of either kind."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hexasched.store import schema
from hexasched.store.database import Database
from tests import postgres

# Who ends the tests wants the services, databases and sandboxes gone that they have started.
signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A running PostgreSQL server."""
    with postgres.server() as address:
        yield address


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database; tests that use it run on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    with postgres.fresh_database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy: that is far quicker than to migrate one."""
    file = tmp_path_factory.mktemp("empty") / "hexasched.db"
    with Database(f"sqlite:///{file}") as database:
        schema.migrate(database)
    return file


@pytest.fixture(scope="session")
def empty_on_postgres(postgres_server: str) -> Iterator[str]:
    """The name of a migrated database to copy."""
    with postgres.fresh_database(postgres_server) as url:
        with Database(url) as database:
            schema.migrate(database)
        yield url.rpartition("/")[2]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with the schema, on both kinds."""
    if request.param == "sqlite":
        file = shutil.copy(request.getfixturevalue("empty_database"), tmp_path / "test.db")
        with Database(f"sqlite:///{file}") as opened:
            yield opened
        return
    server, template = request.getfixturevalue("postgres_server"), request.getfixturevalue("empty_on_postgres")
    with postgres.fresh_database(server, template) as url, Database(url) as opened:
        yield opened
