"""What is forgotten with time: found by reading, deleted in small transactions that look again at what they delete.

Nothing that is active is ever deleted, nor a run that still guards its moment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select, true

from hexasched.store import tables as t
from hexasched.store.batches import Batch, delete, old
from hexasched.store.old_runs import deletable, old_runs, runs_over_limit

DRAFTS_BATCH = 20  # with them go their test runs and logs
DRAFTS_KEPT = timedelta(days=7)
SENT_KEPT = timedelta(days=90)
ARTIFACTS_KEPT = timedelta(days=1)
"""A build may be about to refer to one that is younger."""

_TOLD = t.audit.c.action.not_in(("cron_job.create", "cron_job.edit"))
"""Those two stay: from them alone one can tell which schedule a CronJob had at some time."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One kind of rows: how a batch is found behind a row's id, and deleted. `delete` returns how many went."""

    name: str
    find: Callable[[Connection, int], Batch]
    delete: Callable[[Connection, Sequence[Any]], int]


def sweeps(now: datetime, kept: timedelta) -> list[Sweep]:
    """All of them, in their order, for an instance that keeps its history for `kept`."""
    cutoff = now - kept
    return [
        Sweep(
            name="runs",
            find=lambda connection, after: old_runs(connection, after, cutoff, now),
            delete=lambda connection, ids: delete(connection, t.runs, t.runs.c.id.in_(ids), deletable(now)),
        ),
        Sweep(
            name="runs over a limit",
            find=lambda connection, after: runs_over_limit(connection, after, now),
            delete=lambda connection, ids: delete(connection, t.runs, t.runs.c.id.in_(ids), deletable(now)),
        ),
        Sweep(
            name="logs of builds",
            find=lambda connection, after: old(connection, t.builds, after, cutoff, _has_log(cutoff)),
            delete=lambda connection, ids: delete(
                connection, t.build_log_chunks, t.build_log_chunks.c.build_id.in_(ids)
            ),
        ),
        Sweep(
            name="messages",
            find=lambda connection, after: old(
                connection, t.outbox, after, now - SENT_KEPT, t.outbox.c.sent_at < now - SENT_KEPT
            ),
            delete=lambda connection, ids: delete(connection, t.outbox, t.outbox.c.id.in_(ids)),
        ),
        Sweep(
            name="drafts",
            find=lambda connection, after: old(
                connection, t.versions, after, now - DRAFTS_KEPT, _idle_draft(), DRAFTS_BATCH
            ),
            delete=_delete_drafts,
        ),
        Sweep(
            name="packages",
            find=lambda connection, _after: _unused_artifact(connection, now - ARTIFACTS_KEPT),
            delete=lambda connection, ids: delete(
                connection, t.artifacts, t.artifacts.c.id.in_(ids), _unused(now - ARTIFACTS_KEPT)
            ),
        ),
        *_notes(cutoff),
    ]


def _notes(cutoff: datetime) -> list[Sweep]:
    """What was noted of people's deeds, of moments without a row, and of downtimes."""
    ended = t.windows.c.to_at < cutoff  # made long ago is not enough: the window of a blackout grows
    return [
        Sweep(
            name="audit",
            find=lambda connection, after: old(connection, t.audit, after, cutoff, _TOLD, made=t.audit.c.at),
            delete=lambda connection, ids: delete(connection, t.audit, t.audit.c.id.in_(ids)),
        ),
        Sweep(
            name="windows",
            find=lambda connection, after: old(connection, t.windows, after, cutoff, ended),
            delete=lambda connection, ids: delete(connection, t.windows, t.windows.c.id.in_(ids), ended),
        ),
        Sweep(
            name="downtimes",
            find=lambda connection, after: old(connection, t.downtimes, after, cutoff, true()),
            delete=lambda connection, ids: delete(connection, t.downtimes, t.downtimes.c.id.in_(ids)),
        ),
    ]


def _has_log(cutoff: datetime) -> ColumnElement[bool]:
    chunks = exists().where(t.build_log_chunks.c.build_id == t.builds.c.id)
    return and_(t.builds.c.finished_at < cutoff, chunks)


def _idle_draft() -> ColumnElement[bool]:
    """A draft of which nothing is going on; all that was ever done with it are its build and its test runs."""
    building = exists().where(t.builds.c.version_id == t.versions.c.id, t.builds.c.finished_at.is_(None))
    in_use = or_(t.runs.c.finished_at.is_(None), t.runs.c.trigger != "test")
    running = exists().where(t.runs.c.version_id == t.versions.c.id, in_use)
    return and_(t.versions.c.number.is_(None), ~building, ~running)


def _delete_drafts(connection: Connection, ids: Sequence[int]) -> int:
    idle = select(t.versions.c.id).where(t.versions.c.id.in_(ids), _idle_draft()).with_for_update()
    still = list(connection.execute(idle).scalars())
    delete(connection, t.runs, t.runs.c.version_id.in_(still))
    delete(connection, t.builds, t.builds.c.version_id.in_(still))
    return delete(connection, t.versions, t.versions.c.id.in_(still))


def _unused(cutoff: datetime) -> ColumnElement[bool]:
    used = exists().where(t.versions.c.artifact_id == t.artifacts.c.id)
    return and_(t.artifacts.c.created_at < cutoff, ~used)


def _unused_artifact(connection: Connection, cutoff: datetime) -> Batch:
    """One at a time: its pieces are up to hundreds of megabytes."""
    ids = list(connection.execute(select(t.artifacts.c.id).where(_unused(cutoff)).limit(1)).scalars())
    return Batch(ids=ids, after=0 if ids else None)
