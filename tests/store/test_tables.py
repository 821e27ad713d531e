"""The schema itself keeps numbers out."""

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tipline_gw.store.engine import migrate
from tipline_gw.store.tables import metadata

SMALL = {"kind", "line", "received", "state", "role", "whole", "seq", "id"}
FIXED = {"id", "tip_id", "sealed_id", "code_hash", "code_salt"}
SEALED = {"header", "data"}


def columns():
    return [column for table in metadata.tables.values() for column in table.columns]


def test_no_column_holds_text():
    assert columns()
    for column in columns():
        assert isinstance(column.type, (sa.Integer, sa.LargeBinary)), column


def test_every_integer_is_too_small_for_a_number():
    for table in metadata.tables.values():
        checks = " ".join(
            str(c.sqltext) for c in table.constraints if isinstance(c, sa.CheckConstraint)
        )
        for column in table.columns:
            if isinstance(column.type, sa.Integer):
                high = int(checks.split(f"{column.name} BETWEEN")[1].split("AND")[1].split()[0])
                assert high < 10_000_000, column


def test_every_binary_is_random_hashed_or_sealed():
    for column in columns():
        if isinstance(column.type, sa.LargeBinary):
            assert column.name in FIXED | SEALED, column


def test_no_table_has_a_rowid(sqlite):
    with sqlite.connect() as connection:
        for name in metadata.tables:
            made = connection.exec_driver_sql(
                "SELECT sql FROM sqlite_master WHERE name = ?", (name,)
            ).scalar()
            assert "WITHOUT ROWID" in made
            assert "STRICT" in made


def test_the_migrations_make_these_tables(engine):
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrating_again_changes_nothing(engine):
    migrate(engine)
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "0001"
