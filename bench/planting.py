"""Functions and CronJobs written straight into the store, as copies of what was deployed; when they are due."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, update

from bench.rig import Rig
from hexasched import doorbell
from hexasched.store import builds, function_versions, functions
from hexasched.store import tables as t
from hexasched.store.database import Connection
from hexasched.store.function_versions import Version
from hexasched.store.functions import Function

ONCE_A_YEAR = "0 0 1 1 *"


def copies(rig: Rig, name: str, count: int) -> list[int]:
    """The ids of `count` more functions, each live with what the function of that name was built from."""
    with rig.database.writing() as connection:
        model = functions.by_name(connection, 1, name)
        assert model is not None
        assert model.live_version_id is not None
        version = function_versions.version(connection, model.id, model.live_version_id)
        assert version is not None
        return [_copy(connection, model, version, f"{name}-{number}") for number in range(count)]


def _copy(connection: Connection, model: Function, version: Version, name: str) -> int:
    now = datetime.now(UTC)
    function = functions.create(connection, model.workspace_id, name, "", now)
    assert function is not None
    built = function_versions.add_version(connection, function.id, version.program, draft=False, user_id=None, now=now)
    builds.save_version(
        connection, built, state="ready", analysis=version.analysis, lockfile=version.lockfile, artifact_id=None
    )
    function_versions.activate(connection, function.id, built)
    return function.id


def cron_jobs(rig: Rig, function_ids: Sequence[int]) -> list[int]:
    """The ids of a new CronJob for each function, not due for long."""
    now = datetime.now(UTC)
    shared = {"workspace_id": 1, "expression": ONCE_A_YEAR, "timezone": "UTC", "created_at": now}
    shared |= {"next_run_at": now + timedelta(days=30)}
    with rig.database.writing() as connection:
        return [
            connection.execute(
                insert(t.cron_jobs)
                .values(shared | {"function_id": function_id, "name": f"job-{number}"})
                .returning(t.cron_jobs.c.id)
            ).scalar_one()
            for number, function_id in enumerate(function_ids)
        ]


def make_due(rig: Rig, events: Mapping[int, str], moment: datetime) -> None:
    """Let CronJobs be due at `moment`, each with its nonce, and wake the scheduler to look."""
    with rig.database.writing() as connection:
        for cron_job_id, nonce in events.items():
            values = {"next_run_at": moment, "event": json.dumps({"nonce": nonce})}
            connection.execute(update(t.cron_jobs).where(t.cron_jobs.c.id == cron_job_id).values(values))
    doorbell.ring(rig.service.data_dir, doorbell.SCHEDULE)


def whole_second(ahead: timedelta) -> datetime:
    """The first whole second that lies so far ahead: CronJobs are due at such."""
    return (datetime.now(UTC) + ahead).replace(microsecond=0) + timedelta(seconds=1)
