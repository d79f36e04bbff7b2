"""Serves the dashboard with gunicorn: one process, so that nothing is shared between two, and many threads."""

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from hexasched.config import Config
from hexasched.secrets import KeyRing
from hexasched.store.database import Database
from web import create_app, run_stream
from web.patient_worker import PatientWorker

THREADS = 32


def serve(config: Config, database: Database, keys: KeyRing, on_ready: Callable[[], object]) -> None:
    """Serve until SIGTERM; `on_ready` is called once requests are answered."""
    database.close()  # no connection may cross gunicorn's fork
    _Server(lambda: _make(config, database, keys), settings(config, on_ready)).run()


def _make(config: Config, database: Database, keys: KeyRing) -> Flask:
    app = create_app(config, database, keys)
    _end_streams_on_sigterm(run_stream.streams_of(app))
    return app


def _end_streams_on_sigterm(streams: run_stream.Streams) -> None:
    # gunicorn waits for open answers as long as it may: without this, a page that follows a log would hold up the end.
    stop = signal.getsignal(signal.SIGTERM)

    def close(number: int, frame: FrameType | None) -> None:
        streams.closing = True
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGTERM, close)


def settings(config: Config, on_ready: Callable[[], object]) -> dict[str, Any]:
    """gunicorn's settings, by its own names."""
    host = f"[{config.host}]" if ":" in config.host else config.host
    return {
        "bind": f"{host}:{config.port}",
        "worker_class": PatientWorker,
        "workers": 1,
        "threads": THREADS,
        "timeout": 60,
        "graceful_timeout": 12,
        "keepalive": 5,
        "worker_connections": 600,
        "limit_request_line": 0,  # an address that is too long gets our own page; arriving.MAX_HEAD_BYTES is the end
        # gunicorn touches a file there every second: on a disk that stalls it would kill itself.
        "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108 - its name is random
        "proc_name": "hexasched web",
        "loglevel": "warning",
        "control_socket_disable": True,  # it would be a file in the home folder
        # Who may speak for a client is ProxyFix's business alone (trusted_proxies).
        "secure_scheme_headers": {},
        "forwarder_headers": "",
        "post_worker_init": lambda _worker: on_ready(),
    }


class _Server(BaseApplication):  # type: ignore[misc] # gunicorn is started from Python by a subclass
    def __init__(self, make: Callable[[], Flask], options: dict[str, Any]) -> None:
        self._make, self._options = make, options
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Called by gunicorn, in the process that serves."""
        return self._make()
