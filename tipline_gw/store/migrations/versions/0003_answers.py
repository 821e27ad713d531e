"""Answers that only a code opens.

Codes given before go on working: what was stored of them is derived once more, as that of new
codes is, so that one form is left. It was the very result of the memory-hard hash until now, and
copies of the old database hold it; therefore no answer key is made from it, and a case whose code
is older than this cannot be answered. The way back cannot undo that: codes are then forgotten, and
answers with them.

Revision ID: 0003
Revises: 0002
"""

import hmac

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SQLITE = {"sqlite_with_rowid": False, "sqlite_strict": True}
_HASH_INFO = b"tipline-gw case code: what the store finds it by"


def upgrade() -> None:
    octets = {"sqlite": "BLOB", "postgresql": "BYTEA"}[op.get_bind().dialect.name]
    op.execute(
        f"ALTER TABLE tip ADD COLUMN answer_key {octets}"
        " CONSTRAINT ck_tip_answer_key_length CHECK (length(answer_key) = 1216)"
    )
    _derive_codes()
    _set_roles(3)
    where = sa.text("role >= 2")
    op.create_index(
        "ix_sealed_answer",
        "sealed",
        ["tip_id"],
        unique=True,
        sqlite_where=where,
        postgresql_where=where,
    )


def downgrade() -> None:
    op.drop_index("ix_sealed_answer", "sealed")
    op.execute("DELETE FROM chunk WHERE sealed_id IN (SELECT id FROM sealed WHERE role >= 2)")
    op.execute("DELETE FROM sealed WHERE role >= 2")
    _set_roles(1)
    op.execute("UPDATE tip SET code_hash = NULL")
    op.drop_column("tip", "answer_key")


def _derive_codes() -> None:
    connection = op.get_bind()
    found = connection.execute(sa.text("SELECT id, code_hash FROM tip WHERE code_hash IS NOT NULL"))
    derived = [{"id": row.id, "hash": _hkdf(bytes(row.code_hash))} for row in found]
    if derived:
        connection.execute(sa.text("UPDATE tip SET code_hash = :hash WHERE id = :id"), derived)


def _hkdf(root: bytes) -> bytes:
    """HKDF-SHA-256 (RFC 5869) without a salt, one block."""
    key = hmac.digest(bytes(32), root, "sha256")
    return hmac.digest(key, _HASH_INFO + b"\x01", "sha256")


def _set_roles(highest: int) -> None:
    """SQLite cannot change a check: the table is made anew, and its rows are copied."""
    check = f"role BETWEEN 0 AND {highest}"
    if op.get_bind().dialect.name == "postgresql":
        # 0001 gave its names twice over: the naming convention put its prefix before them.
        op.execute(
            "ALTER TABLE sealed DROP CONSTRAINT ck_sealed_ck_sealed_role_range,"
            f" ADD CONSTRAINT ck_sealed_ck_sealed_role_range CHECK ({check})"
        )
        return
    if op.get_bind().exec_driver_sql("PRAGMA foreign_keys").scalar():
        raise RuntimeError("with foreign keys on, this would delete every chunk")
    with op.batch_alter_table(
        "sealed", recreate="always", copy_from=_sealed(check), table_kwargs=_SQLITE
    ):
        pass


def _sealed(check: str) -> sa.Table:
    metadata = sa.MetaData()
    sa.Table("tip", metadata, sa.Column("id", sa.LargeBinary, primary_key=True))
    return sa.Table(
        "sealed",
        metadata,
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column(
            "tip_id",
            sa.LargeBinary,
            sa.ForeignKey("tip.id", name="fk_sealed_tip_id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("role", sa.Integer, nullable=False),
        sa.Column("whole", sa.Integer, nullable=False),
        sa.Column("header", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sealed"),
        sa.CheckConstraint("length(id) = 16", name="ck_sealed_ck_sealed_id_length"),
        sa.CheckConstraint(check, name="ck_sealed_ck_sealed_role_range"),
        sa.CheckConstraint("whole BETWEEN 0 AND 1", name="ck_sealed_ck_sealed_whole_range"),
        sa.Index("ix_sealed_tip_id", "tip_id"),
    )
