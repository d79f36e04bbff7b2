"""Carries the rings of the doorbell between the hosts that share a PostgreSQL database, by LISTEN and NOTIFY."""

import secrets
import selectors
import threading
from contextlib import closing
from pathlib import Path

from psycopg import Connection
from sqlalchemy.exc import SQLAlchemyError

from hexasched import doorbell, logs
from hexasched.store.database import Database

AGAIN_S = 1.0
"""The wait before the next connection, when the one that listens has ended."""

_CHANNELS = {f"hexasched_{topic}": topic for topic in doorbell.TOPICS}


class Carrier:
    """What one process sends and hears. A ring says only who rang, and may be lost, as with the doorbell itself."""

    def __init__(self, database: Database, data_dir: Path) -> None:
        self._database, self._data_dir = database, data_dir
        self._name = secrets.token_hex(8)  # the server's processes get their numbers again: they tell nobody's ring
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self, *topics: str) -> None:
        """Wake the listeners on all hosts; to be called after the commit. Never fails."""
        words = "; ".join(f"NOTIFY hexasched_{topic}, '{self._name}'" for topic in topics)
        try:
            with self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql(words)
        except SQLAlchemyError as error:
            logs.warning("bells.not_rung", error=type(error).__name__)  # the others look every second anyway

    def listen(self) -> None:
        """From now on rings from other processes reach the bells of this one, in a thread that blocks nobody."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen_for_ever, name="bells", daemon=True)
                self._thread.start()

    def _listen_for_ever(self) -> None:
        pause = threading.Event()
        while True:
            try:
                self._listen_until_lost()
            except Exception as error:  # noqa: BLE001 - whatever ended this connection, the next one may hold
                logs.warning("bells.lost", error=type(error).__name__)
            pause.wait(AGAIN_S)

    def _listen_until_lost(self) -> None:
        with closing(self._connection()) as connection, selectors.DefaultSelector() as selector:
            connection.execute("; ".join(f"LISTEN {channel}" for channel in _CHANNELS))
            selector.register(connection.fileno(), selectors.EVENT_READ)
            # Until now nobody told us anything.
            doorbell.ring_own(self._data_dir, *doorbell.TOPICS)
            while selector.select():
                # Its own generator of notifications wakes ten times a second.
                connection.pgconn.consume_input()
                while note := connection.pgconn.notifies():
                    if note.extra.decode() != self._name:
                        doorbell.ring_own(self._data_dir, _CHANNELS[note.relname.decode()])

    def _connection(self) -> "Connection[tuple[object, ...]]":
        """One of our own, which the pool no longer knows."""
        pooled = self._database.engine.raw_connection()
        connection = pooled.driver_connection
        pooled.detach()
        assert isinstance(connection, Connection)
        connection.rollback()
        connection.autocommit = True
        return connection
