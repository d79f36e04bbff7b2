"""What a job writes, on its way from the two pipes to its spool file: read, put in order, masked, cut, kept."""

import contextlib
import os
from typing import Literal

from sandbox.channel import ResultChannel
from sandbox.interleave import Channel, Interleaver
from sandbox.lines import LineCut
from sandbox.mask import MaskedStream, Masker
from sandbox.spool import Record, Spool, now_ms

READ_BYTES = 64 * 1024  # what a pipe holds
MAX_READS = 4  # of the result pipe in one turn, so that one job can't hold up the others
LAST_WORDS_BYTES = 16 * 1024

Pipe = Literal["o", "e", "result"]


class Output:
    """The three pipes on which a process speaks, and the file that its output goes to."""

    def __init__(self, pipes: dict[Pipe, int], channel: ResultChannel, spool: Spool, masker: Masker) -> None:
        self._pipes = pipes
        self._channel = channel
        self._spool = spool
        self._order = Interleaver()
        self._masks: dict[Channel, MaskedStream] = {"o": MaskedStream(masker), "e": MaskedStream(masker)}
        self._cuts: dict[Channel, LineCut] = {"o": LineCut(), "e": LineCut()}
        self._ended: set[Pipe] = set()
        self._named: set[Pipe] = set()
        self._last = bytearray()

    @property
    def dropped(self) -> int:
        """Bytes of output that are not kept."""
        return self._spool.dropped + sum(cut.dropped for cut in self._cuts.values())

    @property
    def last_words(self) -> bytes:
        """The end of standard error; whole after `end`."""
        return bytes(self._last)

    def pump(self) -> bool:
        """Take in what is there right now; whether there was anything."""
        # This order makes every announced byte that was read an announced one: see Interleaver.merge.
        err, out = bytearray(self._read("e")), bytearray(self._read("o"))
        told = self.listen()
        found = bool(err or out)
        for channel, piece in self._order.merge(out, err, self._read):
            # Here a stream is whole, and nothing of it is stored yet.
            self._keep(channel, self._masks[channel].feed(piece))
        return found or told

    def retell(self, record: Record) -> None:
        """Begin with what was put out in loading: a secret may begin in it, and end in what is to come."""
        data = record.data if record.stream == "s" else self._masks[record.stream].feed(record.data)
        self._spool.add(record.stream, data, record.at_ms)

    def listen(self) -> bool:
        """Take in what is on the result pipe; whether there was anything."""
        for count in range(MAX_READS):
            data = self._read("result")
            if not data:
                return count > 0
            for channel, size in self._channel.feed(data):
                self._order.announce(channel, size)
        return True

    @property
    def ended(self) -> bool:
        """Whether a pipe has ended."""
        return bool(self._ended)

    def take_ended(self) -> list[int]:
        """The pipes that have ended and were not named before."""
        new = self._ended - self._named
        self._named |= new
        return [self._pipes[pipe] for pipe in new]

    def early_words(self) -> bytes:
        """What a process that never became ready wrote on standard error."""
        return self._read("e")

    def remark(self, text: str) -> None:
        """Say something to the reader of the output."""
        self._spool.add("s", text.encode() + b"\n", now_ms())

    def end(self) -> None:
        """Take in what was held back; the process must be dead, and all that it wrote read."""
        for channel, mask in self._masks.items():
            self._keep(channel, mask.finish())

    def finish(self) -> None:
        """Complete the file, after `end`."""
        for channel, cut in self._cuts.items():
            if rest := cut.finish():
                self._spool.add(channel, rest, now_ms())
        self._spool.close(now_ms())

    def _keep(self, channel: Channel, piece: bytes) -> None:
        if channel == "e":
            self._last += piece
            if len(self._last) > 2 * LAST_WORDS_BYTES:
                del self._last[:-LAST_WORDS_BYTES]
        if kept := self._cuts[channel].cut(piece):
            self._spool.add(channel, kept, now_ms())

    def _read(self, pipe: Pipe, most: int = READ_BYTES) -> bytes:
        if pipe in self._ended:
            return b""
        with contextlib.suppress(BlockingIOError):
            if data := os.read(self._pipes[pipe], min(most, READ_BYTES)):
                return data
            self._ended.add(pipe)
        return b""
