"""The mails that the sample's mail catcher kept: their texts, as text."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from flask import Blueprint, abort, render_template

from hexasched.store import workspaces
from web.access import current_workspace, require
from web.instance import config, database

mails = Blueprint("mails", __name__)

_NAME = re.compile(r"[0-9]{1,20}-[0-9a-f]{8}", re.ASCII)
SHOWN = 100


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A caught mail; `name` is its file's, without the ending."""

    name: str
    at: datetime
    sender: str
    recipient: str
    subject: str
    text: str


@mails.get("/mails")
@require("viewer")
def listing() -> str:
    """The newest mails first."""
    files = sorted(_folder().glob("*.eml"), reverse=True)[:SHOWN]
    return render_template("mails/list.html", mails=[_read(file) for file in files if _NAME.fullmatch(file.stem)])


@mails.get("/mails/<name>")
@require("viewer")
def one(name: str) -> str:
    """One mail."""
    file = _folder() / f"{name}.eml"
    if not _NAME.fullmatch(name) or not file.is_file():
        abort(404)
    return render_template("mails/mail.html", mail=_read(file))


def _folder() -> Path:
    """Where the mails are; the page 404 without a catcher, and for all but the first workspace: mails have no owner."""
    with database().reading() as connection:
        first = workspaces.first_workspace(connection)
    if not config().sample.mail_catcher_port or first is None or first.id != current_workspace().id:
        abort(404)
    return config().data_dir / "mails"


def _read(file: Path) -> Mail:
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    return Mail(
        name=file.stem,
        at=datetime.fromtimestamp(int(file.stem.partition("-")[0]) / 1_000_000_000, UTC),
        sender=str(message["From"] or ""),
        recipient=str(message["X-Envelope-To"] or message["To"] or ""),
        subject=str(message["Subject"] or ""),
        text=_text(message),
    )


def _text(message: EmailMessage) -> str:
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return ""
    content = body.get_payload(decode=True)
    assert isinstance(content, bytes)
    try:
        return content.decode(body.get_content_charset() or "utf-8", errors="replace")
    except LookupError:  # a character set that does not exist
        return content.decode(errors="replace")
