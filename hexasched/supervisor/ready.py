"""How a process says that it has started: a child to the supervisor, the process of a unit to systemd."""

import os
import socket
from contextlib import suppress

READY_FD = "HEXASCHED_READY_FD"


def say_ready() -> None:
    """Tell the supervisor or systemd, whichever started this process, that it does its work now.

    Works once: the variables are taken out of this process's environment.
    """
    number = os.environ.pop(READY_FD, "")
    if number:
        # A web worker that replaces another one says it again, when nobody listens any more.
        with suppress(OSError):
            os.write(int(number), b"ready\n")
            os.close(int(number))
    sd_notify(os.environ.pop("NOTIFY_SOCKET", ""), "READY=1")


def sd_notify(address: str, state: str) -> None:
    """Send `state`, such as READY=1, to systemd at `address` (the value of NOTIFY_SOCKET); see sd_notify(3)."""
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
