"""What a worker needs to know about the run or build that it has claimed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import Status
from hexasched.domain.timetables import Calendar, stored
from hexasched.secrets import KeyRing
from hexasched.store import env_vars, function_versions, runs
from hexasched.store import tables as t
from hexasched.store.build_claims import BuildClaim
from hexasched.store.claiming import Claim
from hexasched.store.function_versions import Program


@dataclass(frozen=True, kw_only=True)
class CronFacts:
    """What the handler is told about its CronJob."""

    id: int
    name: str
    expression: str
    timezone: str
    starts_at: datetime | None
    ends_at: datetime | None

    @property
    def calendar(self) -> Calendar:
        """When it is due."""
        table = stored(self.expression, self.timezone)
        return Calendar(table=table, zone=self.timezone, starts_at=self.starts_at, ends_at=self.ends_at)


@dataclass(frozen=True, kw_only=True)
class RunWork:
    """A claimed run with its version, its environment and the facts for its event."""

    claim: Claim
    workspace_id: int
    function_id: int
    function_name: str
    version_id: int
    version_number: int | None
    program: Program
    analysis: dict[str, Any]
    artifact_id: str | None
    trigger: str
    attempt: int
    occurrence_id: str
    scheduled_for: datetime | None
    event: str
    env: dict[str, str]
    secret_names: tuple[str, ...]
    cron_job: CronFacts | None
    last_run_at: datetime | None
    last_success_at: datetime | None


def load_runs(connection: Connection, keys: KeyRing, claims: Sequence[Claim]) -> dict[Claim, RunWork]:
    """Everything for claimed runs. Raises HexaSchedError if an environment can't be decrypted."""
    rows = {row["id"]: dict(row) for row in connection.execute(_RUNS, {"runs": [c.run_id for c in claims]}).mappings()}
    variables = env_vars.loaded_each(connection, keys, {row["function_id"] for row in rows.values()})
    return {claim: _run_work(claim, row := rows[claim.run_id], variables[row["function_id"]]) for claim in claims}


def _run_work(claim: Claim, row: dict[str, Any], variables: env_vars.Loaded) -> RunWork:
    return RunWork(
        claim=claim,
        **{name: row[name] for name in _AS_STORED},
        program=_program(row),
        analysis=row["analysis"] or {},
        occurrence_id=row["occurrence_id"] or runs.occurrence_id(claim.run_id),
        env=variables.values,
        secret_names=variables.secrets,
        cron_job=_cron_facts(row),
    )


_AS_STORED = (
    *("workspace_id", "function_id", "function_name", "version_id", "version_number", "artifact_id", "trigger"),
    *("attempt", "scheduled_for", "event", "last_run_at", "last_success_at"),
)


def _runs_query() -> Any:
    names = ("id", "workspace_id", "function_id", "version_id", "trigger", "attempt", "scheduled_for")
    run = [t.runs.c[name] for name in (*names, "event", "occurrence_id")]
    version = [t.versions.c[n] for n in ("runtime", "handler_file", "source", "dependencies", "limits", "analysis")]
    cron = [t.cron_jobs.c[n].label(f"cron_{n}") for n in CronFacts.__dataclass_fields__]
    return (
        select(
            *run,
            *version,
            t.versions.c.artifact_id,
            t.versions.c.number.label("version_number"),
            t.functions.c.name.label("function_name"),
            *cron,
            _last_start().label("last_run_at"),
            _last_start(Status.SUCCEEDED).label("last_success_at"),
        )
        .join(t.versions, t.versions.c.id == t.runs.c.version_id)
        .join(t.functions, t.functions.c.id == t.runs.c.function_id)
        .outerjoin(t.cron_jobs, t.cron_jobs.c.id == t.runs.c.cron_job_id)
        .where(t.runs.c.id.in_(bindparam("runs", expanding=True)))
    )


def _program(row: dict[str, Any]) -> Program:
    return Program(
        limits=Limits.from_json(row["limits"]),
        **{name: row[name] for name in ("runtime", "handler_file", "source", "dependencies")},
    )


def _cron_facts(row: dict[str, Any]) -> CronFacts | None:
    if row["cron_id"] is None:
        return None
    return CronFacts(**{name: row[f"cron_{name}"] for name in CronFacts.__dataclass_fields__})


def _last_start(*also: Status) -> Any:
    """When the run's function last started (and ended so) before it; its index finds that at once."""
    earlier = t.runs.alias()
    before = [
        earlier.c.function_id == t.runs.c.function_id,
        earlier.c.id < t.runs.c.id,
        earlier.c.started_at.is_not(None),
    ]
    before += [earlier.c.status == status for status in also]
    latest = select(earlier.c.started_at).where(*before).order_by(earlier.c.id.desc()).limit(1)
    return latest.correlate(t.runs).scalar_subquery()


# Made once: to put a statement together takes longer than to execute it.
_RUNS = _runs_query()


@dataclass(frozen=True, kw_only=True)
class BuildWork:
    """A claimed build. For an analysis `version_id` is None and the program is what the editor holds.

    `reusable` is (lockfile, artifact_id) of an earlier version with the same packages and runtime.
    """

    claim: BuildClaim
    kind: str
    workspace_id: int
    function_id: int | None
    version_id: int | None
    program: Program
    env: dict[str, str]
    secret_names: tuple[str, ...]
    reusable: tuple[str | None, str | None] | None
    run_after_id: int | None


def load_build(connection: Connection, keys: KeyRing, claim: BuildClaim) -> BuildWork:
    """Everything for one claimed build."""
    row = (
        connection.execute(
            select(t.builds, t.versions.c.function_id)
            .outerjoin(t.versions, t.versions.c.id == t.builds.c.version_id)
            .where(t.builds.c.id == claim.build_id)
        )
        .mappings()
        .one()
    )
    common = {name: row[name] for name in ("kind", "workspace_id", "version_id", "function_id", "run_after_id")}
    if row["version_id"] is None:
        program = Program(dependencies={}, limits=Limits(), **row["source"])
        return BuildWork(claim=claim, program=program, env={}, secret_names=(), reusable=None, **common)
    version = function_versions.version(connection, row["function_id"], row["version_id"])
    assert version is not None
    variables = env_vars.loaded(connection, keys, row["function_id"])
    return BuildWork(
        claim=claim,
        program=version.program,
        env=variables.values,
        secret_names=variables.secrets,
        reusable=_reusable(connection, version),
        **common,
    )


def _reusable(connection: Connection, wanted: function_versions.Version) -> tuple[str | None, str | None] | None:
    rows = connection.execute(
        select(t.versions.c.dependencies, t.versions.c.lockfile, t.versions.c.artifact_id)
        .where(
            t.versions.c.function_id == wanted.function_id,
            t.versions.c.state == "ready",
            t.versions.c.runtime == wanted.program.runtime,
        )
        .order_by(t.versions.c.id.desc())
        .limit(20)
    )
    for row in rows:
        if row.dependencies == wanted.program.dependencies:
            return row.lockfile, row.artifact_id
    return None
