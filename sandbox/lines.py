"""Cuts endless lines: of each line of a stream the first 16 KiB are kept, and how much is missing is said."""

import re

from hexasched.domain.limits import LOG_LINE_BYTES


class LineCut:
    """Remembers, between the pieces of one stream, how much of the current line has passed."""

    def __init__(self, limit: int = LOG_LINE_BYTES) -> None:
        self._limit = limit
        self._long_line = re.compile(rb"([^\n]{%d})([^\n]+)" % limit)
        self._length = 0  # of the line that the next piece goes on with
        self.dropped = 0

    def cut(self, piece: bytes) -> bytes:
        """`piece` without what is over the limit."""
        first, newline, rest = piece.partition(b"\n")
        kept = self._continue(first)
        if not newline:
            return kept
        kept += self._end_line()
        lines, _, last = rest.rpartition(b"\n")
        if lines or len(rest) > len(last):
            kept += self._long_line.sub(self._shorten, lines) + b"\n"
        return kept + self._continue(last)

    def finish(self) -> bytes:
        """What is to be said of a line that never ended."""
        return self._end_line().removesuffix(b"\n")

    def _continue(self, text: bytes) -> bytes:
        room = max(0, self._limit - self._length)
        self._length += len(text)
        self.dropped += max(0, len(text) - room)
        return text[:room]

    def _end_line(self) -> bytes:
        missing, self._length = self._length - self._limit, 0
        return _left_out(missing) + b"\n" if missing > 0 else b"\n"

    def _shorten(self, line: re.Match[bytes]) -> bytes:
        self.dropped += len(line[2])
        return line[1] + _left_out(len(line[2]))


def _left_out(count: int) -> bytes:
    return f" … {count:,} bytes of this line are left out".encode()
