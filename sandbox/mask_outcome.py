"""Masks secret values in an Outcome: in every text that the user's code can have a part in."""

import json
import re
from dataclasses import replace
from typing import Any

from hexasched.domain.outcomes import ErrorDetail, Outcome
from sandbox.mask import MASK, Masker

_STARS = MASK.decode()
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|-?\d[\d.eE+-]*+|true|false|null', re.DOTALL)
_LITERALS = (b"true", b"false", b"null")


def masked_outcome(outcome: Outcome, masker: Masker) -> Outcome:
    """`outcome` with *** for each secret value; a result stays JSON."""
    return replace(
        outcome,
        result=outcome.result and masked_json(outcome.result, masker),
        error=outcome.error and _masked_error(outcome.error, masker),
        warnings=tuple(map(masker.text, outcome.warnings)),
        env_read=tuple(map(masker.text, outcome.env_read)),
        env_missing=tuple(map(masker.text, outcome.env_missing)),
    )


def masked_json(text: str, masker: Masker) -> str:
    """JSON text with *** in its strings and "***" for its numbers; all of it is "***" if a value spans several.

    true, false and null stay: each could be a value, but tells nothing.
    """
    data = text.encode("utf-8", "surrogatepass")
    spans, _ = masker.look(data)
    parts, done = list[bytes](), 0
    tokens = _TOKEN.finditer(data)
    token = next(tokens, None)
    for start, stop in spans:
        while token is not None and token.end() <= start:
            token = next(tokens, None)
        if token is None or start < token.start() or stop > token.end():
            return f'"{_STARS}"'
        if done <= token.start():
            parts += [data[done : token.start()], _masked_token(token[0], masker)]
            done = token.end()
    return b"".join([*parts, data[done:]]).decode("utf-8", "surrogatepass")


def _masked_token(token: bytes, masker: Masker) -> bytes:
    if token in _LITERALS:
        return token
    if not token.startswith(b'"'):
        return f'"{_STARS}"'.encode()
    text = json.loads(token)
    masked = masker.text(text)
    if masked == text:  # the value is there only with a part of an escape
        masked = _STARS
    unstorable = any("\ud800" <= character <= "\udfff" for character in masked)
    return json.dumps(masked, ensure_ascii=unstorable).encode()


def _masked_error(error: ErrorDetail, masker: Masker) -> ErrorDetail:
    masked: dict[str, Any] = {name: masker.text(value) for name, value in vars(error).items() if isinstance(value, str)}
    return replace(error, **masked)
