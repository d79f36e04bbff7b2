"""Messages that must reach somebody: written with the change that they tell of, sent until accepted."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from hexasched.store import tables as t

GIVE_UP_AFTER = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message; `message_id` is the same at every try."""

    id: int
    workspace_id: int
    kind: str
    recipient: str
    message_id: str
    payload: dict[str, Any]
    created_at: datetime
    available_at: datetime
    tries: int
    sent_at: datetime | None
    dead_at: datetime | None
    last_error: str | None


def add_run_alert(connection: Connection, run_id: int, now: datetime) -> None:
    """The alert of a run that finally failed, to the workspace's address, once."""
    row = connection.execute(
        select(t.runs.c.workspace_id, t.workspaces.c.alert_email)
        .join(t.workspaces, t.workspaces.c.id == t.runs.c.workspace_id)
        .where(t.runs.c.id == run_id)
    ).one()
    add(connection, row.workspace_id, f"run-{run_id}", "run", row.alert_email, {"run_id": run_id}, now)


def add_missed_alert(connection: Connection, workspace_id: int, payload: dict[str, Any], now: datetime) -> None:
    """The alert of a CronJob's missed moments: {"cron_job_id", "count", "from", "to"}."""
    recipient = connection.execute(
        select(t.workspaces.c.alert_email).where(t.workspaces.c.id == workspace_id)
    ).scalar_one()
    key = f"missed-{payload['cron_job_id']}-{payload['from']}"
    add(connection, workspace_id, key, "missed", recipient, payload, now)


def add(
    connection: Connection,
    workspace_id: int,
    dedupe_key: str,
    kind: str,
    recipient: str,
    payload: dict[str, Any],
    now: datetime,
) -> None:
    """Put a message in; one with the same key is there only once."""
    known = connection.execute(select(t.outbox.c.id).where(t.outbox.c.dedupe_key == dedupe_key)).first()
    if known is None:
        connection.execute(
            insert(t.outbox).values(
                workspace_id=workspace_id,
                dedupe_key=dedupe_key,
                kind=kind,
                recipient=recipient,
                message_id=f"<{uuid.uuid4().hex}@hexasched>",
                payload=payload,
                created_at=now,
                available_at=now,
            )
        )


_COLUMNS = tuple(t.outbox.c[name] for name in Message.__dataclass_fields__)


def any_due(connection: Connection, now: datetime) -> bool:
    """Whether `take_due` has something to give: a look that takes no lock."""
    return connection.execute(select(t.outbox.c.id).where(_due(now)).limit(1)).first() is not None


def _due(now: datetime) -> Any:
    return and_(t.outbox.c.available_at <= now, t.outbox.c.sent_at.is_(None), t.outbox.c.dead_at.is_(None))


def take_due(connection: Connection, now: datetime, hold_for: timedelta) -> Message | None:
    """The next message to send. It is held back for `hold_for`, so that a sender that dies is followed by another."""
    row = (
        connection.execute(
            select(*_COLUMNS)
            .where(_due(now))
            .order_by(t.outbox.c.available_at, t.outbox.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        .mappings()
        .first()
    )
    if row is None:
        return None
    connection.execute(
        update(t.outbox)
        .where(t.outbox.c.id == row["id"])
        .values(available_at=now + hold_for, tries=t.outbox.c.tries + 1)
    )
    return Message(**row)


def mark_sent(connection: Connection, message_id: int, now: datetime) -> None:
    """The receiver accepted it."""
    connection.execute(
        update(t.outbox)
        .where(t.outbox.c.id == message_id, t.outbox.c.sent_at.is_(None))
        .values(sent_at=now, last_error=None, dead_at=None)
    )


def mark_failed(connection: Connection, message: Message, error: str, retry_at: datetime, now: datetime) -> None:
    """A try failed: it is tried again at `retry_at`, or given up a day after it was written."""
    dead = now if now - message.created_at >= GIVE_UP_AFTER else None
    connection.execute(
        update(t.outbox)
        .where(t.outbox.c.id == message.id, t.outbox.c.sent_at.is_(None))
        .values(last_error=error[:1000], available_at=retry_at, dead_at=dead)
    )


def deliveries(connection: Connection, workspace_id: int, limit: int = 30) -> list[Message]:
    """The newest messages of a workspace with what became of them."""
    rows = connection.execute(
        select(*_COLUMNS).where(t.outbox.c.workspace_id == workspace_id).order_by(t.outbox.c.id.desc()).limit(limit)
    ).mappings()
    return [Message(**row) for row in rows]


def undelivered(connection: Connection, workspace_id: int) -> int:
    """How many alerts were given up, or failed at least once and still wait."""
    return int(
        connection.execute(
            select(func.count())
            .select_from(t.outbox)
            .where(
                t.outbox.c.workspace_id == workspace_id,
                t.outbox.c.sent_at.is_(None),
                or_(t.outbox.c.dead_at.is_not(None), t.outbox.c.last_error.is_not(None)),
            )
        ).scalar_one()
    )
