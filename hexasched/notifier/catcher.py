"""A mail server for trying things out: takes every mail, sends none on, keeps the newest as files."""

import asyncio
import os
import secrets
import signal
import time
from collections.abc import Callable
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from hexasched import logs
from hexasched.errors import FULL_DISK, HexaSchedError, is_full_disk

KEPT = 200
MAX_MAIL_BYTES = 5 * 1024 * 1024
HOST = "127.0.0.1"


def run(data_dir: Path, port: int, on_ready: Callable[[], None]) -> None:
    """Serve SMTP on 127.0.0.1:`port` until SIGTERM or SIGINT; mails become `data_dir`/mails/*.eml, mode 0600.

    Their names sort by the time of arrival. Raises HexaSchedError if the port is taken.
    """
    folder = data_dir / "mails"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    asyncio.run(_serve(folder, port, on_ready))


async def _serve(folder: Path, port: int, on_ready: Callable[[], None]) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def session() -> SMTP:
        # Without a host name of its own it asks the resolver for one, which takes seconds where there is none.
        return SMTP(_Keep(folder), hostname="localhost", data_size_limit=MAX_MAIL_BYTES, loop=loop)

    try:
        server = await loop.create_server(session, HOST, port)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise HexaSchedError(f"The mail catcher can't listen on {HOST}:{port}: {reason}.") from None
    on_ready()
    await stop.wait()
    server.close()


class _Keep:
    """What aiosmtpd calls for each mail; its method's name is aiosmtpd's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        recipients = ", ".join(envelope.rcpt_tos)
        try:
            keep(self.folder, f"X-Envelope-To: {recipients}\r\n".encode() + content)
        except OSError as error:
            if not is_full_disk(error):
                raise
            logs.warning("mail.no_room", to=recipients, bytes=len(content))
            return f"452 {FULL_DISK}"
        logs.event("mail.caught", to=recipients, bytes=len(content))
        return "250 OK"


def keep(folder: Path, mail: bytes) -> Path:
    """Write `mail` to a new file of `folder`, whole or not at all, and remove the oldest beyond KEPT."""
    name = f"{time.time_ns()}-{secrets.token_hex(4)}"
    unfinished = folder / f".{name}"
    fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(mail)
        kept = unfinished.rename(folder / f"{name}.eml")
    except OSError:
        unfinished.unlink()
        raise
    for old in sorted(folder.glob("*.eml"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return kept
