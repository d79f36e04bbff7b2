"""What autogeneration can't write: a finished run never changes; PostgreSQL's half of a circular reference."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_GUARDED = "status, reason, result, error, finished_at, attempt, scheduled_for, cron_job_id"

_SQLITE = f"""
CREATE TRIGGER runs_final BEFORE UPDATE OF {_GUARDED} ON runs WHEN OLD.finished_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a finished run never changes'); END
"""

_POSTGRES = (
    """
    CREATE FUNCTION runs_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'a finished run never changes' USING ERRCODE = 'check_violation'; END $$
    """,
    f"""
    CREATE TRIGGER runs_final BEFORE UPDATE OF {_GUARDED} ON runs FOR EACH ROW
    WHEN (OLD.finished_at IS NOT NULL) EXECUTE FUNCTION runs_final()
    """,
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(_SQLITE)
        return
    for statement in _POSTGRES:
        op.execute(statement)
    op.create_foreign_key("fk_functions_live_version_id", "functions", "versions", ["live_version_id"], ["id"])
