"""The forms in which programs write a secret value: as it is, as base64, in a URL, in JSON, line by line."""

import base64
import json
import re
from collections.abc import Iterable, Iterator

LEAST_CHARS = 4
"""A shorter value is not masked: it would be found in every other word."""
LEAST_LINE_CHARS = 8

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
# What each of these leaves as it is: encodeURIComponent, encodeURI (ECMA-262, 19.2.6), RFC 3986, 2.3.
_KEPT_IN_URLS = (_UNRESERVED + b"!~*'()", _UNRESERVED + b"!~*'();/?:@&=+$,#", _UNRESERVED + b"~")
# URL Standard, application/x-www-form-urlencoded: what URLSearchParams writes.
_KEPT_IN_FORMS = _UNRESERVED + b"*"


def forms_of(values: Iterable[str]) -> set[bytes]:
    """All forms of these values; those shorter than LEAST_CHARS have none. Blanks around a value don't count."""
    found: set[bytes] = set()
    for value in values:
        text = value.strip()
        if len(text) < LEAST_CHARS:
            continue
        found.update(_escaped(text), _in_base64(text.encode()), _in_urls(text.encode()))
        for line in re.split(r"[\r\n]+", text):
            if len(line.strip()) >= LEAST_LINE_CHARS:
                found.update(_escaped(line.strip()))
    return {form for form in found if len(form) >= LEAST_CHARS}


def _escaped(text: str) -> Iterator[bytes]:
    """The text itself, in JSON, in JSON inside JSON, and as console.log shows it inside an object."""
    yield text.encode()
    once = _in_json(text)
    yield once.encode()
    yield _in_json(once).encode()
    # Between single quotes there a double one is not escaped; NUL stands in for it, no value has one.
    yield _in_json(text.replace('"', "\0")).replace(r"\u0000", '"').encode()


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _in_base64(value: bytes) -> Iterator[bytes]:
    """The characters that depend on the value alone, wherever in a longer text it begins (RFC 4648, 4 and 5)."""
    for before in range(3):
        first, end = (before * 8 + 5) // 6, (before + len(value)) * 8 // 6
        text = base64.b64encode(bytes(before) + value)[first:end]
        yield text
        yield text.translate(bytes.maketrans(b"+/", b"-_"))


def _in_urls(value: bytes) -> Iterator[bytes]:
    for kept in _KEPT_IN_URLS:
        yield from _with_percents(value, kept)
    for form in _with_percents(value, _KEPT_IN_FORMS + b" "):
        yield form.replace(b" ", b"+")


def _with_percents(value: bytes, kept: bytes) -> Iterator[bytes]:
    unsafe = set(value.translate(None, kept))
    upper = lower = value
    for byte in sorted(unsafe, key=lambda one: one != ord("%")):  # the percent sign first: the others bring new ones
        upper = upper.replace(bytes([byte]), b"%%%02X" % byte)
        lower = lower.replace(bytes([byte]), b"%%%02x" % byte)
    yield upper
    yield lower
