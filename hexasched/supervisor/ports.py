"""Whether the port of the dashboard is free, before anything is started."""

import errno
import socket

from hexasched.errors import HexaSchedError, TryAgainError


def refuse_taken_port(host: str, port: int) -> None:
    """Raise HexaSchedError, in one clear line, if nothing can listen on `host`:`port`."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        reasons = {
            errno.EADDRINUSE: "another program listens there",
            errno.EADDRNOTAVAIL: f"this machine has no address {host}",
            errno.EACCES: "ports below 1024 are for root",
        }
        reason = reasons.get(error.errno or 0, str(error))
        kind = TryAgainError if error.errno == errno.EADDRINUSE else HexaSchedError
        raise kind(f"Port {port} on {host} can't be used: {reason}. Set another one with HEXASCHED_PORT.") from None
