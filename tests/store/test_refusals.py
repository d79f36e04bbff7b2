"""A PostgreSQL server that lets nobody in until a person mends something, told from one that may come yet."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from hexasched.errors import StoreBusyError, StoreError
from hexasched.store import schema
from hexasched.store.database import Database
from tests.waiting import wait_until


@contextmanager
def a_server_that_asks(server: str) -> Iterator[str]:
    """The address without a user of `server`, with roles and databases that it lets nobody use, each in its way."""
    names = [f"refused_{number}_{os.getpid()}" for number in range(3)]
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        for name in names[:2]:
            connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'right'")
        connection.execute(f"CREATE ROLE {names[2]} LOGIN CONNECTION LIMIT 0")
        connection.execute(f"CREATE DATABASE {names[0]}")
        connection.execute(f"REVOKE CONNECT ON DATABASE {names[0]} FROM PUBLIC")
        rules = Path(str(connection.execute("SHOW hba_file").fetchone()[0]))  # type: ignore[index]
        before = rules.read_text()
        rules.write_text(f"host {names[1]} all all reject\nhost all {names[0]} all scram-sha-256\n{before}")
        connection.execute("SELECT pg_reload_conf()")
        try:
            wait_until(
                lambda: not lets_in(f"{server.replace('postgres@', names[0] + '@')}/postgres"),
                deadline_s=10,
                what="the rules",
            )
            yield server.partition("@")[2]
        finally:
            rules.write_text(before)
            connection.execute("SELECT pg_reload_conf()")
            connection.execute(f"DROP DATABASE {names[0]}")
            for name in names:
                connection.execute(f"DROP ROLE {name}")


@pytest.mark.postgres
def test_a_server_that_refuses_is_a_persons_to_mend(postgres_server: str) -> None:
    with a_server_that_asks(postgres_server) as place:
        strict, other, full = (f"refused_{number}_{os.getpid()}" for number in range(3))
        refused = {
            f"{strict}:wrong@{place}/postgres": "password authentication failed for user .* Check the user and",
            f"{strict}@{place}/postgres": "no password supplied.* Check the user and the password in database_url",
            f"postgres:right@{place}/none": '"none" does not exist. Check the name of the database in database_url',
            f"nobody@{place}/postgres": 'role "nobody" does not exist. Check the user in database_url',
            f"{strict}:right@{place}/{strict}": "permission denied for .* Give the user in database_url its rights",
            f"{strict}:right@{place}/{other}": "pg_hba.conf .* Check host, user and database in database_url",
            f"postgres@{place}/postgres?sslmode=require": "SSL was required. Check the options",
        }
        found = {address: said_at_start(f"postgresql://{address}") for address in refused}
        for address, expected in refused.items():
            assert re.search(expected, str(found[address])), found[address]
            assert found[address].exit_status == StoreError.exit_status, address
            assert "right@" not in str(found[address]) and "wrong" not in str(found[address])
        passing = said_at_start(f"postgresql://{full}@{place}/postgres")
        assert passing.exit_status == StoreBusyError.exit_status, "others may leave again"


def lets_in(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def said_at_start(url: str) -> StoreError:
    with Database(url) as database:
        with pytest.raises(StoreError, match="can't be used") as checked:
            schema.check(database)
        with pytest.raises(StoreError, match="can't be used") as migrated:
            schema.migrate(database)
    assert (str(checked.value), checked.value.exit_status) == (str(migrated.value), migrated.value.exit_status)
    return checked.value
