"""Tells a process things on its control pipe, in as many parts as it takes: what to do, and what it has asked."""

import json
import os
from collections import deque
from collections.abc import Callable
from typing import Any

from hexasched.domain.limits import SETTLE_GRACE_S
from sandbox.jobs import Job
from sandbox.loop import Loop


def order_for(job: Job, nonce: str) -> dict[str, Any]:
    """What a process that is ready is to do; the environment and the event travel in here and nowhere else."""
    return {
        "nonce": nonce,
        "mode": job.mode,
        "handler": job.handler,
        "typescript": job.runtime.typescript,
        "env": job.env,
        "optional_env": job.optional_env,
        "event": job.event,
        "context": job.context,
        "timeout_ms": job.limits.timeout_s * 1000,
        "settle_ms": round(SETTLE_GRACE_S * 1000),
        "reuse": job.goes_on,
    }


class ControlPipe:
    """Never waits for the process: what does not fit into the pipe is kept until it does.

    Whoever says something bounds how much that is, by what is told when it has left us.
    """

    def __init__(self, pipe: int, loop: Loop, on_room: Callable[[], None]) -> None:
        """`on_room` is called when the non-blocking `pipe` takes more and there is more; it is to call `write`."""
        self._pipe, self._loop, self._on_room = pipe, loop, on_room
        self._waiting = deque[tuple[bytes, Callable[[], None]]]()

    def say(self, body: dict[str, Any], *, then: Callable[[], None] = lambda: None) -> None:
        """Send 4 bytes of big-endian length and JSON; `then` follows when all of it is written, or nobody reads."""
        text = json.dumps(body, separators=(",", ":")).encode("ascii")
        self._waiting.append((len(text).to_bytes(4, "big") + text, then))
        if len(self._waiting) == 1:
            self._loop.watch(self._pipe, self._on_room, writing=True)
            self.write()

    @property
    def idle(self) -> bool:
        """Whether all that was said has left us."""
        return not self._waiting

    def write(self) -> None:
        """Write what fits."""
        text, then = self._waiting.popleft()
        if rest := self._rest_of(text):
            self._waiting.appendleft((rest, then))
            return
        if not self._waiting:
            self._loop.forget(self._pipe)
        then()

    def _rest_of(self, text: bytes) -> bytes:
        try:
            return text[os.write(self._pipe, text) :]
        except BlockingIOError:
            return text
        except BrokenPipeError:
            return b""  # the process died first, and its end says how; or its code closed the pipe
