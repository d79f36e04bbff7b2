"""A socket that gives up on a client who is silent for too long, or does not read."""

import errno
import math
import socket
import struct
import time
from typing import Any, Self

UNREAD_S = 30


class PatientSocket(socket.socket):
    """A client's socket that, when it blocks, waits neither for ever to hear more nor for ever to be heard.

    Nothing is read after `deadline`, on the monotonic clock.
    """

    deadline = math.inf

    @classmethod
    def taking(cls, client: socket.socket, silent_s: float) -> Self:
        """`client`, which is of no use itself any more; it may be silent for `silent_s` seconds, at least 1."""
        taken = cls(fileno=client.detach())
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", max(1, int(silent_s)), 0))
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", UNREAD_S, 0))
        return taken

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As ever; raises ConnectionResetError, which gunicorn takes for a client that has gone, at the deadline."""
        if self.gettimeout() == 0:
            return super().recv(size, flags)
        if time.monotonic() > self.deadline:
            raise _too_slow()
        try:
            return super().recv(size, flags)
        except BlockingIOError:
            raise _too_slow() from None

    def sendall(self, data: Any, flags: int = 0) -> None:
        """As ever; raises ConnectionResetError if the client takes nothing for UNREAD_S seconds."""
        try:
            super().sendall(data, flags)
        except BlockingIOError:
            raise _too_slow() from None


def _too_slow() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "The client was silent for too long.")
