"""A real HTTP server on loopback that functions talk to: a mail API that checks keys, and a gate that a test opens."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

API_KEY = "key-of-the-mail-api-7c1f"
GATE_S = 60


class Neighbour(ThreadingHTTPServer):
    """`POST /send` accepts a mail from who has the key; `GET /gate` is answered once `gate` is set."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.accepted: list[dict[str, Any]] = []
        self.refused: list[str | None] = []
        self.gate = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        opened = self.path != "/gate" or cast(Neighbour, self.server).gate.wait(GATE_S)
        self._answer(200 if opened else 504, {"opened": opened})

    def do_POST(self) -> None:
        neighbour, key = cast(Neighbour, self.server), self.headers["Authorization"]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if key == f"Bearer {API_KEY}":
            neighbour.accepted.append(json.loads(body))
            return self._answer(202, {"queued": True})
        neighbour.refused.append(key)
        return self._answer(401, {"error": "unknown key"})

    def _answer(self, code: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server uses
        """Write nothing: what a test needs is in the lists above."""


@contextmanager
def neighbours() -> Iterator[tuple[Neighbour, Neighbour]]:
    """Two servers on ports that follow each other."""
    with ExitStack() as stack:
        first, second = _two_in_a_row()
        for server in (first, second):
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            stack.callback(server.server_close)
            stack.callback(thread.join)
            stack.callback(server.shutdown)
        yield first, second
        first.gate.set()


def _two_in_a_row() -> tuple[Neighbour, Neighbour]:
    for _ in range(50):
        first = Neighbour()
        try:
            return first, Neighbour(first.server_port + 1)
        except OSError:
            first.server_close()
    raise AssertionError("no two free ports in a row")
