"""Reads the result pipe: ready, the order of the output, requests, the one frame with the result. All is hostile."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from hexasched.domain.limits import KIB, MAX_JSON_DEPTH, MIB
from hexasched.domain.outcomes import ErrorDetail
from sandbox.interleave import Channel

MAX_FRAME_BYTES = MIB + 64 * KIB
MAX_REQUEST_BYTES = 160 * KIB  # a value as text in JSON: each of its quotes takes two bytes
MAX_MESSAGE_CHARS = 8 * KIB
MAX_STACK_CHARS = 16 * KIB
MAX_WARNINGS, MAX_WARNING_CHARS = 50, 2 * KIB
MAX_NAMES, MAX_NAME_CHARS = 500, 128

FrameReason = Literal["ok", "error", "load", "unsettled", "result", "denied", "memory", "exit"]
_REASONS: tuple[FrameReason, ...] = ("ok", "error", "load", "unsettled", "result", "denied", "memory", "exit")
_LINE = re.compile(rb"(?:([OE]) (\d{1,12})|(R)|([FQ]) (\d{1,8}))\n")
_LONGEST_LINE = 20
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL has no NUL, UTF-8 no lone surrogates
# Possessive and with an end for every case: hostile text must not make the search quadratic.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+\\?(?:"|\Z)', re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class EnvRead:
    """A variable that is not set, and where the code reads it."""

    name: str
    file: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What the process says about its run; checked, but nothing in it is to be trusted."""

    ok: bool
    reason: FrameReason
    result: str | None
    error: ErrorDetail | None
    retryable: bool = True
    again: bool = False  # the process waits for another run
    warnings: tuple[str, ...]
    env_read: tuple[str, ...]
    env_missing: tuple[EnvRead, ...]


class ResultChannel:
    """Takes the bytes of the pipe in pieces. After a whole frame, or a mistake, it listens no more."""

    def __init__(self, nonce: str) -> None:
        self.nonce = nonce
        self._pending = bytearray()
        self._expected: tuple[bytes, int] | None = None  # F or Q, and the size of what follows
        self._requests: list[bytes] = []
        self.ready = False
        self.frame: Frame | None = None
        self.mistake: str | None = None

    def feed(self, data: bytes) -> Iterator[tuple[Channel, int]]:
        """Read on; yields the announced writes of output: stream and number of bytes."""
        if self.frame or self.mistake:
            return
        self._pending += data
        start = 0
        while not (self.frame or self.mistake):
            if self._expected is not None:
                kind, size = self._expected
                if len(self._pending) - start < size:
                    break
                self._take(kind, bytes(self._pending[start : start + size]))
                start += size
            elif match := _LINE.match(self._pending, start):
                start = match.end()
                if match[1]:
                    yield ("o" if match[1] == b"O" else "e", int(match[2]))
                elif match[3]:
                    self.ready = True
                else:
                    self._expect(match[4], int(match[5]))
            else:
                break
        # Once for all of a piece: there may be very many lines.
        del self._pending[:start]
        if self._expected is None and (b"\n" in self._pending or len(self._pending) > _LONGEST_LINE):
            self.mistake = self.mistake or "something else wrote on the result pipe"

    @property
    def complete(self) -> bool:
        """Whether there is the frame, and nothing came behind it or was wrong before."""
        return self.frame is not None and self.mistake is None and not self._pending and not self._requests

    def take_requests(self) -> list[bytes]:
        """What was asked since the last call, as it came."""
        taken, self._requests = self._requests, []
        return taken

    def _expect(self, kind: bytes, size: int) -> None:
        self._expected = kind, size
        if size > (MAX_FRAME_BYTES if kind == b"F" else MAX_REQUEST_BYTES):
            self.mistake = "the frame is too long"

    def _take(self, kind: bytes, text: bytes) -> None:
        self._expected = None
        if kind == b"Q":
            self._requests.append(text)
        else:
            self._take_frame(text)

    def _take_frame(self, text: bytes) -> None:
        try:
            self.frame = parse_frame(text, self.nonce)
        except (ValueError, RecursionError) as error:
            self.mistake = str(error)


def parse_frame(text: bytes, nonce: str) -> Frame:
    """The frame in `text`; raises ValueError (or RecursionError) if it is not one of ours."""
    if json_depth(text.decode()) > MAX_JSON_DEPTH:
        raise ValueError("the frame is nested too deeply")
    body = json.loads(text)
    if not isinstance(body, dict) or body.get("nonce") != nonce:
        raise ValueError("the frame is not from the runtime")
    ok, reason = body.get("ok"), body.get("reason")
    if not isinstance(ok, bool) or reason not in _REASONS or ok != (reason == "ok"):
        raise ValueError("the frame has no valid outcome")
    return Frame(
        ok=ok,
        reason=reason,
        result=_text(body.get("result"), MAX_FRAME_BYTES),
        error=_error(body.get("error")),
        retryable=body.get("retryable") is not False,
        again=body.get("again") is True,
        warnings=tuple(_texts(body.get("warnings"), MAX_WARNINGS, MAX_WARNING_CHARS)),
        env_read=tuple(_texts(body.get("env_read"), MAX_NAMES, MAX_NAME_CHARS)),
        env_missing=tuple(_missing(body.get("env_missing"))),
    )


def json_depth(text: str) -> int:
    """How deeply objects and arrays of this JSON are nested; needs no recursion."""
    depth = deepest = 0
    for character in re.sub(r"[^\[\]{}]", "", _STRING.sub("", text)):
        depth += 1 if character in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _error(value: Any) -> ErrorDetail | None:
    if not isinstance(value, dict):
        return None
    return ErrorDetail(
        type=_text(value.get("type"), 200) or "Error",
        message=_text(value.get("message"), MAX_MESSAGE_CHARS) or "",
        stack=_text(value.get("stack"), MAX_STACK_CHARS) or "",
        file=_text(value.get("file"), 500),
        line=_count(value.get("line")),
        column=_count(value.get("column")),
        source_line=_text(value.get("source_line"), 500),
        code=_text(value.get("code"), 100),
        hint=_text(value.get("hint"), 2000),
    )


def _missing(value: Any) -> Iterator[EnvRead]:
    for entry in value[:MAX_NAMES] if isinstance(value, list) else []:
        if isinstance(entry, dict) and (name := _text(entry.get("name"), MAX_NAME_CHARS)):
            yield EnvRead(name=name, file=_text(entry.get("file"), 500) or "", line=_count(entry.get("line")) or 0)


def _texts(value: Any, count: int, length: int) -> Iterator[str]:
    for entry in value[:count] if isinstance(value, list) else []:
        if text := _text(entry, length):
            yield text


def _text(value: Any, length: int) -> str | None:
    if not isinstance(value, str):
        return None
    # What the process has cut itself is one character longer, by the sign of the cut.
    return _UNSTORABLE.sub("\ufffd", value if len(value) <= length + 1 else f"{value[:length]}…")


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else None
