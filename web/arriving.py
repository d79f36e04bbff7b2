"""A request that is still arriving: what has come of it, and whether that is all."""

import re
import time
from dataclasses import dataclass, field

from web.security import MAX_BODY_BYTES

MAX_HEAD_BYTES = 64 * 1024

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)
_LAST_CHUNK = re.compile(rb"\r\n0+[ \t]*(?:;[^\r\n]*)?\r\n")
_OVERLAP = 64  # of what was looked at before: an end of something may come in two pieces


@dataclass
class Arriving:
    """The bytes so far; `began` and `heard` (the last piece) are of the monotonic clock.

    Each piece is looked at once, however small the pieces are.
    """

    data: bytearray = field(default_factory=bytearray)
    began: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    wants_word: bool = False  # the client waits for "100 Continue" before it sends the rest
    _needed: int | None = None  # bytes of the whole request, once its head is there
    _chunked: bool = False

    @property
    def whole(self) -> bool:
        """Whether all has come, or as much of a body as is needed to refuse it for its size."""
        return self._needed is not None and len(self.data) >= self._needed

    @property
    def wrong(self) -> str:
        """The status line's words of a beginning that no request has; empty if it may become one."""
        if self.data and not self.data[:1].isalpha():
            return "400 Bad Request"
        too_long = self._needed is None and len(self.data) > MAX_HEAD_BYTES
        return "431 Request Header Fields Too Large" if too_long else ""

    def add(self, piece: bytes) -> None:
        """What came next."""
        self.heard = time.monotonic()
        fresh = max(0, len(self.data) - _OVERLAP)
        self.data += piece if self.data else piece.lstrip(b"\r\n")  # RFC 9112, 2.2: empty lines before are ignored
        if self._needed is None and (end := self.data.find(b"\r\n\r\n", fresh)) >= 0:
            self._read_head(end + 4)
            fresh = end + 2
        if self._chunked and _LAST_CHUNK.search(self.data, fresh):
            self._needed = 0  # the parser knows where exactly it ends, and reads on if this was too early

    def _read_head(self, size: int) -> None:
        head = bytes(self.data[: size - 2])
        length = _LENGTH.search(head)
        self.wants_word = bool(_EXPECTS.search(head))
        self._chunked = bool(_CHUNKED.search(head))
        body = MAX_BODY_BYTES if self._chunked else int(length[1]) if length else 0
        self._needed = size + body if body <= MAX_BODY_BYTES else size
