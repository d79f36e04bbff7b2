"""A run's output as lines of plain text: pieces of two streams put together, terminal tricks taken out."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hexasched.store.logs import Chunk

_TERMINAL = re.compile(
    r"""
      (?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?              # CSI: colours, cursor, erasing
    | (?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])        # OSC, DCS, SOS, PM, APC: titles, links, anything
      [^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?
    | \x1b[ -/]*[0-~]?                               # other escapes
    """,
    re.VERBOSE,
)
# Control characters, and those that change the direction of the text around them or can't be seen.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def plain(text: str | None) -> str:
    """`text` without terminal sequences; characters that can't be seen are shown as what they are."""
    if not text:
        return ""
    return _UNSEEN.sub(_shown, _TERMINAL.sub("", text.replace("\r\n", "\n")))


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"<U+{code:04X}>"


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of one stream ("o", "e", "s"); an `open` one may still go on."""

    stream: str
    at: datetime
    text: str
    open: bool = False


class LineMaker:
    """Makes lines of chunks; knows, for each stream, the beginning of the line that is not complete yet."""

    def __init__(self) -> None:
        self._fence = -1
        self._open: dict[str, tuple[datetime, bytes]] = {}

    def feed(self, chunks: Iterable[Chunk]) -> list[Line]:
        """The lines that `chunks` complete, then the open ones that they began or went on with."""
        lines: list[Line] = []
        touched: set[str] = set()
        for chunk in chunks:
            if chunk.fence != self._fence:
                lines += self.close()
                touched.clear()
                self._fence = chunk.fence
            lines += self._take(chunk)
            touched.add(chunk.stream)
        return lines + [_line(s, at, data, is_open=True) for s, (at, data) in self._open.items() if s in touched]

    def close(self) -> list[Line]:
        """Nothing more follows: the open lines are complete."""
        lines = [_line(stream, at, data) for stream, (at, data) in self._open.items()]
        self._open.clear()
        return lines

    def _take(self, chunk: Chunk) -> list[Line]:
        at, begun = self._open.pop(chunk.stream, (chunk.at, b""))
        *complete, rest = (begun + chunk.data).split(b"\n")
        lines = [_line(chunk.stream, at if number == 0 else chunk.at, data) for number, data in enumerate(complete)]
        if rest:
            self._open[chunk.stream] = (chunk.at if complete else at, rest)
        return lines


def _line(stream: str, at: datetime, data: bytes, *, is_open: bool = False) -> Line:
    text = data.removesuffix(b"\r").decode(errors="replace")
    return Line(stream=stream, at=at, text=plain(text), open=is_open)
