"""A real SMTP server on loopback that keeps what it is sent, and refuses as often as it is told to."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import default

from aiosmtpd.smtp import SMTP, Envelope, Session


class Inbox:
    """What the server got. `refusals` counts down: so many mails are answered with 451 first."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.refused_ids: list[str] = []
        self.mails: list[Message] = []
        self.recipients: list[list[str]] = []
        self.port = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        mail = message_from_bytes(content, policy=default)
        if self.refusals > 0:
            self.refusals -= 1
            self.refused_ids.append(str(mail["Message-ID"]))
            return "451 Try again later"
        self.mails.append(mail)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 Accepted"

    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]


@contextmanager
def smtp_server(refusals: int = 0) -> Iterator[Inbox]:
    """A server on a free port of 127.0.0.1, in a thread of its own."""
    inbox = Inbox(refusals)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    # All of it happens in that thread: the caller's may have a loop that runs, as beside a browser.
    server = asyncio.run_coroutine_threadsafe(_listen(inbox, loop), loop).result(10)
    inbox.port = server.sockets[0].getsockname()[1]
    try:
        yield inbox
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _listen(inbox: Inbox, loop: asyncio.AbstractEventLoop) -> asyncio.Server:
    return await loop.create_server(lambda: SMTP(inbox, hostname="localhost", loop=loop), "127.0.0.1", 0)


async def _end(server: asyncio.Server) -> None:
    server.close()
    sessions = asyncio.all_tasks() - {asyncio.current_task()}
    for session in sessions:
        session.cancel()
    await asyncio.gather(*sessions, return_exceptions=True)


def text_of(mail: Message) -> str:
    """The plain text of a mail."""
    part = mail.get_body(("plain",))  # type: ignore[attr-defined]
    return str(part.get_content())
