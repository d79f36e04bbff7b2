"""Wait until something holds, with a deadline: the only way a test lets time pass."""

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], *, deadline_s: float, what: str, every_s: float = 0.02) -> T:
    """The first true value of `condition`, asked every `every_s` seconds.

    Raises AssertionError naming `what` when `deadline_s` seconds have passed without one.
    """
    end = time.monotonic() + deadline_s
    pause = Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline_s} s in vain for {what}")
        pause.wait(every_s)
