"""Whether the port of the dashboard is free, before anything is started."""

import errno
import socket
import time

from hexasched.errors import HexaSchedError

HAND_OVER_S = 3.0
"""For the dashboard of a service that was killed to be gone: its successor may be quick."""

_REASONS = {
    errno.EADDRINUSE: "another program listens there",
    errno.EACCES: "ports below 1024 are for root",
}


def refuse_taken_port(host: str, port: int) -> None:
    """Raise HexaSchedError, in one clear line, if nothing can listen on `host`:`port`, within HAND_OVER_S."""
    give_up_at = time.monotonic() + HAND_OVER_S
    while (error := _trouble(host, port)) is not None:
        if error.errno != errno.EADDRINUSE or time.monotonic() >= give_up_at:
            reasons = _REASONS | {errno.EADDRNOTAVAIL: f"this machine has no address {host}"}
            why = reasons.get(error.errno or 0, str(error))
            raise HexaSchedError(f"Port {port} on {host} can't be used: {why}. Set another one with HEXASCHED_PORT.")
        time.sleep(0.1)


def _trouble(host: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        return error
    return None
