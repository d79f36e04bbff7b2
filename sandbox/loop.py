"""One thread that waits for many descriptors."""

import selectors
from collections.abc import Callable

Callback = Callable[[], None]


class Loop:
    """Calls back when a descriptor can be read (or written)."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, fd: int, callback: Callback, *, writing: bool = False) -> None:
        """Call `callback` each time that `fd` is ready, until it is forgotten."""
        event = selectors.EVENT_WRITE if writing else selectors.EVENT_READ
        self._selector.register(fd, event, callback)

    def forget(self, fd: int) -> None:
        """Stop watching `fd`, if it is watched; do this before it is closed."""
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def turn(self, timeout_s: float) -> None:
        """Wait at most so long, then call back for what is ready."""
        for key, _ in self._selector.select(max(0.0, timeout_s)):
            # An earlier callback of this turn may have forgotten it, and its number may have a new owner.
            if self._selector.get_map().get(key.fd) is key:
                key.data()

    def close(self) -> None:
        """Give the descriptors of the loop itself back."""
        self._selector.close()
