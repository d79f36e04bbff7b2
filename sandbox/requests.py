"""What the code of one run asks the service: checked, counted and passed on. All of it is hostile."""

import json
import re
from typing import Any

from hexasched.domain import kept
from hexasched.domain.kept import Request
from hexasched.domain.limits import MAX_JSON_DEPTH
from sandbox.channel import json_depth
from sandbox.mask import Masker
from sandbox.mask_outcome import masked_json

BURST = kept.REQUESTS_PER_S + kept.MAX_OPEN_REQUESTS + 2
_UNSTORABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_WITH_VALUE = ("set", "done")


class RefusedError(Exception):
    """An honest request that can't be granted; the message is for whoever wrote the code."""

    def __init__(self, request_id: int, message: str) -> None:
        super().__init__(message)
        self.request_id = request_id


class Gate:
    """Lets through what code that keeps to its bounds can ask.

    node/asks.cjs keeps to them: it has at most MAX_OPEN_REQUESTS open and sends at most REQUESTS_PER_S in any second,
    so at most BURST come at once here, however long we did not look. What exceeds that was forged, and gets no answer.
    """

    def __init__(self) -> None:
        self._open = 0
        self._credit, self._at = float(BURST), 0.0

    def enter(self, now: float) -> bool:
        """Whether one more request may pass; it is open until `leave`."""
        self._credit = min(float(BURST), self._credit + (now - self._at) * kept.REQUESTS_PER_S)
        self._at = now
        if self._open >= kept.MAX_OPEN_REQUESTS or self._credit < 1:
            return False
        self._credit -= 1
        self._open += 1
        return True

    def leave(self) -> None:
        """The answer to one request has left us."""
        self._open -= 1

    @property
    def idle(self) -> bool:
        """Whether everything that passed is answered."""
        return self._open == 0


def parse_request(text: bytes, nonce: str, masker: Masker) -> Request:
    """The request in `text`; raises RefusedError, or ValueError (or RecursionError) if it is not one of ours."""
    if json_depth(text.decode()) > 1:
        raise ValueError("the request is nested")
    body = json.loads(text)
    if not isinstance(body, dict) or body.get("nonce") != nonce or body.get("op") not in kept.OPS:
        raise ValueError("the request is not from the runtime")
    key = body.get("key")
    if (
        not isinstance(key, str)
        or not (key or body["op"] == "list")
        or len(key) > kept.MAX_KEY_CHARS
        or _UNSTORABLE.search(key)
    ):
        raise ValueError("the request has no valid key")
    request_id = _number(body.get("id"), 2**53)
    if masker.look(key.encode())[0]:
        raise RefusedError(
            request_id, "A key must not contain the value of a secret variable: keys are shown on pages."
        )
    value = _value(body.get("value")) if body["op"] in _WITH_VALUE else None
    return Request(
        id=request_id,
        op=body["op"],
        key=key,
        value=value,
        shown="" if value is None else _shown(value, masker),
        ttl_s=_number(body.get("ttl_s"), kept.MAX_TTL_S),
        token=_number(body.get("token"), 2**31 - 1),
    )


def _value(value: Any) -> str:
    if not isinstance(value, str) or len(value.encode()) > kept.MAX_VALUE_BYTES:
        raise ValueError("the request has no valid value")
    if json_depth(value) > MAX_JSON_DEPTH:
        raise ValueError("the value is nested too deeply")
    json.loads(value)
    return value


def _shown(value: str, masker: Masker) -> str:
    masked = masked_json(value, masker)
    return masked if len(masked) <= kept.MAX_SHOWN_CHARS else f"{masked[: kept.MAX_SHOWN_CHARS]}…"


def _number(value: Any, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError("the request has no valid number")
    return value
