"""Downtimes and jumps of the clock; indexes for the service's look at itself and for its cleaning."""

import sqlalchemy as sa
from alembic import op

from hexasched.store.tables import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    op.create_table(
        "downtimes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("from_at", Instant(), nullable=False),
        sa.Column("to_at", Instant(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=True),
        sa.CheckConstraint("kind IN ('stopped', 'clock_forward', 'clock_back')", name=op.f("ck_downtimes_kind")),
        sa.CheckConstraint("from_at <= to_at", name=op.f("ck_downtimes_span")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_downtimes")),
    )
    op.create_index("ix_downtimes_created_at", "downtimes", ["created_at"])
    _partial("ix_downtimes_unseen", "downtimes", ["id"], "seen_at IS NULL")
    op.create_index("ix_audit_action_id", "audit", ["action", "id"])
    op.create_index("ix_versions_artifact_id", "versions", ["artifact_id"])
    op.create_index("ix_runs_version_id", "runs", ["version_id"])
    _partial("ix_runs_retry_of", "runs", ["retry_of"], "retry_of IS NOT NULL")
    _partial("ix_builds_run_after", "builds", ["run_after_id"], "run_after_id IS NOT NULL")
    _partial("ix_cron_jobs_never_due", "cron_jobs", ["id"], "next_run_at IS NULL AND deleted_at IS NULL")
