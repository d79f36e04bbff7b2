"""The notifier process: takes what waits in the outbox, one message at a time, and sends it until it is accepted."""

import random
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hexasched import failpoints, logs
from hexasched.config import Config
from hexasched.domain.limits import POLL_S
from hexasched.doorbell import MAIL, Doorbell
from hexasched.errors import StoreBusyError
from hexasched.notifier.letters import letter_for
from hexasched.notifier.mail import send
from hexasched.notifier.ping import pinging
from hexasched.store import outbox
from hexasched.store.database import Database
from hexasched.store.outbox import Message

SENDING = timedelta(seconds=60)
"""How long a message is held for the sender that took it; longer than a try can take."""

FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 3600.0


def run(config: Config, database: Database, on_ready: Callable[[], None]) -> None:
    """Send until SIGTERM or SIGINT; a message that is being sent is finished first."""
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with Doorbell(config.data_dir, MAIL) as bell:
        on_ready()
        logs.event("notifier.started", mail_host=config.mail.host or "(none)", pings=bool(config.ping.url))
        with pinging(config, database):
            while not stopping:
                if not (config.mail.host and deliver_one(config, database)):
                    bell.wait(POLL_S)
    logs.event("notifier.stopped")


def deliver_one(config: Config, database: Database) -> bool:
    """Try the next message that is due; False if there is none, or the database does not answer."""
    try:
        now = datetime.now(UTC)
        with database.reading() as connection:
            if not outbox.any_due(connection, now):
                return False
        with database.writing() as connection:
            message = outbox.take_due(connection, now, SENDING)
        if message is None:
            return False
        _deliver(config, database, message)
    except StoreBusyError as error:
        logs.warning("store.busy", error=error)
        return False
    return True


def _deliver(config: Config, database: Database, message: Message) -> None:
    trouble = _try(config, database, message)
    failpoints.reach("outbox.after_send")
    now = datetime.now(UTC)
    with database.writing() as connection:
        if trouble is None:
            outbox.mark_sent(connection, message.id, now)
        else:
            outbox.mark_failed(connection, message, trouble, now + wait_after(message.tries), now)
    logs.event("mail", message=message.id, kind=message.kind, tries=message.tries + 1, trouble=trouble or "none")


def _try(config: Config, database: Database, message: Message) -> str | None:
    try:
        with database.reading() as connection:
            letter = letter_for(connection, config, message)
        return send(config.mail, letter)
    except StoreBusyError:
        raise
    except Exception as error:  # noqa: BLE001 - one message that can't be made must not keep the others from going out
        logs.failure("mail.not_made", message=message.id)
        return f"HexaSched could not make this mail: {type(error).__name__}"


def wait_after(tries: int) -> timedelta:
    """The wait after so many earlier tries: 2 s, doubled, at most an hour, a tenth of it left to chance."""
    seconds = min(FIRST_WAIT_S * 2 ** min(tries, 20), LONGEST_WAIT_S)
    return timedelta(seconds=seconds * random.uniform(0.9, 1.0))  # noqa: S311 - spreads retries, guards nothing
