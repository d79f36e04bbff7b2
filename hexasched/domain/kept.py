"""What a function may keep between its runs: the words of a request, and how much there may be of everything."""

from dataclasses import dataclass
from typing import Literal

from hexasched.domain.limits import KIB, MIB

MAX_KEY_CHARS = 256
MAX_VALUE_BYTES = 64 * KIB
MAX_SHOWN_CHARS = 1_000
TTL_S = 30 * 86400
MAX_TTL_S = 400 * 86400

Kind = Literal["value", "once"]
MAX_KEYS: dict[Kind, int] = {"value": 1_000, "once": 50_000}
"""A function that does something once for each of its runs has a key for every minute of a month."""

MAX_BYTES = 10 * MIB
"""Of the keys and values of one kind."""

MAX_OPEN_REQUESTS = 8
REQUESTS_PER_S = 50

Op = Literal["get", "set", "delete", "list", "begin", "done", "drop"]
OPS: tuple[Op, ...] = ("get", "set", "delete", "list", "begin", "done", "drop")
"""The last three are context.once: begin a piece of work, keep its result, give it up."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the code of a run asks; checked, but nothing in it is to be trusted.

    `value` is JSON text, `shown` the beginning of it as a page may show it. `key` is a prefix for list. `token` tells
    the calls of context.once in one process apart.
    """

    id: int
    op: Op
    key: str
    value: str | None = None
    shown: str = ""
    ttl_s: int = TTL_S
    token: int = 0
