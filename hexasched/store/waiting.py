"""Queued runs that are pinned to another version than the one that is live now: counting them, moving them."""

from sqlalchemy import ColumnElement, Connection, func, select, update

from hexasched.domain.outcomes import Status
from hexasched.store import tables as t
from hexasched.store.functions import Function


def _left_behind(function_id: int, live_version_id: int) -> tuple[ColumnElement[bool], ...]:
    # A test run belongs to its draft, whatever is live.
    return (
        t.runs.c.function_id == function_id,
        t.runs.c.status == Status.QUEUED,
        t.runs.c.version_id != live_version_id,
        t.runs.c.trigger != "test",
    )


def left_behind(connection: Connection, function: Function) -> int:
    """How many queued runs of the function would use another version than the live one."""
    if function.live_version_id is None:
        return 0
    query = select(func.count()).select_from(t.runs).where(*_left_behind(function.id, function.live_version_id))
    return int(connection.execute(query).scalar_one())


def move(connection: Connection, function_id: int, version_id: int) -> int | None:
    """Let the function's queued runs use `version_id`, if that is live; how many were moved, None if it is not live.

    A run that a worker takes at this moment keeps its version.
    """
    live = select(t.functions.c.id).where(t.functions.c.id == function_id, t.functions.c.live_version_id == version_id)
    if connection.execute(live.with_for_update()).first() is None:
        return None
    moved = connection.execute(
        update(t.runs).where(*_left_behind(function_id, version_id)).values(version_id=version_id)
    )
    return moved.rowcount
