"""One run from queued to final: every move is a guarded UPDATE with one owner."""

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from hexasched.domain.outcomes import ALERTING, Outcome, Reason, Status
from hexasched.domain.policies import Policy
from hexasched.store import outbox
from hexasched.store import tables as t


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """A run to be queued by a person or a program; `event` is JSON text."""

    workspace_id: int
    function_id: int
    version_id: int
    trigger: str
    event: str = "{}"
    cron_job_id: int | None = None
    created_by: int | None = None
    idempotency_key: str | None = None
    serial_key: int | None = None


def enqueue(connection: Connection, new: NewRun, now: datetime) -> int:
    """Queue a run and return its id; the same idempotency key gives the same run."""
    values = asdict(new) | {"status": Status.QUEUED, "created_at": now, "available_at": now}
    # Two forms of one double click may arrive at the same moment: the unique key decides, not a look before.
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    queued = make(t.runs).values(values).on_conflict_do_nothing(index_elements=["workspace_id", "idempotency_key"])
    run_id = connection.execute(queued.returning(t.runs.c.id)).scalar()
    if run_id is None:
        same = (t.runs.c.workspace_id == new.workspace_id, t.runs.c.idempotency_key == new.idempotency_key)
        run_id = connection.execute(select(t.runs.c.id).where(*same)).scalar_one()
    return int(run_id)


MAX_DRAINS = 3
"""How many times in a row a run that a stopping worker interrupted is queued again."""

AFTER_ITS_BUILD = datetime(9999, 1, 1, tzinfo=UTC)
"""When a test run is due whose draft is still being prepared."""


def enqueue_test(connection: Connection, new: NewRun, now: datetime) -> int:
    """Queue the test run of a draft; it waits until `let_go` or `give_up`."""
    run_id = enqueue(connection, new, now)
    connection.execute(update(t.runs).where(t.runs.c.id == run_id).values(available_at=AFTER_ITS_BUILD))
    return run_id


def let_go(connection: Connection, run_id: int, now: datetime) -> None:
    """The draft is ready: its test run is due."""
    connection.execute(
        update(t.runs).where(t.runs.c.id == run_id, t.runs.c.status == Status.QUEUED).values(available_at=now)
    )


def give_up(connection: Connection, run_id: int, error: dict[str, Any], now: datetime) -> None:
    """The draft can't be run: its test run ends with the build's error."""
    connection.execute(
        update(t.runs)
        .where(t.runs.c.id == run_id, t.runs.c.status == Status.QUEUED)
        .values(status=Status.FAILED, reason=Reason.LOAD, error=error, finished_at=now)
    )


def any_due(connection: Connection, now: datetime) -> bool:
    """Whether a queued run is due: a look that takes no lock."""
    query = select(t.runs.c.id).where(t.runs.c.status == Status.QUEUED, t.runs.c.available_at <= now, _may_start(now))
    return connection.execute(query.limit(1)).first() is not None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One run that this worker now owns, under the fence that every later write must carry."""

    run_id: int
    fence: int


def claim(connection: Connection, worker_id: str, count: int, now: datetime) -> list[Claim]:
    """Take up to `count` queued runs that are due, oldest first; nobody else can get them."""
    due = (
        select(t.runs.c.id, t.runs.c.serial_key)
        .where(t.runs.c.status == Status.QUEUED, t.runs.c.available_at <= now, _may_start(now))
        .order_by(t.runs.c.available_at, t.runs.c.id)
        .limit(count)
        .with_for_update(skip_locked=True)
    )
    # Two statements: as a subquery PostgreSQL may evaluate the limit more than once and lock more than asked for.
    ids = _first_of_each([(row.id, row.serial_key) for row in connection.execute(due)])
    try:
        with connection.begin_nested():
            return _take(connection, worker_id, ids, now)
    except IntegrityError:
        return []  # another worker was quicker with a run of the same key; the next round sees it


def _may_start(now: datetime) -> Any:
    """It is not too late for it, and nothing with the same key runs; the unique index has the last word."""
    other = t.runs.alias()
    going = select(other.c.id).where(other.c.status == Status.RUNNING, other.c.serial_key == t.runs.c.serial_key)
    in_time = or_(t.runs.c.starts_by.is_(None), t.runs.c.starts_by >= now)
    return and_(in_time, or_(t.runs.c.serial_key.is_(None), ~going.correlate(t.runs).exists()))


def _first_of_each(rows: list[tuple[int, int | None]]) -> list[int]:
    keys: set[int] = set()
    ids = []
    for run_id, key in rows:
        if key is None or key not in keys:
            ids.append(run_id)
        if key is not None:
            keys.add(key)
    return ids


def _take(connection: Connection, worker_id: str, ids: list[int], now: datetime) -> list[Claim]:
    rows = connection.execute(
        update(t.runs)
        .where(t.runs.c.id.in_(ids), t.runs.c.status == Status.QUEUED)
        .values(
            status=Status.RUNNING,
            fence=t.runs.c.fence + 1,
            hb_seq=0,
            worker_id=worker_id,
            claimed_at=now,
            env_revision=_env_revision(),
        )
        .returning(t.runs.c.id, t.runs.c.fence)
    )
    return sorted((Claim(run_id=row.id, fence=row.fence) for row in rows), key=lambda taken: taken.run_id)


def _env_revision() -> Any:
    return (
        select(t.functions.c.env_revision)
        .where(t.functions.c.id == t.runs.c.function_id)
        .correlate(t.runs)
        .scalar_subquery()
    )


def _mine(taken: Claim) -> Any:
    return and_(t.runs.c.id == taken.run_id, t.runs.c.fence == taken.fence, t.runs.c.status == Status.RUNNING)


def mark_started(connection: Connection, taken: Claim, now: datetime) -> bool:
    """The sandbox is up; False if the claim was lost."""
    changed = connection.execute(update(t.runs).where(_mine(taken)).values(started_at=now))
    return changed.rowcount == 1


def beat(connection: Connection, worker_id: str, now: datetime) -> set[Claim]:
    """One heartbeat for all runs of a worker: those it still owns. Whatever it holds beyond them is lost to it."""
    connection.execute(update(t.workers).where(t.workers.c.id == worker_id).values(seen_at=now))
    rows = connection.execute(
        update(t.runs)
        .where(t.runs.c.worker_id == worker_id, t.runs.c.status == Status.RUNNING)
        .values(hb_seq=t.runs.c.hb_seq + 1)
        .returning(t.runs.c.id, t.runs.c.fence)
    )
    return {Claim(run_id=row.id, fence=row.fence) for row in rows}


def to_cancel(connection: Connection, worker_id: str) -> list[tuple[Claim, Reason]]:
    """The worker's runs that are to stop: somebody asked (user), or a newer one takes their place (replaced)."""
    rows = connection.execute(
        select(t.runs.c.id, t.runs.c.fence, t.runs.c.cancel_reason).where(
            t.runs.c.worker_id == worker_id,
            t.runs.c.status == Status.RUNNING,
            t.runs.c.cancel_requested_at.is_not(None),
        )
    )
    return [(Claim(run_id=row.id, fence=row.fence), Reason(row.cancel_reason or Reason.USER)) for row in rows]


def expire(connection: Connection, now: datetime) -> int:
    """End what waits and was to begin before `now`: missed, with its alert. Returns how many."""
    late = and_(t.runs.c.status == Status.QUEUED, t.runs.c.starts_by < now)
    ids = list(connection.execute(select(t.runs.c.id).where(late).with_for_update(skip_locked=True)).scalars())
    if ids:
        connection.execute(
            update(t.runs)
            .where(t.runs.c.id.in_(ids), t.runs.c.status == Status.QUEUED)
            .values(status=Status.MISSED, reason=Reason.DEADLINE, finished_at=now)
        )
    for run_id in ids:
        outbox.add_run_alert(connection, run_id, now)
    return len(ids)


def any_expired(connection: Connection, now: datetime) -> bool:
    """Whether `expire` has work: a look that takes no lock."""
    query = select(t.runs.c.id).where(t.runs.c.status == Status.QUEUED, t.runs.c.starts_by < now)
    return connection.execute(query.limit(1)).first() is not None


def release(connection: Connection, taken: Claim) -> bool:
    """Give back a run that was claimed but not started: it is queued again under a higher fence."""
    changed = connection.execute(
        update(t.runs)
        .where(_mine(taken), t.runs.c.started_at.is_(None))
        .values(status=Status.QUEUED, fence=t.runs.c.fence + 1, worker_id=None, claimed_at=None)
    )
    return changed.rowcount == 1


def finish(connection: Connection, taken: Claim, outcome: Outcome, now: datetime) -> bool:
    """End a run under its fence, and with it, in this transaction, queue its retry or its alert.

    False if the claim was lost; True also when this very finish had been committed before.
    """
    changed = connection.execute(
        update(t.runs).where(_mine(taken)).values(_outcome_columns(outcome) | {"finished_at": now})
    )
    if changed.rowcount != 1:
        return _finished_before(connection, taken, outcome)
    _follow_up(connection, taken.run_id, outcome.status, outcome.reason, now, retryable=outcome.retryable)
    return True


def reap(connection: Connection, taken: Claim, hb_seq: int, now: datetime) -> bool:
    """End a run whose worker has not beaten for a whole lease; False if it did beat, or ended."""
    asked = (
        connection.execute(
            select(t.runs.c.cancel_requested_at, t.runs.c.cancel_reason).where(t.runs.c.id == taken.run_id)
        )
        .mappings()
        .one()
    )
    status, reason = Status.LOST, Reason.WORKER_GONE
    if asked["cancel_requested_at"]:
        status, reason = Status.CANCELLED, Reason(asked["cancel_reason"] or Reason.USER)
    changed = connection.execute(
        update(t.runs)
        .where(_mine(taken), t.runs.c.hb_seq == hb_seq)
        .values(status=status, reason=reason, finished_at=now)
    )
    if changed.rowcount != 1:
        return False
    _follow_up(connection, taken.run_id, status, reason, now)
    return True


def running_leases(connection: Connection) -> list[tuple[Claim, int]]:
    """Every running run with its heartbeat count: a reaper judges by counts that stand still."""
    rows = connection.execute(
        select(t.runs.c.id, t.runs.c.fence, t.runs.c.hb_seq).where(t.runs.c.status == Status.RUNNING)
    )
    return [(Claim(run_id=row.id, fence=row.fence), row.hb_seq) for row in rows]


def held_by(connection: Connection, worker_id: str) -> list[tuple[Claim, int]]:
    """The running runs of one worker with their heartbeat counts."""
    rows = connection.execute(
        select(t.runs.c.id, t.runs.c.fence, t.runs.c.hb_seq).where(
            t.runs.c.worker_id == worker_id, t.runs.c.status == Status.RUNNING
        )
    )
    return [(Claim(run_id=row.id, fence=row.fence), row.hb_seq) for row in rows]


def request_cancel(connection: Connection, workspace_id: int, run_id: int, now: datetime) -> Status | None:
    """Stop a run: at once if it is queued, else its worker is asked. The status after, None if there is no such run."""
    mine = and_(t.runs.c.id == run_id, t.runs.c.workspace_id == workspace_id)
    connection.execute(
        update(t.runs)
        .where(mine, t.runs.c.status == Status.QUEUED)
        .values(status=Status.CANCELLED, reason=Reason.USER, finished_at=now)
    )
    connection.execute(
        update(t.runs)
        .where(mine, t.runs.c.status == Status.RUNNING, t.runs.c.cancel_requested_at.is_(None))
        .values(cancel_requested_at=now)
    )
    status = connection.execute(select(t.runs.c.status).where(mine)).scalar()
    return None if status is None else Status(status)


def _finished_before(connection: Connection, taken: Claim, outcome: Outcome) -> bool:
    # The connection may have died during COMMIT: then the row is final under this fence already.
    return (
        connection.execute(
            select(t.runs.c.id).where(
                t.runs.c.id == taken.run_id, t.runs.c.fence == taken.fence, t.runs.c.status == outcome.status
            )
        ).first()
        is not None
    )


def _outcome_columns(outcome: Outcome) -> dict[str, Any]:
    columns = {
        key: getattr(outcome, key)
        for key in (
            "status",
            "reason",
            "result",
            "exit_code",
            "signal",
            "duration_ms",
            "cpu_ms",
            "peak_memory_bytes",
            "log_bytes",
            "log_dropped_bytes",
        )
    }
    return columns | {
        "error": asdict(outcome.error) if outcome.error else None,
        "warnings": list(outcome.warnings),
        "env_read": list(outcome.env_read),
        "env_missing": list(outcome.env_missing),
    }


def _follow_up(
    connection: Connection, run_id: int, status: Status, reason: Reason, now: datetime, *, retryable: bool = True
) -> None:
    run = connection.execute(select(t.runs).where(t.runs.c.id == run_id)).mappings().one()
    if run["cancel_requested_at"] is not None:
        return  # somebody wanted it to stop: it does not come back, and nobody has to be told
    if reason is Reason.DRAIN and run["drains"] < MAX_DRAINS:
        _queue_attempt(connection, dict(run), now, now, drains=run["drains"] + 1, extra_attempt=1)
    elif retryable and (delay := _delay_of_retry(connection, dict(run), status, reason)) is not None:
        _queue_attempt(connection, dict(run), now, now + delay)
    elif status in ALERTING and run["trigger"] != "test":
        outbox.add_run_alert(connection, run_id, now)


def _delay_of_retry(connection: Connection, run: dict[str, Any], status: Status, reason: Reason) -> timedelta | None:
    """After how long the next attempt begins; None if there is none."""
    if run["attempt"] >= run["max_attempts"] or not (policy := _policy(connection, run)).may_retry(status, reason):
        return None
    return policy.retry_delay(run["id"], run["attempt"])


def _policy(connection: Connection, run: dict[str, Any]) -> Policy:
    """The CronJob's policy as it is now; the default for a run that has none."""
    columns = [t.cron_jobs.c[field.name] for field in fields(Policy)]
    row = connection.execute(select(*columns).where(t.cron_jobs.c.id == run["cron_job_id"])).mappings().first()
    return Policy(**row) if row else Policy()


def occurrence_id(first_run_id: int) -> str:
    """The id that all attempts at one piece of work share."""
    return f"run-{first_run_id}"


def _queue_attempt(
    connection: Connection,
    run: dict[str, Any],
    now: datetime,
    available_at: datetime,
    *,
    drains: int = 0,
    extra_attempt: int = 0,
) -> None:
    """The next attempt of a run, as a row of its own; a drain's replacement does not use up an attempt."""
    kept = ("workspace_id", "function_id", "version_id", "cron_job_id", "scheduled_for", "event", "created_by")
    connection.execute(
        insert(t.runs).values(
            {key: run[key] for key in (*kept, "serial_key")}
            | {
                "attempt": run["attempt"] + 1,
                "max_attempts": run["max_attempts"] + extra_attempt,
                "retry_of": run["id"],
                "occurrence_id": run["occurrence_id"] or occurrence_id(run["id"]),
                "drains": drains,
                "trigger": "retry" if run["trigger"] != "test" else "test",
                "status": Status.QUEUED,
                "available_at": available_at,
                "created_at": now,
            }
        )
    )
