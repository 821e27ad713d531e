"""Places on modems, and tips that add to a case.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SQLITE = {"sqlite_with_rowid": False, "sqlite_strict": True}


def upgrade() -> None:
    # SQLite takes a column's constraints with the column, not afterwards.
    octets = {"sqlite": "BLOB", "postgresql": "BYTEA"}[op.get_bind().dialect.name]
    op.execute(
        f"ALTER TABLE tip ADD COLUMN adds_to {octets}"
        " CONSTRAINT ck_tip_adds_to_length CHECK (length(adds_to) = 16)"
        " CONSTRAINT fk_tip_adds_to REFERENCES tip (id) ON DELETE CASCADE"
    )
    op.create_index("ix_tip_adds_to", "tip", ["adds_to"])
    op.create_table(
        "place",
        *(
            sa.Column(name, sa.Integer, primary_key=True, autoincrement=False)
            for name in ("gateway", "modem", "storage", "slot")
        ),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("gateway BETWEEN 0 AND 32767", name="ck_place_gateway_range"),
        sa.CheckConstraint("modem BETWEEN 0 AND 8388607", name="ck_place_modem_range"),
        sa.CheckConstraint("storage BETWEEN 0 AND 32767", name="ck_place_storage_range"),
        sa.CheckConstraint("slot BETWEEN 0 AND 999999", name="ck_place_slot_range"),
        sa.CheckConstraint("length(content) = 8", name="ck_place_content_length"),
        **_SQLITE,
    )


def downgrade() -> None:
    op.drop_table("place")
    op.drop_index("ix_tip_adds_to", "tip")
    op.drop_column("tip", "adds_to")
