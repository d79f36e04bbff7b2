"""How rows that may go are found and deleted: some at a time, by their ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select
from sqlalchemy import delete as deletion

BATCH = 500


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Rows that may go, and where to look on; `after` is None when that was all."""

    ids: Sequence[Any]
    after: int | None


def delete(connection: Connection, table: Table, *conditions: ColumnElement[bool]) -> int:
    """Delete the rows that meet all conditions; how many those were."""
    return connection.execute(deletion(table).where(*conditions)).rowcount


def old(
    connection: Connection,
    table: Table,
    after: int,
    cutoff: datetime,
    condition: ColumnElement[bool],
    size: int = BATCH,
    made: ColumnElement[datetime] | None = None,
) -> Batch:
    """The rows made before `cutoff` that meet the condition. Ids grow with time: where the younger begin, it ends.

    When a row was made is its column `made`, by default created_at.
    """
    made = table.c.created_at if made is None else made
    looked = connection.execute(
        select(table.c.id, made.label("made")).where(table.c.id > after).order_by(table.c.id).limit(size)
    ).all()
    if not looked:
        return Batch(ids=(), after=None)
    within = (table.c.id > after, table.c.id <= looked[-1].id, made < cutoff)
    ids = list(connection.execute(select(table.c.id).where(*within, condition)).scalars())
    goes_on = len(looked) == size and any(row.made < cutoff for row in looked)
    return Batch(ids=ids, after=looked[-1].id if goes_on else None)
