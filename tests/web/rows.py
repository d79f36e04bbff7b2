"""Rows as the other processes would have written them: functions that are live, CronJobs, runs that ended somehow."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select

from hexasched.domain.kept import Request
from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import ErrorDetail, Outcome, Reason, Status
from hexasched.domain.ticks import plan
from hexasched.secrets import KeyRing
from hexasched.store import (
    builds,
    claiming,
    cron_job_changes,
    due_jobs,
    finishing,
    function_versions,
    functions,
    holding,
    kept,
    kept_rows,
    logs,
    runs,
    ticks,
    workers,
)
from hexasched.store import tables as t
from hexasched.store.claiming import Claim
from hexasched.store.cron_jobs import CronJob, CronJobFields
from hexasched.store.database import Connection
from hexasched.store.function_versions import Program
from hexasched.store.functions import Function
from hexasched.store.logs import Chunk
from hexasched.store.runs import NewRun

SOURCE = """\
import nodemailer from "nodemailer";

export default async (event) => {
  const mail = { to: process.env.MAIL_TO, subject: "Summary" };
  return await send(mail);
};
"""
WORKER = "w1"
OK = Outcome(
    status=Status.SUCCEEDED, reason=Reason.OK, result='{"sent":3}', duration_ms=840, peak_memory_bytes=48 << 20
)
ERROR = Outcome(
    status=Status.FAILED,
    reason=Reason.ERROR,
    duration_ms=1200,
    cpu_ms=240,
    peak_memory_bytes=61 << 20,
    env_read=("MAIL_TO", "SMTP_HOST"),
    error=ErrorDetail(
        type="TypeError",
        message="Cannot read properties of undefined (reading 'send')",
        stack="TypeError: Cannot read properties of undefined (reading 'send')\n    at default (index.js:5:16)",
        file="index.js",
        line=5,
        column=16,
        source_line="  return await send(mail);",
        hint="`transport` is undefined: was it created before it was used?",
    ),
)
ENV_MISSING = replace(ERROR, reason=Reason.ENV_MISSING, env_missing=("SMTP_HOST",))


def live_function(connection: Connection, workspace_id: int, name: str, now: datetime) -> Function:
    """A function with a version that works."""
    made = functions.create(connection, workspace_id, name, "Sends what happened yesterday.", now)
    assert made
    deploy(connection, made, now)
    function = functions.by_name(connection, workspace_id, name)
    assert function
    return function


def deploy(connection: Connection, function: Function, now: datetime, source: str = SOURCE) -> int:
    """A further version that works and serves; its id."""
    program = Program(
        runtime="node24", handler_file="index.js", source=source, dependencies={}, limits=Limits(memory_mb=256)
    )
    version_id = function_versions.add_version(connection, function.id, program, draft=False, user_id=None, now=now)
    builds.save_version(connection, version_id, state="ready", analysis=None, lockfile=None, artifact_id=None)
    assert function_versions.activate(connection, function.id, version_id)
    return version_id


def cron_job(connection: Connection, function: Function, now: datetime, **fields: Any) -> CronJob:
    """A CronJob of the function: daily at 09:00 in Berlin unless told otherwise."""
    values = {"name": function.name, "expression": "0 9 * * *", "timezone": "Europe/Berlin", **fields}
    wanted = CronJobFields(function_id=function.id, **values)
    made = cron_job_changes.create(connection, function.workspace_id, wanted, now)
    assert made
    return made


def tick(connection: Connection, now: datetime) -> int:
    """What the scheduler does at `now`; how many runs it queued."""
    return ticks.settle(connection, [plan(job, now) for job in due_jobs.due(connection, now, 100)], now)


def queued_run(connection: Connection, function: Function, now: datetime, **fields: Any) -> int:
    """A run that waits."""
    assert function.live_version_id
    values = {"version_id": function.live_version_id, "trigger": "manual", **fields}
    return runs.enqueue(connection, NewRun(workspace_id=function.workspace_id, function_id=function.id, **values), now)


def start(connection: Connection, now: datetime) -> Claim:
    """A worker takes the run that waits longest and starts it."""
    [claim] = claiming.claim(connection, WORKER, 1, now)
    assert holding.mark_started(connection, claim, now)
    return claim


def say(connection: Connection, claim: Claim, seq: int, text: str, now: datetime, stream: str = "o") -> None:
    """The run writes something."""
    chunk = Chunk(fence=claim.fence, seq=seq, stream=stream, at=now, data=text.encode())
    logs.append(connection, "run", claim.run_id, [chunk])


def ended_run(connection: Connection, function: Function, now: datetime, outcome: Outcome = OK, **fields: Any) -> int:
    """A run that was queued at `now` and ended as `outcome` says; nothing else may be waiting."""
    run_id = queued_run(connection, function, now, **fields)
    end(connection, now, outcome)
    return run_id


def repeat_run(connection: Connection, run_id: int, times: int) -> None:
    """As many further runs that are like this one in all but their ids."""
    run = connection.execute(select(t.runs).where(t.runs.c.id == run_id)).one()._asdict()
    del run["id"]
    connection.execute(insert(t.runs), [run] * times)


def end(connection: Connection, now: datetime, outcome: Outcome) -> None:
    """The run that waits longest is started and ends."""
    claim = start(connection, now)
    assert finishing.finish(connection, claim, outcome, now + timedelta(milliseconds=outcome.duration_ms))


def kept_value(connection: Connection, keys: KeyRing, function: Function, now: datetime, **request: Any) -> None:
    """A run of the function keeps something: a value unless told otherwise."""
    queued_run(connection, function, now)
    claim = start(connection, now)
    place = kept_rows.shelf_of(connection, claim)
    assert place
    values = {"op": "set", "key": "cursor", "value": "41", "shown": "41", **request}
    kept.put(connection, keys, place, Request(id=1, **values), now)
    assert finishing.finish(connection, claim, OK, now)


def worker(connection: Connection, now: datetime, **more: str) -> None:
    """A worker that was seen at `now`, with `more` facts."""
    facts = more | {"runtimes": {"node24": "Node.js 24"}, "sandbox": "bubblewrap"}
    workers.register(
        connection,
        workers.Worker(
            id=WORKER, host="vm", pid=4711, slots=4, facts=facts, started_at=now, seen_at=now, draining=False
        ),
    )
