"""What functions keep between their runs."""

import sqlalchemy as sa
from alembic import op

import hexasched.store.tables


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('kept',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('function_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('draft', sa.Boolean(), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('key', sa.String(length=256), nullable=False),
    sa.Column('ciphertext', sa.LargeBinary(), nullable=True),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('shown', sa.Text(), server_default='', nullable=False),
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('fence', sa.Integer(), nullable=False),
    sa.Column('token', sa.Integer(), server_default='0', nullable=False),
    sa.Column('updated_at', hexasched.store.tables.Instant(), nullable=False),
    sa.Column('expires_at', hexasched.store.tables.Instant(), nullable=False),
    sa.CheckConstraint("ciphertext IS NOT NULL OR kind = 'once'", name=op.f('ck_kept_value')),
    sa.CheckConstraint("kind IN ('value', 'once')", name=op.f('ck_kept_kind')),
    sa.ForeignKeyConstraint(['function_id'], ['functions.id'], name=op.f('fk_kept_function_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_kept')),
    sa.UniqueConstraint('function_id', 'draft', 'kind', 'key', name=op.f('uq_kept_function_id_draft_kind_key'))
    )
    with op.batch_alter_table('kept', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_kept_expires_at'), ['expires_at'], unique=False)
