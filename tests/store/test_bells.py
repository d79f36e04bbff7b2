"""Whose rings a host takes for its own, of those that PostgreSQL brings."""

import threading
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from hexasched.doorbell import DONE, WORK, Doorbell
from hexasched.store.bells import Carrier
from hexasched.store.database import Database
from tests import postgres

SOON_S = 20.0


@pytest.mark.postgres
def test_a_ring_from_elsewhere_is_heard_also_if_its_process_has_a_number_that_was_ours(
    tmp_path: Path, postgres_server: str
) -> None:
    with (
        postgres.fresh_database(postgres_server) as url,
        Database(url) as database,
        Doorbell(tmp_path, WORK) as work,
        Doorbell(tmp_path, DONE) as done,
    ):
        carrier = Carrier(database, tmp_path)
        threading.Thread(target=listen, args=(carrier,), daemon=True).start()
        assert work.wait(SOON_S) and done.wait(SOON_S), "it listens now"
        carrier.ring(WORK)
        from_elsewhere(database, DONE)
        assert done.wait(SOON_S), "it came through the same process of the server as our ring"
        assert not work.clear(), "our own ring has come before it"


def listen(carrier: Carrier) -> None:
    """Until the database is gone, and with it the connection: one that comes back would outlive this test."""
    with suppress(Exception):
        carrier._listen_until_lost()


def from_elsewhere(database: Database, topic: str) -> None:
    """What another host says whose connection has, after a restart of the server, the number that one of ours had."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"NOTIFY hexasched_{topic}, 'another'"))
