"""The dead-man switch: asks for the operator's address as long as the service works, and is silent when it does not.

Somebody outside waits for these calls and raises the alarm when they stop; a service that is gone can't.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from hexasched import __version__, logs
from hexasched.config import Config
from hexasched.errors import StoreError
from hexasched.store.database import Database
from hexasched.store.health import disk_trouble, look

TIMEOUT_S = 10.0
STOP_S = 1.0  # a call that hangs does not hold up the end of the process


@contextmanager
def pinging(config: Config, database: Database) -> Iterator[None]:
    """While the block runs, ping in a thread of its own: an address that does not answer must not keep mails back."""
    if not config.ping.url:
        yield
        return
    stopped = threading.Event()
    thread = threading.Thread(target=_ping_on, args=(config, database, stopped), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(STOP_S)


def _ping_on(config: Config, database: Database, stopped: threading.Event) -> None:
    before = ""
    while not stopped.wait(config.ping.every_s):
        said = ping(config, database, datetime.now(UTC))
        if said != before:  # once for each change: the log must not fill
            log = logs.warning if said else logs.event
            log("ping.changed", trouble=said or "none")
            before = said


def ping(config: Config, database: Database, now: datetime) -> str:
    """Ask for the address if all works. What keeps it from that, or what the address answered; empty if all is well."""
    try:
        broken = troubles(config, database, now)
    except Exception:  # noqa: BLE001 - whatever keeps us from looking is a fault, and the thread must go on
        logs.failure("ping.not_looked")
        return "not sent: the service could not be looked at"
    if broken:
        return f"not sent: {', '.join(broken)}"
    return _ask(config.ping.url)


def troubles(config: Config, database: Database, now: datetime) -> dict[str, str]:
    """What does not work, as /readyz has it."""
    full = disk_trouble(config.data_dir)
    try:
        with database.reading() as connection:
            found = look(connection, now).troubles
    except StoreError:
        found = {"database": "The database does not answer."}
    return found | ({"disk": full} if full else {})


def _ask(url: str) -> str:
    """GET the address; what went wrong, without the address, which may be a secret."""
    request = Request(url, headers={"User-Agent": f"HexaSched/{__version__}"})  # noqa: S310 - http and https only
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - the same
            answer.read(1024)
    except HTTPError as error:
        error.close()
        return f"the address answered {error.code}"
    except URLError as error:
        return f"the address can't be reached: {error.reason}"
    except (OSError, HTTPException, ValueError) as error:
        return f"the address can't be reached: {type(error).__name__}"
    return ""
