"""The schema itself keeps numbers out."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tipline_gw.domain.tip import Kind, TipId
from tipline_gw.errors import StoreError
from tipline_gw.store import repository as repo
from tipline_gw.store.engine import migrate
from tipline_gw.store.tables import chunk, metadata, sealed, tip

SMALL = {"kind", "line", "received", "state", "role", "whole", "seq", "id"}
FIXED = {"id", "tip_id", "sealed_id", "code_hash", "code_salt", "adds_to", "answer_key", "content"}
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


def _reflected(_thing, _name, kind, _from_database, _other) -> bool:
    """SQLAlchemy does not see what a foreign key that came with ADD COLUMN does on delete."""
    return kind != "foreign_key_constraint"


def test_the_migrations_make_these_tables(engine):
    opts = {"include_object": _reflected} if engine.dialect.name == "sqlite" else {}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, metadata) == []


def test_the_migrations_make_these_foreign_keys(sqlite):
    for table in metadata.tables.values():
        with sqlite.connect() as connection:
            rows = connection.exec_driver_sql(f"PRAGMA foreign_key_list({table.name})").all()
        made = {(row[3], f"{row[2]}.{row[4]}", row[6]) for row in rows}
        assert made == {
            (key.parent.name, key.target_fullname, key.ondelete) for key in table.foreign_keys
        }


def test_the_checks_hold_in_the_column_that_was_added(engine, writer):
    tip_id = TipId(repo.new_id())
    with pytest.raises(StoreError):
        writer.do(lambda c: add(c, tip_id, TipId(b"short")))
    with pytest.raises(StoreError):
        writer.do(lambda c: add(c, tip_id, TipId(b"n" * 16)))
    assert repo.tips(engine) == []


def test_migrating_again_changes_nothing(engine):
    migrate(engine)
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "0003"


def test_no_column_tells_when_an_answer_came_or_how_many_there_were():
    """Of time there is ``received``, of order ``seq`` within one file: neither of an answer."""
    for table in (tip, sealed, chunk):
        integers = {c.name for c in table.columns if isinstance(c.type, sa.Integer)}
        assert integers <= {"kind", "line", "received", "state", "role", "whole", "seq"}
    assert "received" not in sealed.columns


def test_what_an_answer_leaves_in_the_tables_tells_nothing_but_that_it_is_there(engine, writer):
    """The same rows, but for the random id, whenever and however often it was answered."""
    key, file = b"k" * 1216, (repo.Role.ANSWER_TEXT, b"age", [b"y" * 17])
    once, often = TipId(b"o" * 16), TipId(b"p" * 16)
    for tip_id in (once, often):
        writer.do(lambda c, t=tip_id: repo.add_tip(c, t, Kind.SMS, 7, 490_000))
        writer.do(lambda c, t=tip_id: repo.give_code(c, t, bytes(t) * 2, key))
    for tip_id in (often, often, once, often):
        writer.do(lambda c, t=tip_id: repo.put_answer(c, t, *file))
    assert rows_of(engine, once) == rows_of(engine, often)


def rows_of(engine, tip_id):
    with engine.connect() as connection:
        (found,) = connection.execute(sealed.select().where(sealed.c.tip_id == tip_id))
        chunks = connection.execute(chunk.select().where(chunk.c.sealed_id == found.id)).all()
        (row,) = connection.execute(tip.select().where(tip.c.id == tip_id))
    columns = (found.role, found.whole, found.header, row.received, row.state, row.answer_key)
    return columns, [(one.seq, one.data) for one in chunks]


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (tip, {"answer_key": b"k" * 1215}),
        (tip, {"answer_key": b"k" * 1217}),
        (tip, {"code_hash": b"h" * 31}),
        (sealed, {"role": 4}),
        (sealed, {"role": -1}),
        (sealed, {"whole": 2}),
        (sealed, {"id": b"short"}),
        (sealed, {"tip_id": b"n" * 16}),
    ],
)
def test_the_checks_hold_in_what_was_migrated(engine, writer, table, values):
    tip_id = TipId(repo.new_id())
    writer.do(lambda c: add(c, tip_id, None))
    writer.do(lambda c: repo.add_whole(c, tip_id, repo.Role.ENVELOPE, b"h", [b"x" * 16]))
    with pytest.raises(StoreError):
        writer.do(lambda c: c.execute(table.update().values(values)))


def add(connection, tip_id, adds_to):
    repo.add_texts(connection, [repo.tip_row(tip_id, Kind.SMS, 7, 490_000, adds_to)], [], [])
