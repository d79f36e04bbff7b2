"""the first schema"""

import sqlalchemy as sa
from alembic import op

import hexasched.store.tables


revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('artifacts',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('complete', sa.Boolean(), nullable=False),
    sa.Column('created_at', hexasched.store.tables.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_artifacts'))
    )
    op.create_table('audit',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('workspace_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('action', sa.String(length=64), nullable=False),
    sa.Column('object', sa.String(length=200), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit'))
    )
    op.create_table('login_failures',
    sa.Column('bucket', sa.String(length=320), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('window_started_at', hexasched.store.tables.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('bucket', name=op.f('pk_login_failures'))
    )
    op.create_table('settings',
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_settings'))
    )
    op.create_table('users',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('password_hash', sa.String(length=200), nullable=False),
    sa.Column('session_version', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', hexasched.store.tables.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
    sa.UniqueConstraint('email', name=op.f('uq_users_email'))
    )
    op.create_table('workers',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('host', sa.String(length=255), nullable=False),
    sa.Column('pid', sa.Integer(), nullable=False),
    sa.Column('slots', sa.Integer(), nullable=False),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.Column('started_at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('seen_at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('draining', sa.Boolean(), server_default=sa.text('(false)'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_workers'))
    )
    op.create_table('workspaces',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('timezone', sa.String(length=64), nullable=False),
    sa.Column('alert_email', sa.String(length=254), nullable=False),
    sa.Column('created_at', hexasched.store.tables.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_workspaces'))
    )
    op.create_table('artifact_chunks',
    sa.Column('artifact_id', sa.String(length=64), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['artifact_id'], ['artifacts.id'], name=op.f('fk_artifact_chunks_artifact_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('artifact_id', 'seq', name=op.f('pk_artifact_chunks'))
    )
    op.create_table('functions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('workspace_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(length=63), nullable=False),
    sa.Column('description', sa.Text(), server_default='', nullable=False),
    sa.Column('live_version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('env_revision', sa.Integer(), server_default='0', nullable=False),
    sa.Column('created_at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('deleted_at', hexasched.store.tables.Instant(), nullable=True),
    sa.ForeignKeyConstraint(['live_version_id'], ['versions.id'], name='fk_functions_live_version_id', use_alter=True),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_functions_workspace_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_functions'))
    )
    with op.batch_alter_table('functions', schema=None) as batch_op:
        batch_op.create_index('uq_functions_workspace_id_name', ['workspace_id', 'name'], unique=True, sqlite_where=sa.text('deleted_at IS NULL'), postgresql_where=sa.text('deleted_at IS NULL'))

    op.create_table('members',
    sa.Column('workspace_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('role', sa.String(length=16), nullable=False),
    sa.Column('created_at', hexasched.store.tables.Instant(), nullable=False),
    sa.CheckConstraint("role IN ('owner', 'developer', 'viewer')", name=op.f('ck_members_role')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_members_user_id')),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_members_workspace_id')),
    sa.UniqueConstraint('workspace_id', 'user_id', name=op.f('uq_members_workspace_id_user_id'))
    )
    with op.batch_alter_table('members', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_members_user_id'), ['user_id'], unique=False)

    op.create_table('outbox',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('workspace_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('dedupe_key', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('recipient', sa.String(length=254), nullable=False),
    sa.Column('message_id', sa.String(length=120), nullable=False),
    sa.Column('payload', sa.JSON(), nullable=False),
    sa.Column('created_at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('available_at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('tries', sa.Integer(), server_default='0', nullable=False),
    sa.Column('sent_at', hexasched.store.tables.Instant(), nullable=True),
    sa.Column('dead_at', hexasched.store.tables.Instant(), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.CheckConstraint('sent_at IS NULL OR dead_at IS NULL', name=op.f('ck_outbox_one_end')),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_outbox_workspace_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox')),
    sa.UniqueConstraint('dedupe_key', name=op.f('uq_outbox_dedupe_key')),
    sa.UniqueConstraint('message_id', name=op.f('uq_outbox_message_id'))
    )
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.create_index('ix_outbox_due', ['available_at'], unique=False, sqlite_where=sa.text('sent_at IS NULL AND dead_at IS NULL'), postgresql_where=sa.text('sent_at IS NULL AND dead_at IS NULL'))
        batch_op.create_index('ix_outbox_workspace', ['workspace_id', 'id'], unique=False)

    op.create_table('cron_jobs',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('workspace_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('function_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(length=63), nullable=False),
    sa.Column('expression', sa.String(length=256), nullable=False),
    sa.Column('timezone', sa.String(length=64), nullable=False),
    sa.Column('event', sa.Text(), server_default='{}', nullable=False),
    sa.Column('suspended', sa.Boolean(), server_default=sa.text('(false)'), nullable=False),
    sa.Column('owed_from', hexasched.store.tables.Instant(), nullable=True),
    sa.Column('suspend_reason', sa.Text(), server_default='', nullable=False),
    sa.Column('concurrency_policy', sa.String(length=8), server_default='Forbid', nullable=False),
    sa.Column('catch_up', sa.String(length=8), server_default='last', nullable=False),
    sa.Column('max_attempts', sa.Integer(), server_default='1', nullable=False),
    sa.Column('revision', sa.Integer(), server_default='1', nullable=False),
    sa.Column('next_run_at', hexasched.store.tables.Instant(), nullable=True),
    sa.Column('created_at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('deleted_at', hexasched.store.tables.Instant(), nullable=True),
    sa.CheckConstraint("catch_up IN ('skip', 'last', 'all')", name=op.f('ck_cron_jobs_catch_up')),
    sa.CheckConstraint("concurrency_policy IN ('Allow', 'Forbid', 'Replace')", name=op.f('ck_cron_jobs_concurrency_policy')),
    sa.CheckConstraint('NOT suspended OR next_run_at IS NULL', name=op.f('ck_cron_jobs_suspended_never_due')),
    sa.CheckConstraint('deleted_at IS NULL OR next_run_at IS NULL', name=op.f('ck_cron_jobs_deleted_never_due')),
    sa.CheckConstraint('max_attempts BETWEEN 1 AND 20', name=op.f('ck_cron_jobs_max_attempts')),
    sa.ForeignKeyConstraint(['function_id'], ['functions.id'], name=op.f('fk_cron_jobs_function_id')),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_cron_jobs_workspace_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cron_jobs'))
    )
    with op.batch_alter_table('cron_jobs', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_cron_jobs_function_id'), ['function_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_cron_jobs_next_run_at'), ['next_run_at'], unique=False)
        batch_op.create_index('uq_cron_jobs_workspace_id_name', ['workspace_id', 'name'], unique=True, sqlite_where=sa.text('deleted_at IS NULL'), postgresql_where=sa.text('deleted_at IS NULL'))

    op.create_table('env_vars',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('function_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(length=128), nullable=False),
    sa.Column('secret', sa.Boolean(), nullable=False),
    sa.Column('ciphertext', sa.LargeBinary(), nullable=False),
    sa.Column('updated_at', hexasched.store.tables.Instant(), nullable=False),
    sa.ForeignKeyConstraint(['function_id'], ['functions.id'], name=op.f('fk_env_vars_function_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_env_vars')),
    sa.UniqueConstraint('function_id', 'name', name=op.f('uq_env_vars_function_id_name'))
    )
    op.create_table('versions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('function_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.Integer(), nullable=True),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('runtime', sa.String(length=16), nullable=False),
    sa.Column('handler_file', sa.String(length=64), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('dependencies', sa.JSON(), nullable=False),
    sa.Column('lockfile', sa.Text(), nullable=True),
    sa.Column('limits', sa.JSON(), nullable=False),
    sa.Column('analysis', sa.JSON(), nullable=True),
    sa.Column('artifact_id', sa.String(length=64), nullable=True),
    sa.Column('created_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('created_at', hexasched.store.tables.Instant(), nullable=False),
    sa.CheckConstraint("state IN ('building', 'ready', 'failed')", name=op.f('ck_versions_state')),
    sa.ForeignKeyConstraint(['artifact_id'], ['artifacts.id'], name=op.f('fk_versions_artifact_id')),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('fk_versions_created_by')),
    sa.ForeignKeyConstraint(['function_id'], ['functions.id'], name=op.f('fk_versions_function_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_versions')),
    sa.UniqueConstraint('function_id', 'number', name=op.f('uq_versions_function_id_number'))
    )
    op.create_table('runs',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('workspace_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('function_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('cron_job_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('scheduled_for', hexasched.store.tables.Instant(), nullable=True),
    sa.Column('attempt', sa.Integer(), server_default='1', nullable=False),
    sa.Column('max_attempts', sa.Integer(), server_default='1', nullable=False),
    sa.Column('retry_of', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('occurrence_id', sa.String(length=64), nullable=True),
    sa.Column('drains', sa.Integer(), server_default='0', nullable=False),
    sa.Column('trigger', sa.String(length=16), nullable=False),
    sa.Column('created_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('idempotency_key', sa.String(length=64), nullable=True),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('reason', sa.String(length=16), nullable=True),
    sa.Column('event', sa.Text(), server_default='{}', nullable=False),
    sa.Column('available_at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('fence', sa.Integer(), server_default='0', nullable=False),
    sa.Column('hb_seq', sa.Integer(), server_default='0', nullable=False),
    sa.Column('worker_id', sa.String(length=32), nullable=True),
    sa.Column('cancel_requested_at', hexasched.store.tables.Instant(), nullable=True),
    sa.Column('claimed_at', hexasched.store.tables.Instant(), nullable=True),
    sa.Column('env_revision', sa.Integer(), nullable=True),
    sa.Column('created_at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('started_at', hexasched.store.tables.Instant(), nullable=True),
    sa.Column('finished_at', hexasched.store.tables.Instant(), nullable=True),
    sa.Column('duration_ms', sa.BigInteger(), nullable=True),
    sa.Column('cpu_ms', sa.BigInteger(), nullable=True),
    sa.Column('peak_memory_bytes', sa.BigInteger(), nullable=True),
    sa.Column('exit_code', sa.Integer(), nullable=True),
    sa.Column('signal', sa.Integer(), nullable=True),
    sa.Column('result', sa.Text(), nullable=True),
    sa.Column('error', sa.JSON(), nullable=True),
    sa.Column('warnings', sa.JSON(), nullable=True),
    sa.Column('env_read', sa.JSON(), nullable=True),
    sa.Column('env_missing', sa.JSON(), nullable=True),
    sa.Column('log_bytes', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('log_dropped_bytes', sa.BigInteger(), server_default='0', nullable=False),
    sa.CheckConstraint("(status IN ('queued', 'running') AND reason IS NULL) OR (status = 'succeeded' AND reason IS NOT NULL AND reason IN ('ok')) OR (status = 'failed' AND reason IS NOT NULL AND reason IN ('error', 'exit', 'signal', 'memory', 'load', 'unsettled', 'result', 'env_missing', 'denied', 'internal')) OR (status = 'timed_out' AND reason IS NOT NULL AND reason IN ('time', 'cpu')) OR (status = 'cancelled' AND reason IS NOT NULL AND reason IN ('user', 'replaced')) OR (status = 'lost' AND reason IS NOT NULL AND reason IN ('worker_gone', 'drain')) OR (status = 'skipped' AND reason IS NOT NULL AND reason IN ('overlap', 'queue_full', 'paused', 'blackout', 'catch_up', 'disabled')) OR (status = 'missed' AND reason IS NOT NULL AND reason IN ('server_down', 'deadline'))", name=op.f('ck_runs_reason')),
    sa.CheckConstraint("(status IN ('succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'skipped', 'missed')) = (finished_at IS NOT NULL)", name=op.f('ck_runs_finished_at')),
    sa.CheckConstraint("status != 'running' OR (worker_id IS NOT NULL AND claimed_at IS NOT NULL)", name=op.f('ck_runs_claimed')),
    sa.CheckConstraint("trigger IN ('cron', 'manual', 'test', 'api', 'retry', 'backfill', 'again')", name=op.f('ck_runs_trigger')),
    sa.CheckConstraint('attempt BETWEEN 1 AND 60', name=op.f('ck_runs_attempt')),
    sa.CheckConstraint('scheduled_for IS NULL OR cron_job_id IS NOT NULL', name=op.f('ck_runs_tick')),
    sa.ForeignKeyConstraint(['cron_job_id'], ['cron_jobs.id'], name=op.f('fk_runs_cron_job_id')),
    sa.ForeignKeyConstraint(['function_id'], ['functions.id'], name=op.f('fk_runs_function_id')),
    sa.ForeignKeyConstraint(['retry_of'], ['runs.id'], name=op.f('fk_runs_retry_of'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['version_id'], ['versions.id'], name=op.f('fk_runs_version_id')),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_runs_workspace_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_runs')),
    sa.UniqueConstraint('cron_job_id', 'scheduled_for', 'attempt', name=op.f('uq_runs_cron_job_id_scheduled_for_attempt')),
    sa.UniqueConstraint('workspace_id', 'idempotency_key', name=op.f('uq_runs_workspace_id_idempotency_key'))
    )
    with op.batch_alter_table('runs', schema=None) as batch_op:
        batch_op.create_index('ix_runs_active_cron_job', ['cron_job_id'], unique=False, sqlite_where=sa.text("status IN ('queued', 'running')"), postgresql_where=sa.text("status IN ('queued', 'running')"))
        batch_op.create_index('ix_runs_cron_job', ['cron_job_id', 'id'], unique=False)
        batch_op.create_index('ix_runs_function', ['function_id', 'id'], unique=False)
        batch_op.create_index('ix_runs_queued', ['available_at', 'id'], unique=False, sqlite_where=sa.text("status = 'queued'"), postgresql_where=sa.text("status = 'queued'"))
        batch_op.create_index('ix_runs_running', ['worker_id'], unique=False, sqlite_where=sa.text("status = 'running'"), postgresql_where=sa.text("status = 'running'"))
        batch_op.create_index('ix_runs_workspace', ['workspace_id', 'id'], unique=False)
        batch_op.create_index('ix_runs_workspace_status', ['workspace_id', 'status', 'id'], unique=False)

    op.create_table('windows',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('cron_job_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('from_at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('to_at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=16), nullable=False),
    sa.Column('created_at', hexasched.store.tables.Instant(), nullable=False),
    sa.CheckConstraint("reason IN ('paused', 'server_down', 'blackout', 'catch_up')", name=op.f('ck_windows_reason')),
    sa.CheckConstraint('from_at <= to_at AND count >= 1', name=op.f('ck_windows_span')),
    sa.ForeignKeyConstraint(['cron_job_id'], ['cron_jobs.id'], name=op.f('fk_windows_cron_job_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_windows')),
    sa.UniqueConstraint('cron_job_id', 'from_at', name=op.f('uq_windows_cron_job_id_from_at'))
    )
    op.create_table('builds',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('workspace_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('reason', sa.String(length=16), nullable=True),
    sa.Column('stage', sa.String(length=16), server_default='syntax', nullable=False),
    sa.Column('source', sa.JSON(), nullable=True),
    sa.Column('stages', sa.JSON(), nullable=True),
    sa.Column('result', sa.JSON(), nullable=True),
    sa.Column('run_after_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('fence', sa.Integer(), server_default='0', nullable=False),
    sa.Column('hb_seq', sa.Integer(), server_default='0', nullable=False),
    sa.Column('worker_id', sa.String(length=32), nullable=True),
    sa.Column('cancel_requested_at', hexasched.store.tables.Instant(), nullable=True),
    sa.Column('created_at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('claimed_at', hexasched.store.tables.Instant(), nullable=True),
    sa.Column('finished_at', hexasched.store.tables.Instant(), nullable=True),
    sa.CheckConstraint("(status IN ('succeeded', 'failed', 'cancelled', 'lost')) = (finished_at IS NOT NULL)", name=op.f('ck_builds_finished_at')),
    sa.CheckConstraint("kind IN ('deploy', 'draft', 'analyse')", name=op.f('ck_builds_kind')),
    sa.CheckConstraint("status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'lost')", name=op.f('ck_builds_status')),
    sa.ForeignKeyConstraint(['run_after_id'], ['runs.id'], name=op.f('fk_builds_run_after_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['version_id'], ['versions.id'], name=op.f('fk_builds_version_id')),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_builds_workspace_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_builds'))
    )
    with op.batch_alter_table('builds', schema=None) as batch_op:
        batch_op.create_index('ix_builds_open', ['id'], unique=False, sqlite_where=sa.text("status IN ('queued', 'running')"), postgresql_where=sa.text("status IN ('queued', 'running')"))
        batch_op.create_index(batch_op.f('ix_builds_version_id'), ['version_id'], unique=False)

    op.create_table('log_chunks',
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('fence', sa.Integer(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('stream', sa.String(length=1), nullable=False),
    sa.Column('at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.CheckConstraint("stream IN ('o', 'e', 's')", name=op.f('ck_log_chunks_stream')),
    sa.ForeignKeyConstraint(['run_id'], ['runs.id'], name=op.f('fk_log_chunks_run_id'), ondelete='CASCADE'),
    sa.UniqueConstraint('run_id', 'fence', 'seq', name=op.f('uq_log_chunks_run_id_fence_seq'))
    )
    op.create_table('build_log_chunks',
    sa.Column('build_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('fence', sa.Integer(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('stream', sa.String(length=1), nullable=False),
    sa.Column('at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.CheckConstraint("stream IN ('o', 'e', 's')", name=op.f('ck_build_log_chunks_stream')),
    sa.ForeignKeyConstraint(['build_id'], ['builds.id'], name=op.f('fk_build_log_chunks_build_id'), ondelete='CASCADE'),
    sa.UniqueConstraint('build_id', 'fence', 'seq', name=op.f('uq_build_log_chunks_build_id_fence_seq'))
    )
