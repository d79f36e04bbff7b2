"""APScheduler's job store, trigger and executor over the table cron_jobs: they stage, and one flush writes.

APScheduler asks for due jobs, hands each to the executor, asks its trigger for the next time, tells the store,
and at the end of the round asks when to wake up again. That last question is where everything that was staged
is committed in one transaction. Nothing is ever pickled, and no error ends the loop: the rows still hold what
was true before.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.base import BaseExecutor
from apscheduler.job import Job
from apscheduler.jobstores.base import BaseJobStore
from apscheduler.triggers.base import BaseTrigger

from hexasched import failpoints, logs
from hexasched.domain.limits import POLL_S
from hexasched.domain.ticks import DueJob, Plan, plan
from hexasched.domain.zones import check_zone
from hexasched.errors import StoreBusyError
from hexasched.scheduler import chores
from hexasched.scheduler.heartbeat import Heartbeat, steady_s
from hexasched.store import due_jobs, ticks
from hexasched.store.ahead import Ahead, look
from hexasched.store.database import Database

BATCH = 2000
_REFERENCE = "hexasched.scheduler.ticker:not_called"


def not_called() -> None:
    """APScheduler wants a callable for each job; our executor never calls one."""


class NextMoment(BaseTrigger):
    """Answers with the next moment of a plan that was made before."""

    def __init__(self, next_run_at: datetime | None) -> None:
        self.next_run_at = next_run_at

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The CronJob's next moment, strictly after now; None when there is none."""
        return self.next_run_at


class TickJob(Job):
    """One due CronJob with its plan, in the shape that APScheduler expects."""

    def __init__(self, made: Plan) -> None:
        self.plan = made
        self.__setstate__(
            {
                "version": 1,
                "id": str(made.job.id),
                "func": _REFERENCE,
                "trigger": NextMoment(made.next_run_at),
                "executor": "default",
                "args": (),
                "kwargs": {},
                "name": f"cron job {made.job.id}",
                "misfire_grace_time": None,
                "coalesce": False,
                "max_instances": 1,
                "next_run_time": made.job.due_at,
            }
        )

    def _get_run_times(self, now: datetime) -> list[datetime]:
        """One entry is enough: the plan has a verdict for every moment."""
        return [self.plan.job.due_at]

    def _modify(self, **changes: Any) -> None:
        self.next_run_time = changes["next_run_time"]


class StagingExecutor(BaseExecutor):
    """Runs nothing: it puts the plan aside for the flush."""

    def __init__(self, staged: list[Plan]) -> None:
        super().__init__()
        self._staged = staged

    def submit_job(self, job: TickJob, run_times: list[datetime]) -> None:
        """Must not raise: APScheduler would advance the job and its moments would be lost."""
        self._staged.append(job.plan)

    def _do_submit_job(self, job: TickJob, run_times: list[datetime]) -> None:
        raise AssertionError("submit_job is overridden")


class CronJobStore(BaseJobStore):
    """The table cron_jobs as APScheduler's job store."""

    def __init__(self, database: Database, staged: list[Plan], on_queued: Callable[[], None]) -> None:
        """`on_queued` is called after a commit that queued runs."""
        super().__init__()
        self._database = database
        self._staged = staged
        self._on_queued = on_queued
        self._more = False
        self._ahead = Ahead()
        self._heartbeat = Heartbeat(database)

    def get_due_jobs(self, now: datetime) -> list[TickJob]:
        """The CronJobs whose moment has come. An exception here only costs APScheduler a pause."""
        self._staged.clear()
        now = now.astimezone(UTC)
        with self._database.reading() as connection:
            self._ahead = look(connection, now)
            is_due = self._ahead.next_due is not None and self._ahead.next_due <= now
            due = due_jobs.due(connection, now, BATCH) if is_due else []
        self._more = len(due) == BATCH
        if due:
            failpoints.reach("tick.after_read")
        return [TickJob(made) for job in due if (made := self._plan(job, now))]

    def get_next_run_time(self) -> datetime:
        """Flush, then say when to look again: at the next moment, but never later than in a second.

        Must not raise: an exception would end the loop. What could not be written stays due.
        """
        now = datetime.now(UTC)
        soon = now + timedelta(seconds=POLL_S)
        try:
            if self._flush(now):
                with self._database.reading() as connection:
                    self._ahead = look(connection, now)
            self._heartbeat.beat(now, steady_s())
            if chores.do(self._database, self._ahead, now) or self._more:
                return now
            return min(self._ahead.next_due or soon, self._ahead.next_resume or soon, soon)
        except StoreBusyError as error:
            logs.warning("store.busy", error=error)
            return soon
        except Exception:  # noqa: BLE001 - any escape would end the scheduler's loop
            logs.failure("tick.failed", staged=len(self._staged))
            return soon

    def _plan(self, job: DueJob, now: datetime) -> Plan | None:
        try:
            return plan(job, now)
        except Exception as error:  # noqa: BLE001 - one row that can't be planned must not stop the others
            logs.failure("tick.unplannable", cron_job_id=job.id)
            with self._database.writing() as connection:
                ticks.put_aside(
                    connection, job, f"HexaSched can't compute its next run: {check_zone(job.timezone) or error}", now
                )
            return None

    def _flush(self, now: datetime) -> bool:
        """Write what was staged; whether that was anything."""
        if not self._staged:
            return False
        queued = self._settle(self._staged, now)
        failpoints.reach("tick.after_commit")
        logs.event("tick", cron_jobs=len(self._staged), queued=queued)
        self._staged.clear()
        if queued:
            self._on_queued()
        return True

    def _settle(self, plans: list[Plan], now: datetime) -> int:
        """All in one transaction; if that can't be written, one by one, and what is to blame is put aside."""
        try:
            with self._database.writing() as connection:
                queued = ticks.settle(connection, plans, now)
                failpoints.reach("tick.before_commit")
                return queued
        except StoreBusyError:
            raise
        except Exception:  # noqa: BLE001 - one row that can't be written must not stop the others
            logs.failure("tick.unwritable", cron_jobs=[made.job.id for made in plans][:20])
        if len(plans) > 1:
            return sum(self._settle([made], now) for made in plans)
        with self._database.writing() as connection:
            why = "HexaSched can't write its next run; the service's log says why."
            ticks.put_aside(connection, plans[0].job, why, now)
        return 0

    def update_job(self, job: TickJob) -> None:
        """Nothing to do: the plan has the next moment."""

    def remove_job(self, job_id: str) -> None:
        """Called when a schedule has no further moment; the plan sets next_run_at to NULL and the row stays."""

    def lookup_job(self, job_id: str) -> None:
        """Rows are read by the web, not through APScheduler."""

    def get_all_jobs(self) -> list[TickJob]:
        """As `lookup_job`."""
        return []

    def add_job(self, job: Job) -> None:
        """CronJobs are made by the web, in a transaction of their own."""
        raise AssertionError("CronJobs are rows; they are not added through APScheduler")

    def remove_all_jobs(self) -> None:
        """As `add_job`."""
        raise AssertionError("CronJobs are rows; they are not removed through APScheduler")
