"""Puts the two output streams of a process back into the order in which they were written.

Two pipes keep no order between them. Before each write the process announces it on a third pipe: which stream, how
many bytes. What nobody announced (a child process, a write past the announcements) is passed on as it comes: bytes
are never lost and never wait, and the order within one stream is always exact.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Literal

Channel = Literal["o", "e"]
MAX_ANNOUNCEMENTS = 100_000


class Interleaver:
    """Holds announcements; bytes only from one call of `merge` to its end."""

    def __init__(self) -> None:
        self._announced: deque[tuple[Channel, int]] = deque()

    def announce(self, channel: Channel, count: int) -> None:
        """The next `count` bytes of `channel` follow all that was announced before."""
        if self._announced and self._announced[-1][0] == channel:
            count += self._announced.pop()[1]
        if len(self._announced) < MAX_ANNOUNCEMENTS:
            self._announced.append((channel, count))

    def merge(
        self, out: bytearray, err: bytearray, more: Callable[[Channel, int], bytes]
    ) -> Iterator[tuple[Channel, bytes]]:
        """Empty both buffers in the order of writing; `more` reads at most so many bytes that a pipe has right now.

        Announcements must be read after the bytes: then each announced byte in the buffers has been announced.
        """
        waiting: dict[Channel, bytearray] = {"o": out, "e": err}
        while self._announced and (out or err):
            channel, count = self._announced.popleft()
            have = waiting[channel]
            if not have:
                # Bytes that were written later are here, so these must be in their pipe. If not, nobody wrote them.
                # No more than these: the announcements of what follows them may not have been read.
                have += more(channel, count)
            if not have:
                continue
            piece = bytes(have[:count])
            del have[:count]
            if len(piece) < count:
                self._announced.appendleft((channel, count - len(piece)))
            yield channel, piece
        for channel, rest in waiting.items():
            if rest:
                yield channel, bytes(rest)
                rest.clear()
