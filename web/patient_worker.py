"""A gunicorn worker that gives a request a thread only once all of it has arrived: half a request holds none up."""

import errno
import socket
import time
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from web.arriving import MAX_HEAD_BYTES, Arriving
from web.patient_socket import PatientSocket

SILENT_S = 15.0
WHOLE_S = 60.0
LINGER_S = 2.0
MAX_WAITING = 256
MAX_WAITING_BYTES = 64 * 1024 * 1024

_SENTENCES = {
    "400 Bad Request": "This port speaks HTTP; for HTTPS put a reverse proxy before it.",
    "408 Request Timeout": "The request did not arrive in time.",
    "431 Request Header Fields Too Large": "The address or the headers are too long.",
    "503 Service Unavailable": "Too many requests wait to arrive.",
}


class PatientWorker(ThreadWorker):  # type: ignore[misc] # gunicorn's own way to have another worker
    """Collects requests in the one thread that waits for all sockets; its threads get them whole.

    A request may be silent for SILENT_S seconds and take WHOLE_S in all. Beyond MAX_WAITING connections or
    MAX_WAITING_BYTES the one that has waited longest has to go: whole requests pass in milliseconds.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: dict[TConn, Arriving] = {}  # the oldest first
        self._leaving: dict[TConn, float] = {}  # until when

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
        goes_on = not fs.cancelled() and fs.exception() is None and fs.result() is True
        ahead = conn.parser.unreader.take_buffered() if goes_on else b""
        if ahead:
            self._await(conn, ahead)
        elif goes_on:
            super().finish_request(conn, fs)
        else:
            self._see_off(conn)

    def murder_pending(self) -> None:
        """Called by gunicorn at least once a second."""
        super().murder_pending()
        now, silent_s = time.monotonic(), SILENT_S if self.alive else 1.0
        for conn, arriving in list(self._arriving.items()):
            if now - arriving.heard > silent_s or now - arriving.began > WHOLE_S:
                self._refuse(conn, "408 Request Timeout")
        for conn, until in list(self._leaving.items()):
            if now > until or not self.alive:
                self._hang_up(conn)

    def _await(self, conn: TConn, ahead: bytes = b"") -> None:
        conn.sock.setblocking(False)
        self._arriving[conn] = Arriving()
        self.poller.register(conn.sock, EVENT_READ, partial(self._hear, conn))
        self._make_room()
        if ahead:
            self._take(conn, ahead)

    def _hear(self, conn: TConn, _client: Any) -> None:
        if conn not in self._arriving:  # it had to go after this event was noticed
            return
        try:
            piece = conn.sock.recv(MAX_HEAD_BYTES)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if piece:
            self._take(conn, piece)
        else:
            self._drop(conn)

    def _take(self, conn: TConn, piece: bytes) -> None:
        arriving = self._arriving[conn]
        arriving.add(piece)
        if arriving.wrong:
            self._refuse(conn, arriving.wrong)
        elif arriving.whole:
            self._hand_over(conn)
        else:
            if arriving.wants_word:
                arriving.wants_word = False
                _say(conn, b"HTTP/1.1 100 Continue\r\n\r\n")
            self._make_room()

    def _hand_over(self, conn: TConn) -> None:
        arriving = self._forget(conn)
        conn.init()
        conn.parser.unreader.unread(bytes(arriving.data))
        conn.data_ready = True
        conn.sock.deadline = arriving.began + WHOLE_S
        self.enqueue_req(conn)

    def _see_off(self, conn: TConn) -> None:
        """Say that all is said, and let the client hang up first (RFC 9112, 9.6): else it may lose the answer's end.

        gunicorn's own way holds up everybody for as long as that takes.
        """
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        self._leaving[conn] = time.monotonic() + LINGER_S
        self.poller.register(conn.sock, EVENT_READ, partial(self._hear_leaving, conn))

    def _hear_leaving(self, conn: TConn, _client: Any) -> None:
        try:
            gone = conn in self._leaving and not conn.sock.recv(MAX_HEAD_BYTES)
        except BlockingIOError:
            return
        except OSError:
            gone = True
        if gone:
            self._hang_up(conn)

    def _hang_up(self, conn: TConn) -> None:
        del self._leaving[conn]
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def _make_room(self) -> None:
        while len(self._arriving) > MAX_WAITING or self._held() > MAX_WAITING_BYTES:
            self._refuse(next(iter(self._arriving)), "503 Service Unavailable")

    def _held(self) -> int:
        return sum(len(arriving.data) for arriving in self._arriving.values())

    def _refuse(self, conn: TConn, status: str) -> None:
        if self._arriving[conn].data:
            body = f"{_SENTENCES[status]}\n"
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
