"""Whether the service works: the same answer for monitors, pages, `doctor` and the outgoing ping.

Every question is answered by an index, however many runs there are.
"""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from sqlalchemy import Connection, Row, and_, func, or_, select

from hexasched.domain import tiers
from hexasched.domain.limits import MIB, MIN_FREE_BYTES
from hexasched.domain.policies import Policy
from hexasched.domain.ticks import calendar_of
from hexasched.domain.tiers import Tier
from hexasched.store import claiming, settings, workers
from hexasched.store import tables as t
from hexasched.store.workers import Worker

SILENT_AFTER = timedelta(seconds=30)
"""A scheduler or worker that has said nothing for so long does not work."""

OVERDUE_AFTER = timedelta(seconds=60)
"""What waits for longer although it could go on is a fault of ours."""

LOOKED_AT = 1000
"""At most so many CronJobs without a next run are asked for their calendar."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """How the processes are; `tick` is the scheduler's last sign of life, `present` are the workers.

    `stuck` are active CronJobs without a next run although their schedule has one; `overdue` says what should have
    begun long ago, empty if nothing should.
    """

    tick: datetime | None
    present: tuple[Worker, ...]
    stuck: tuple[str, ...]
    overdue: str
    now: datetime

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """Those of the workers' sandboxes, each once, the strongest first."""
        names = {worker.facts.get("sandbox") for worker in self.present}
        return tuple(tier for tier in tiers.ALL if tier.name in names)

    @property
    def troubles(self) -> dict[str, str]:
        """What does not work ("scheduler", "worker", "cron_job", "overdue"), each with a sentence; empty if all does.

        The sentences name nothing of a user's: anybody may ask a monitor's question.
        """
        count = len(self.stuck)
        found = {
            "scheduler": "" if self._ticks else _silence(self.tick, self.now),
            "worker": "" if self.present else "No worker is present: nothing can run.",
            "cron_job": _stuck(count) if count else "",
            "overdue": self.overdue,
        }
        return {name: sentence for name, sentence in found.items() if sentence}

    @property
    def _ticks(self) -> bool:
        return self.tick is not None and self.now - self.tick <= SILENT_AFTER


def _silence(tick: datetime | None, now: datetime) -> str:
    if tick is None:
        return "The scheduler has never ticked."
    return f"The scheduler has not ticked for {int((now - tick).total_seconds())} s: schedules are not firing."


def _stuck(count: int) -> str:
    who = "1 active CronJob has" if count == 1 else f"{count} active CronJobs have"
    return f"{who} no next run although the schedule goes on."


def look(connection: Connection, now: datetime) -> Health:
    """How the service is."""
    written = settings.get(connection, "scheduler_tick")
    present = workers.present(connection, now - SILENT_AFTER)
    return Health(
        tick=datetime.fromisoformat(written) if written else None,
        present=tuple(present),
        stuck=tuple(_stuck_jobs(connection, now)),
        overdue=_overdue_moment(connection, now) or _overdue_run(connection, present, now),
        now=now,
    )


def disk_trouble(data_dir: Path) -> str:
    """A sentence if the data folder's disk has too little room left, else an empty text."""
    free = shutil.disk_usage(data_dir).free
    if free >= MIN_FREE_BYTES:
        return ""
    return f"The disk of the service is nearly full: {free // MIB} MB are free, {MIN_FREE_BYTES // MIB} MB are needed."


def _stuck_jobs(connection: Connection, now: datetime) -> list[str]:
    """The names of CronJobs that should have a next run and have none."""
    columns = [t.cron_jobs.c[name] for name in ("name", "expression", "timezone", "starts_at", "ends_at")]
    never_due = and_(t.cron_jobs.c.next_run_at.is_(None), t.cron_jobs.c.deleted_at.is_(None))
    goes_on = or_(t.cron_jobs.c.ends_at.is_(None), t.cron_jobs.c.ends_at > now)
    query = select(*columns).where(never_due, ~t.cron_jobs.c.suspended, goes_on).order_by(t.cron_jobs.c.id.desc())
    return [job.name for job in connection.execute(query.limit(LOOKED_AT)) if _goes_on(job, now)]


def _goes_on(job: Row[Any], now: datetime) -> bool:
    try:
        bounds = Policy(starts_at=job.starts_at, ends_at=job.ends_at)
        return calendar_of(bounds, job.expression, job.timezone).next_after(now) is not None
    except (ValueError, ZoneInfoNotFoundError):
        return True  # nobody can tell: a person has to look


def _overdue_moment(connection: Connection, now: datetime) -> str:
    earliest: datetime | None = connection.execute(select(func.min(t.cron_jobs.c.next_run_at))).scalar()
    if earliest is None or now - earliest <= OVERDUE_AFTER:
        return ""
    return f"A CronJob was due {int((now - earliest).total_seconds())} s ago and nothing came of it."


def _overdue_run(connection: Connection, present: list[Worker], now: datetime) -> str:
    """A run that nobody takes although a worker has room. One that has just begun to take runs is given time."""
    if not claiming.any_due(connection, now - OVERDUE_AFTER):
        return ""
    idle = [worker for worker in present if not worker.draining and now - worker.started_at > OVERDUE_AFTER]
    if not any(_has_room(connection, worker, now) for worker in idle):
        return ""
    return f"A run has waited for more than {int(OVERDUE_AFTER.total_seconds())} s although a worker has room for it."


def _has_room(connection: Connection, worker: Worker, now: datetime) -> bool:
    """Whether it has a free slot and took nothing of late: one is free for a moment between two runs of a backlog."""
    mine = t.runs.c.worker_id == worker.id
    query = select(func.count(), func.max(t.runs.c.claimed_at)).where(mine, t.runs.c.status == "running")
    held, last = connection.execute(query).one()
    theirs = (t.builds.c.worker_id == worker.id, t.builds.c.status == "running")
    building = connection.execute(select(func.count()).select_from(t.builds).where(*theirs)).scalar_one()
    # Workers have one slot more, which only builds take.
    free = worker.slots - held - max(0, building - 1)
    return bool(free > 0 and (last is None or now - last > OVERDUE_AFTER))
