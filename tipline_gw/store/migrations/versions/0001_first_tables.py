"""The first tables: gateway, tip, sealed, chunk.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SQLITE = {"sqlite_with_rowid": False, "sqlite_strict": True}


def upgrade() -> None:
    op.create_table(
        "gateway",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("code_salt", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("id BETWEEN 1 AND 1", name="ck_gateway_id_range"),
        sa.CheckConstraint("length(code_salt) = 16", name="ck_gateway_code_salt_length"),
        **_SQLITE,
    )
    op.create_table(
        "tip",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("kind", sa.Integer, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("received", sa.Integer, nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("code_hash", sa.LargeBinary),
        sa.CheckConstraint("length(id) = 16", name="ck_tip_id_length"),
        sa.CheckConstraint("kind BETWEEN 0 AND 1", name="ck_tip_kind_range"),
        sa.CheckConstraint("line BETWEEN 0 AND 32767", name="ck_tip_line_range"),
        sa.CheckConstraint("received BETWEEN 0 AND 9999999", name="ck_tip_received_range"),
        sa.CheckConstraint("state BETWEEN 0 AND 7", name="ck_tip_state_range"),
        sa.CheckConstraint("length(code_hash) = 32", name="ck_tip_code_hash_length"),
        **_SQLITE,
    )
    op.create_index("ix_tip_code_hash", "tip", ["code_hash"], unique=True)
    op.create_index("ix_tip_received", "tip", ["received"])
    op.create_table(
        "sealed",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column(
            "tip_id",
            sa.LargeBinary,
            sa.ForeignKey("tip.id", name="fk_sealed_tip_id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("role", sa.Integer, nullable=False),
        sa.Column("whole", sa.Integer, nullable=False),
        sa.Column("header", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("length(id) = 16", name="ck_sealed_id_length"),
        sa.CheckConstraint("role BETWEEN 0 AND 1", name="ck_sealed_role_range"),
        sa.CheckConstraint("whole BETWEEN 0 AND 1", name="ck_sealed_whole_range"),
        **_SQLITE,
    )
    op.create_index("ix_sealed_tip_id", "sealed", ["tip_id"])
    op.create_table(
        "chunk",
        sa.Column(
            "sealed_id",
            sa.LargeBinary,
            sa.ForeignKey("sealed.id", name="fk_chunk_sealed_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("seq BETWEEN 0 AND 999999", name="ck_chunk_seq_range"),
        sa.CheckConstraint("length(data) BETWEEN 16 AND 65552", name="ck_chunk_data_range"),
        **_SQLITE,
    )


def downgrade() -> None:
    for table in ("chunk", "sealed", "tip", "gateway"):
        op.drop_table(table)
