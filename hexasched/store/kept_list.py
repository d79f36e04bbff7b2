"""What a function keeps, as its page shows it: never the value itself, which may hold secrets."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, delete, func, select

from hexasched.store import tables as t


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One key; `shown` is the value's beginning with secrets masked. `under_way` is work that run `run_id` is at."""

    id: int
    key: str
    kind: str
    draft: bool
    shown: str
    size: int
    run_id: int
    run_exists: bool
    under_way: bool
    updated_at: datetime
    expires_at: datetime


def listed(connection: Connection, function_id: int, prefix: str, now: datetime, limit: int) -> tuple[list[Kept], int]:
    """The keys that begin with `prefix`, the newest first, at most `limit`; and how many there are."""
    wanted = and_(
        t.kept.c.function_id == function_id,
        t.kept.c.expires_at > now,
        func.substr(t.kept.c.key, 1, len(prefix)) == prefix,
    )
    names = ("id", "key", "kind", "draft", "shown", "size", "run_id", "updated_at", "expires_at")
    rows = connection.execute(
        select(
            *(t.kept.c[name] for name in names),
            t.kept.c.ciphertext.is_(None).label("under_way"),
            t.runs.c.id.is_not(None).label("run_exists"),
        )
        .outerjoin(t.runs, t.runs.c.id == t.kept.c.run_id)
        .where(wanted)
        .order_by(t.kept.c.updated_at.desc(), t.kept.c.id.desc())
        .limit(limit)
    ).mappings()
    count = connection.execute(select(func.count()).select_from(t.kept).where(wanted)).scalar_one()
    return [Kept(**row) for row in rows], int(count)


def forget(connection: Connection, function_id: int, kept_id: int) -> str | None:
    """Delete one; its key, None if it was gone already."""
    mine = (t.kept.c.id == kept_id, t.kept.c.function_id == function_id)
    key: str | None = connection.execute(delete(t.kept).where(*mine).returning(t.kept.c.key)).scalar()
    return key
