"""What CronJobs do beyond their schedule, runs that take turns or have a deadline, blackouts."""

import sqlalchemy as sa
from alembic import op

import hexasched.store.tables


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('blackouts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('workspace_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('cron_job_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('from_at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('to_at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('created_at', hexasched.store.tables.Instant(), nullable=False),
    sa.CheckConstraint('from_at < to_at', name=op.f('ck_blackouts_span')),
    sa.ForeignKeyConstraint(['cron_job_id'], ['cron_jobs.id'], name=op.f('fk_blackouts_cron_job_id')),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_blackouts_workspace_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_blackouts'))
    )
    with op.batch_alter_table('blackouts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_blackouts_workspace_id_to_at'), ['workspace_id', 'to_at'], unique=False)

    with op.batch_alter_table('cron_jobs', schema=None) as batch_op:
        batch_op.add_column(sa.Column('suspended_until', hexasched.store.tables.Instant(), nullable=True))
        batch_op.add_column(sa.Column('queue_limit', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('starting_deadline_s', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('retry_delay_s', sa.Integer(), server_default='10', nullable=False))
        batch_op.add_column(sa.Column('retry_max_delay_s', sa.Integer(), server_default='3600', nullable=False))
        batch_op.add_column(sa.Column('retry_on', hexasched.store.tables.Words(length=200), server_default='error,exit,signal,memory,unsettled,time,cpu,worker_gone', nullable=False))
        batch_op.add_column(sa.Column('spread_s', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('starts_at', hexasched.store.tables.Instant(), nullable=True))
        batch_op.add_column(sa.Column('ends_at', hexasched.store.tables.Instant(), nullable=True))
        batch_op.add_column(sa.Column('successful_history_limit', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('failed_history_limit', sa.Integer(), nullable=True))

    with op.batch_alter_table('runs', schema=None) as batch_op:
        batch_op.add_column(sa.Column('starts_by', hexasched.store.tables.Instant(), nullable=True))
        batch_op.add_column(sa.Column('serial_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.add_column(sa.Column('cancel_reason', sa.String(length=16), nullable=True))
        batch_op.create_index('ix_runs_starts_by', ['starts_by'], unique=False, sqlite_where=sa.text("status = 'queued' AND starts_by IS NOT NULL"), postgresql_where=sa.text("status = 'queued' AND starts_by IS NOT NULL"))
        batch_op.create_index('uq_runs_serial_key', ['serial_key'], unique=True, sqlite_where=sa.text("status = 'running'"), postgresql_where=sa.text("status = 'running'"))

    with op.batch_alter_table('windows', schema=None) as batch_op:
        batch_op.add_column(sa.Column('note', sa.String(length=100), server_default='', nullable=False))

