"""Fixtures of all tests: a real database of either kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hexasched.store import schema
from hexasched.store.database import Database
from tests import postgres


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


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with the schema, on both kinds."""
    opened = Database(database_url)
    schema.migrate(opened)
    yield opened
    opened.close()
