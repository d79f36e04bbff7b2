"""A gunicorn worker that gives a request a thread only once all of it has arrived: half a request holds none up."""

import errno
import re
import time
from dataclasses import dataclass, field
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from web.patient_socket import PatientSocket
from web.security import MAX_BODY_BYTES

SILENT_S = 15.0
WHOLE_S = 60.0
MAX_HEAD_BYTES = 64 * 1024
MAX_WAITING = 256
MAX_WAITING_BYTES = 64 * 1024 * 1024

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?:\r\n|\Z)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)


def whole(data: bytearray) -> bool:
    """Whether `data` begins with all of a request, or with the head of one whose body is more than we take."""
    head_end = data.find(b"\r\n\r\n")
    if head_end < 0:
        return False
    head = bytes(data[:head_end])
    length = _LENGTH.search(head)
    if _CHUNKED.search(head):  # where it ends exactly is the parser's business; it reads on if this was too early
        return data.endswith(b"0\r\n\r\n") or len(data) > MAX_BODY_BYTES
    needed = int(length[1]) if length else 0
    return needed > MAX_BODY_BYTES or len(data) >= head_end + 4 + needed


@dataclass
class Arriving:
    """What has come of a request; `began` and `heard` (the last piece) are of the monotonic clock."""

    data: bytearray
    began: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    told_to_continue: bool = False


class PatientWorker(ThreadWorker):  # type: ignore[misc] # gunicorn's own way to have another worker
    """Collects requests in the one thread that waits for all sockets; its threads get them whole.

    A request may be silent for SILENT_S seconds and take WHOLE_S in all. Beyond MAX_WAITING connections or
    MAX_WAITING_BYTES the one that has waited longest has to go: whole requests pass in milliseconds.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: dict[TConn, Arriving] = {}  # the oldest first

    def accept(self, listener: Any) -> None:
        """Called by gunicorn when somebody connects."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.ECONNABORTED}:
                return
            raise
        self.nr_conns += 1
        self._await(TConn(self.cfg, PatientSocket.taking(client, SILENT_S), address, listener.getsockname()))

    def on_client_socket_readable(self, conn: TConn, client: Any) -> None:
        """Called by gunicorn when a connection that was kept alive has something again."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._await(conn)

    def finish_request(self, conn: TConn, fs: Any) -> None:
        """Called by gunicorn when a thread is done; what came with the request's end is the next one's beginning."""
        pipelined = not fs.cancelled() and fs.exception() is None and fs.result() is True
        ahead = conn.parser.unreader.take_buffered() if pipelined else b""
        if ahead:
            self._await(conn, ahead)
        else:
            super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Called by gunicorn at least once a second."""
        super().murder_pending()
        now, silent_s = time.monotonic(), SILENT_S if self.alive else 1.0
        for conn, arriving in list(self._arriving.items()):
            if now - arriving.heard > silent_s or now - arriving.began > WHOLE_S:
                self._refuse(conn, "408 Request Timeout", "The request did not arrive in time.")

    def _await(self, conn: TConn, ahead: bytes = b"") -> None:
        conn.sock.setblocking(False)
        self._arriving[conn] = Arriving(bytearray(ahead))
        self.poller.register(conn.sock, EVENT_READ, partial(self._hear, conn))
        self._make_room()
        if whole(self._arriving[conn].data):
            self._hand_over(conn)

    def _hear(self, conn: TConn, _client: Any) -> None:
        arriving = self._arriving.get(conn)
        if arriving is None:  # it had to go after this event was noticed
            return
        try:
            piece = conn.sock.recv(MAX_HEAD_BYTES)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        arriving.data += piece
        arriving.heard = time.monotonic()
        if not piece:
            self._drop(conn)
        elif whole(arriving.data):
            self._hand_over(conn)
        elif len(arriving.data) > MAX_HEAD_BYTES and b"\r\n\r\n" not in arriving.data:
            self._refuse(conn, "431 Request Header Fields Too Large", "The address or the headers are too long.")
        elif not arriving.data[:1].isalpha():
            self._refuse(conn, "400 Bad Request", "This port speaks HTTP; for HTTPS put a reverse proxy before it.")
        else:
            self._ask_for_the_rest(conn, arriving)
            self._make_room()

    def _ask_for_the_rest(self, conn: TConn, arriving: Arriving) -> None:
        if not arriving.told_to_continue and _EXPECTS.search(arriving.data.partition(b"\r\n\r\n")[0]):
            arriving.told_to_continue = b"\r\n\r\n" in arriving.data
            if arriving.told_to_continue:
                _say(conn, b"HTTP/1.1 100 Continue\r\n\r\n")

    def _hand_over(self, conn: TConn) -> None:
        arriving = self._forget(conn)
        conn.init()
        conn.parser.unreader.unread(bytes(arriving.data))
        conn.data_ready = True
        conn.sock.deadline = arriving.began + WHOLE_S
        self.enqueue_req(conn)

    def _make_room(self) -> None:
        while (
            len(self._arriving) > MAX_WAITING
            or sum(len(arriving.data) for arriving in self._arriving.values()) > MAX_WAITING_BYTES
        ):
            self._refuse(next(iter(self._arriving)), "503 Service Unavailable", "Too many requests wait to arrive.")

    def _refuse(self, conn: TConn, status: str, sentence: str) -> None:
        if self._arriving[conn].data:
            body = f"{sentence}\n"
            facts = f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\nConnection: close"
            _say(conn, f"HTTP/1.1 {status}\r\n{facts}\r\n\r\n{body}".encode())
        self._drop(conn)

    def _drop(self, conn: TConn) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()

    def _forget(self, conn: TConn) -> Arriving:
        self.poller.unregister(conn.sock)
        return self._arriving.pop(conn)


def _say(conn: TConn, answer: bytes) -> None:
    try:
        conn.sock.send(answer)
    except OSError:
        return  # whoever can't hear it has gone, or does not read
