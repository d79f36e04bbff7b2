"""The tables; what must never happen is a constraint here."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

from hexasched.domain.gaps import KINDS as GAP_KINDS
from hexasched.domain.outcomes import REASONS, Status
from hexasched.domain.policies import RETRYABLE

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, stored as milliseconds since 1970: exact to compare and the same on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Milliseconds, cut, not rounded: a stored moment never lies in the future."""
        return None if value is None else (value - _EPOCH) // timedelta(milliseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """The aware datetime."""
        return None if value is None else _EPOCH + timedelta(milliseconds=value)


class Words(TypeDecorator[tuple[str, ...]]):
    """Words of small letters, stored with commas between them."""

    impl = String(200)
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        """One text."""
        return None if value is None else ",".join(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        """The words."""
        return None if value is None else tuple(filter(None, value.split(",")))


_Id = BigInteger().with_variant(Integer, "sqlite")


def _id() -> Column[Any]:
    return Column("id", _Id, primary_key=True, autoincrement=True)


def _reference(name: str, target: str, *, nullable: bool = False, on_delete: str | None = None) -> Column[Any]:
    return Column(name, _Id, ForeignKey(f"{target}.id", ondelete=on_delete), nullable=nullable)


def _one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


def _reasons_check() -> str:
    open_states = f"({_one_of('status', (Status.QUEUED.value, Status.RUNNING.value))} AND reason IS NULL)"
    final = [
        f"(status = '{status.value}' AND reason IS NOT NULL AND {_one_of('reason', tuple(r.value for r in reasons))})"
        for status, reasons in REASONS.items()
    ]
    return " OR ".join([open_states, *final])


_FINAL_WORDS = tuple(status.value for status in REASONS)
ROLES = ("owner", "developer", "viewer")
TRIGGERS = ("cron", "manual", "test", "api", "retry", "backfill", "again")

workspaces = Table(
    "workspaces",
    metadata,
    _id(),
    Column("name", String(100), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("alert_email", String(254), nullable=False),
    Column("created_at", Instant, nullable=False),
)

users = Table(
    "users",
    metadata,
    _id(),
    Column("email", String(254), nullable=False, unique=True),
    Column("password_hash", String(200), nullable=False),
    Column("session_version", Integer, nullable=False, server_default="1"),
    Column("created_at", Instant, nullable=False),
)

members = Table(
    "members",
    metadata,
    _reference("workspace_id", "workspaces"),
    _reference("user_id", "users"),
    Column("role", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("workspace_id", "user_id"),
    CheckConstraint(_one_of("role", ROLES), name="role"),
    Index(None, "user_id"),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("bucket", String(320), primary_key=True),  # "account:…" or "address:…"
    Column("count", Integer, nullable=False),
    Column("window_started_at", Instant, nullable=False),
)

settings = Table(
    "settings",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
"""What the instance remembers about itself: the setup code's hash, the scheduler's last tick."""

functions = Table(
    "functions",
    metadata,
    _id(),
    _reference("workspace_id", "workspaces"),
    Column("name", String(63), nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column(
        "live_version_id",
        _Id,
        ForeignKey("versions.id", use_alter=True, name="fk_functions_live_version_id"),
        nullable=True,
    ),
    Column("env_revision", Integer, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    Index(
        "uq_functions_workspace_id_name",
        "workspace_id",
        "name",
        unique=True,
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("id", String(64), primary_key=True),  # SHA-256 of the packed node_modules
    Column("size", BigInteger, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
)

artifact_chunks = Table(
    "artifact_chunks",
    metadata,
    Column("artifact_id", String(64), ForeignKey("artifacts.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

VERSION_STATES = ("building", "ready", "failed")

versions = Table(
    "versions",
    metadata,
    _id(),
    _reference("function_id", "functions"),
    Column("number", Integer),  # NULL for a draft, which can never be live
    Column("state", String(16), nullable=False),
    Column("runtime", String(16), nullable=False),
    Column("handler_file", String(64), nullable=False),
    Column("source", Text, nullable=False),
    Column("dependencies", JSON, nullable=False),
    Column("lockfile", Text),
    Column("limits", JSON, nullable=False),
    Column("analysis", JSON),
    Column("artifact_id", String(64), ForeignKey("artifacts.id")),
    _reference("created_by", "users", nullable=True),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("function_id", "number"),
    CheckConstraint(_one_of("state", VERSION_STATES), name="state"),
    Index(None, "artifact_id"),
)

env_vars = Table(
    "env_vars",
    metadata,
    _id(),
    _reference("function_id", "functions"),
    Column("name", String(128), nullable=False),
    Column("secret", Boolean, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("function_id", "name"),
)

cron_jobs = Table(
    "cron_jobs",
    metadata,
    _id(),
    _reference("workspace_id", "workspaces"),
    _reference("function_id", "functions"),
    Column("name", String(63), nullable=False),
    Column("expression", String(256), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("event", Text, nullable=False, server_default="{}"),  # JSON text
    Column("suspended", Boolean, nullable=False, server_default=text("false")),
    Column("owed_from", Instant),  # while suspended: the first moment that is in no row and no window yet
    Column("suspend_reason", Text, nullable=False, server_default=""),
    Column("suspended_until", Instant),
    Column("concurrency_policy", String(8), nullable=False, server_default="Forbid"),
    Column("catch_up", String(8), nullable=False, server_default="last"),
    Column("queue_limit", Integer, nullable=False, server_default="0"),
    Column("starting_deadline_s", Integer),
    Column("max_attempts", Integer, nullable=False, server_default="1"),
    Column("retry_delay_s", Integer, nullable=False, server_default="10"),
    Column("retry_max_delay_s", Integer, nullable=False, server_default="3600"),
    Column("retry_on", Words, nullable=False, server_default=",".join(RETRYABLE)),
    Column("spread_s", Integer, nullable=False, server_default="0"),
    Column("starts_at", Instant),
    Column("ends_at", Instant),
    Column("successful_history_limit", Integer),
    Column("failed_history_limit", Integer),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("next_run_at", Instant),  # NULL while suspended or when the schedule has no further moment
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    CheckConstraint(_one_of("concurrency_policy", ("Allow", "Forbid", "Replace")), name="concurrency_policy"),
    CheckConstraint(_one_of("catch_up", ("skip", "last", "all")), name="catch_up"),
    CheckConstraint("max_attempts BETWEEN 1 AND 20", name="max_attempts"),
    CheckConstraint("NOT suspended OR next_run_at IS NULL", name="suspended_never_due"),
    CheckConstraint("deleted_at IS NULL OR next_run_at IS NULL", name="deleted_never_due"),
    Index(
        "uq_cron_jobs_workspace_id_name",
        "workspace_id",
        "name",
        unique=True,
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index(None, "next_run_at"),
    Index(None, "function_id"),
    Index(
        "ix_cron_jobs_never_due",
        "id",
        sqlite_where=text("next_run_at IS NULL AND deleted_at IS NULL AND suspended = 0"),
        postgresql_where=text("next_run_at IS NULL AND deleted_at IS NULL AND NOT suspended"),
    ),
    Index(
        "ix_cron_jobs_suspended_until",
        "suspended_until",
        sqlite_where=text("suspended_until IS NOT NULL AND deleted_at IS NULL"),
        postgresql_where=text("suspended_until IS NOT NULL AND deleted_at IS NULL"),
    ),
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(32), primary_key=True),  # random for each process start: a name is never used twice
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("draining", Boolean, nullable=False, server_default=text("false")),
)


# What runs and builds share: the claim of one worker on one piece of work.
def _lease_columns() -> list[Column[Any]]:
    return [
        Column("fence", Integer, nullable=False, server_default="0"),
        Column("hb_seq", Integer, nullable=False, server_default="0"),
        Column("worker_id", String(32)),
        Column("cancel_requested_at", Instant),
    ]


runs = Table(
    "runs",
    metadata,
    _id(),
    _reference("workspace_id", "workspaces"),
    _reference("function_id", "functions"),
    _reference("version_id", "versions"),
    _reference("cron_job_id", "cron_jobs", nullable=True),
    Column("scheduled_for", Instant),
    Column("attempt", Integer, nullable=False, server_default="1"),
    Column("max_attempts", Integer, nullable=False, server_default="1"),
    _reference("retry_of", "runs", nullable=True, on_delete="SET NULL"),
    Column("occurrence_id", String(64)),  # of a retry: what its first attempt was called; NULL for a first attempt
    Column("drains", Integer, nullable=False, server_default="0"),  # replacements in a row after a drain
    Column("trigger", String(16), nullable=False),
    Column("created_by", _Id),
    Column("idempotency_key", String(64)),
    Column("status", String(16), nullable=False),
    Column("reason", String(16)),
    Column("event", Text, nullable=False, server_default="{}"),
    Column("available_at", Instant, nullable=False),
    Column("starts_by", Instant),  # a run that has not begun by then is missed
    Column("serial_key", _Id),  # of two runs with the same one only one is running
    *_lease_columns(),
    Column("cancel_reason", String(16)),  # user (NULL too) or replaced
    Column("claimed_at", Instant),
    Column("env_revision", Integer),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("duration_ms", BigInteger),
    Column("cpu_ms", BigInteger),
    Column("peak_memory_bytes", BigInteger),
    Column("exit_code", Integer),
    Column("signal", Integer),
    Column("result", Text),
    Column("error", JSON),
    Column("warnings", JSON),
    Column("env_read", JSON),
    Column("env_missing", JSON),
    Column("log_bytes", BigInteger, nullable=False, server_default="0"),
    Column("log_dropped_bytes", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("cron_job_id", "scheduled_for", "attempt"),
    UniqueConstraint("workspace_id", "idempotency_key"),
    CheckConstraint(_one_of("trigger", TRIGGERS), name="trigger"),
    CheckConstraint(_reasons_check(), name="reason"),
    CheckConstraint(f"({_one_of('status', _FINAL_WORDS)}) = (finished_at IS NOT NULL)", name="finished_at"),
    CheckConstraint("status != 'running' OR (worker_id IS NOT NULL AND claimed_at IS NOT NULL)", name="claimed"),
    CheckConstraint("attempt BETWEEN 1 AND 60", name="attempt"),
    CheckConstraint("scheduled_for IS NULL OR cron_job_id IS NOT NULL", name="tick"),
    Index(
        "ix_runs_queued",
        "available_at",
        "id",
        sqlite_where=text("status = 'queued'"),
        postgresql_where=text("status = 'queued'"),
    ),
    Index(
        "ix_runs_running",
        "worker_id",
        sqlite_where=text("status = 'running'"),
        postgresql_where=text("status = 'running'"),
    ),
    Index(
        "uq_runs_serial_key",
        "serial_key",
        unique=True,
        sqlite_where=text("status = 'running'"),
        postgresql_where=text("status = 'running'"),
    ),
    Index(
        "ix_runs_starts_by",
        "starts_by",
        sqlite_where=text("status = 'queued' AND starts_by IS NOT NULL"),
        postgresql_where=text("status = 'queued' AND starts_by IS NOT NULL"),
    ),
    Index("ix_runs_workspace", "workspace_id", "id"),
    Index("ix_runs_workspace_ended", "workspace_id", "finished_at", "status"),
    Index("ix_runs_workspace_status", "workspace_id", "status", "id"),
    Index("ix_runs_function", "function_id", "id"),
    Index("ix_runs_function_status", "function_id", "status", "id"),
    Index("ix_runs_cron_job", "cron_job_id", "id"),
    Index("ix_runs_cron_job_status", "cron_job_id", "status", "id"),
    # Deleting a run or a draft looks for what refers to it.
    Index(
        "ix_runs_retry_of",
        "retry_of",
        sqlite_where=text("retry_of IS NOT NULL"),
        postgresql_where=text("retry_of IS NOT NULL"),
    ),
    Index(
        "ix_runs_occurrence",
        "occurrence_id",
        sqlite_where=text("occurrence_id IS NOT NULL"),
        postgresql_where=text("occurrence_id IS NOT NULL"),
    ),
    Index(None, "version_id"),
)

kept = Table(
    "kept",
    metadata,
    _id(),
    _reference("function_id", "functions"),
    Column("draft", Boolean, nullable=False),  # of test runs: they see only their own
    Column("kind", String(8), nullable=False),
    Column("key", String(256), nullable=False),
    Column("ciphertext", LargeBinary),  # NULL while the work of a key of kind once is under way
    Column("size", Integer, nullable=False),  # of key and value, in bytes
    Column("shown", Text, nullable=False, server_default=""),  # the value's beginning, secrets masked
    Column("run_id", _Id, nullable=False),  # who wrote it; no reference: the history may forget the run
    Column("fence", Integer, nullable=False),
    Column("token", Integer, nullable=False, server_default="0"),
    Column("updated_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    UniqueConstraint("function_id", "draft", "kind", "key"),
    CheckConstraint(_one_of("kind", ("value", "once")), name="kind"),
    CheckConstraint("ciphertext IS NOT NULL OR kind = 'once'", name="value"),
    Index(None, "expires_at"),
)
"""What functions keep between their runs: context.kv (value) and context.once (once)."""

windows = Table(
    "windows",
    metadata,
    _id(),
    _reference("cron_job_id", "cron_jobs"),
    Column("from_at", Instant, nullable=False),
    Column("to_at", Instant, nullable=False),
    Column("count", Integer, nullable=False),
    Column("reason", String(16), nullable=False),
    Column("note", String(100), nullable=False, server_default=""),  # the name of a blackout
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("cron_job_id", "from_at"),
    CheckConstraint("from_at <= to_at AND count >= 1", name="span"),
    CheckConstraint(_one_of("reason", ("paused", "server_down", "blackout", "catch_up")), name="reason"),
)
"""Ticks from `from_at` to `to_at`, both ends included, that did not run for one shared reason."""

blackouts = Table(
    "blackouts",
    metadata,
    _id(),
    _reference("workspace_id", "workspaces"),
    _reference("cron_job_id", "cron_jobs", nullable=True),  # NULL: all of the workspace
    Column("name", String(100), nullable=False),
    Column("from_at", Instant, nullable=False),
    Column("to_at", Instant, nullable=False),  # not included
    Column("created_at", Instant, nullable=False),
    CheckConstraint("from_at < to_at", name="span"),
    Index(None, "workspace_id", "to_at"),
)

BUILD_KINDS = ("deploy", "draft", "analyse")

builds = Table(
    "builds",
    metadata,
    _id(),
    _reference("workspace_id", "workspaces"),
    _reference("version_id", "versions", nullable=True),
    Column("kind", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", String(16)),
    Column("stage", String(16), nullable=False, server_default="syntax"),
    Column("source", JSON),  # only for analyse: what the editor holds
    Column("stages", JSON),  # name, state, duration_ms and error of each finished stage
    Column("result", JSON),
    _reference("run_after_id", "runs", nullable=True, on_delete="SET NULL"),
    *_lease_columns(),
    Column("created_at", Instant, nullable=False),
    Column("claimed_at", Instant),
    Column("finished_at", Instant),
    CheckConstraint(_one_of("kind", BUILD_KINDS), name="kind"),
    CheckConstraint(
        _one_of("status", ("queued", "running", "succeeded", "failed", "cancelled", "lost")), name="status"
    ),
    CheckConstraint(
        "(status IN ('succeeded', 'failed', 'cancelled', 'lost')) = (finished_at IS NOT NULL)",
        name="finished_at",
    ),
    Index(
        "ix_builds_open",
        "id",
        sqlite_where=text("status IN ('queued', 'running')"),
        postgresql_where=text("status IN ('queued', 'running')"),
    ),
    Index(None, "version_id"),
    Index(
        "ix_builds_run_after",
        "run_after_id",
        sqlite_where=text("run_after_id IS NOT NULL"),
        postgresql_where=text("run_after_id IS NOT NULL"),
    ),
)

STREAMS = ("o", "e", "s")


def _log_table(name: str, parent: str) -> Table:
    return Table(
        name,
        metadata,
        _reference(f"{parent[:-1]}_id", parent, on_delete="CASCADE"),
        Column("fence", Integer, nullable=False),
        Column("seq", Integer, nullable=False),
        Column("stream", String(1), nullable=False),  # o: stdout, e: stderr, s: HexaSched itself
        Column("at", Instant, nullable=False),
        Column("data", LargeBinary, nullable=False),
        UniqueConstraint(f"{parent[:-1]}_id", "fence", "seq"),
        CheckConstraint(_one_of("stream", STREAMS), name="stream"),
    )


log_chunks = _log_table("log_chunks", "runs")
build_log_chunks = _log_table("build_log_chunks", "builds")

outbox = Table(
    "outbox",
    metadata,
    _id(),
    _reference("workspace_id", "workspaces"),
    Column("dedupe_key", String(120), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("recipient", String(254), nullable=False),
    Column("message_id", String(120), nullable=False, unique=True),
    Column("payload", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("available_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("sent_at", Instant),
    Column("dead_at", Instant),
    Column("last_error", Text),
    CheckConstraint("sent_at IS NULL OR dead_at IS NULL", name="one_end"),
    Index(
        "ix_outbox_due",
        "available_at",
        sqlite_where=text("sent_at IS NULL AND dead_at IS NULL"),
        postgresql_where=text("sent_at IS NULL AND dead_at IS NULL"),
    ),
    Index("ix_outbox_workspace", "workspace_id", "id"),
    Index(
        "ix_outbox_unsent",
        "workspace_id",
        sqlite_where=text("sent_at IS NULL"),
        postgresql_where=text("sent_at IS NULL"),
    ),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    Column("workspace_id", _Id),
    Column("user_id", _Id),
    Column("at", Instant, nullable=False),
    Column("action", String(64), nullable=False),
    Column("object", String(200), nullable=False),
    Column("detail", JSON),
    Index(None, "action", "id"),
    Index("ix_audit_workspace", "workspace_id", "id"),
    Index("ix_audit_workspace_action", "workspace_id", "action", "id"),
)
"""Who changed what; without a workspace: of the instance as a whole. `detail` never has a secret."""

downtimes = Table(
    "downtimes",
    metadata,
    _id(),
    Column("kind", String(16), nullable=False),
    Column("from_at", Instant, nullable=False),
    Column("to_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant),
    CheckConstraint(_one_of("kind", GAP_KINDS), name="kind"),
    CheckConstraint("from_at <= to_at", name="span"),
    Index(None, "created_at"),
    Index(
        "ix_downtimes_unseen",
        "id",
        sqlite_where=text("seen_at IS NULL"),
        postgresql_where=text("seen_at IS NULL"),
    ),
)
"""Stretches in which the scheduler was silent, and jumps of the clock."""
