"""Indexes that keep pages and polls as quick with a million runs as with a thousand."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _partial(name: str, table: str, columns: list[str], where: str, where_postgresql: str = "") -> None:
    conditions = {"sqlite_where": sa.text(where), "postgresql_where": sa.text(where_postgresql or where)}
    op.create_index(name, table, columns, **conditions)


def upgrade() -> None:
    for name in ("ix_runs_workspace_finished", "ix_runs_active_cron_job", "ix_runs_queued_function"):
        op.drop_index(name, "runs")
    op.create_index("ix_runs_workspace_ended", "runs", ["workspace_id", "finished_at", "status"])
    op.create_index("ix_runs_function_status", "runs", ["function_id", "status", "id"])
    op.create_index("ix_runs_cron_job_status", "runs", ["cron_job_id", "status", "id"])
    _partial("ix_runs_occurrence", "runs", ["occurrence_id"], "occurrence_id IS NOT NULL")
    _partial("ix_outbox_unsent", "outbox", ["workspace_id"], "sent_at IS NULL")
    due_again = "suspended_until IS NOT NULL AND deleted_at IS NULL"
    _partial("ix_cron_jobs_suspended_until", "cron_jobs", ["suspended_until"], due_again)
    op.drop_index("ix_cron_jobs_never_due", "cron_jobs")
    never_due = "next_run_at IS NULL AND deleted_at IS NULL AND "
    _partial("ix_cron_jobs_never_due", "cron_jobs", ["id"], f"{never_due}suspended = 0", f"{never_due}NOT suspended")
    op.create_index("ix_audit_workspace", "audit", ["workspace_id", "id"])
    op.create_index("ix_audit_workspace_action", "audit", ["workspace_id", "action", "id"])
