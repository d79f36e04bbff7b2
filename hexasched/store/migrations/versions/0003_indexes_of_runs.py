"""Indexes of runs: how many ended in each status since a moment, and which runs of a function still wait."""

from alembic import op
from sqlalchemy import text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_QUEUED = text("status = 'queued'")


def upgrade() -> None:
    op.create_index("ix_runs_workspace_finished", "runs", ["workspace_id", "status", "finished_at"])
    op.create_index(
        "ix_runs_queued_function", "runs", ["function_id"], sqlite_where=_QUEUED, postgresql_where=_QUEUED
    )
