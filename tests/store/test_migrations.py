"""A store with tips in it comes through every migration whole."""

import pytest
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from tipline_gw.domain.tip import Kind, State, TipId
from tipline_gw.errors import StoreError
from tipline_gw.store import repository as repo
from tipline_gw.store.engine import MIGRATIONS, migrate, open_engine
from tipline_gw.store.writer import Writer

TIP, SEALED, HASH = b"t" * 16, b"s" * 16, b"h" * 32

ROWS_OF_0001 = (
    ("INSERT INTO gateway (id, code_salt) VALUES (1, :salt)", {"salt": b"g" * 16}),
    (
        "INSERT INTO tip (id, kind, line, received, state, code_hash)"
        " VALUES (:id, 0, 7, 490000, 1, :hash)",
        {"id": TIP, "hash": HASH},
    ),
    (
        "INSERT INTO sealed (id, tip_id, role, whole, header) VALUES (:id, :tip, 0, 1, :header)",
        {"id": SEALED, "tip": TIP, "header": b"head"},
    ),
    (
        "INSERT INTO chunk (sealed_id, seq, data) VALUES (:sealed, 0, :data)",
        {"sealed": SEALED, "data": b"x" * 40},
    ),
)


def to(engine: Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        up = MigrationContext.configure(connection).get_current_revision() is None
        (command.upgrade if up else command.downgrade)(config, revision)


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request, tmp_path):
    """A store of revision 0001 with a tip in it."""
    if request.param == "sqlite":
        made = open_engine(f"sqlite:///{tmp_path / 'old.db'}")
    else:
        made = open_engine(request.getfixturevalue("postgresql"))
        with made.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    to(made, "0001")
    with made.begin() as connection:
        for statement, values in ROWS_OF_0001:
            connection.execute(text(statement), values)
    yield made
    made.dispose()


def test_what_was_there_is_there_and_can_be_added_to(old):
    migrate(old)
    (row,) = repo.tips(old)
    assert (row.id, row.state, row.size, row.whole, row.adds_to) == (
        TIP, State.UNDER_REVIEW, 44, True, None,
    )  # fmt: skip
    assert repo.case_of(old, HASH) == repo.Case(TipId(TIP), State.UNDER_REVIEW)
    assert b"".join(repo.octets(old, SEALED)) == b"head" + b"x" * 40
    writer = Writer(old)
    assert writer.do(repo.code_salt) == b"g" * 16
    added = TipId(b"a" * 16)
    writer.do(
        lambda c: repo.add_texts(c, [repo.tip_row(added, Kind.SMS, 7, 490_001, TipId(TIP))], [], [])
    )
    assert [row.adds_to for row in repo.tips(old)] == [None, TIP]
    writer.do(lambda c: repo.drop_tip(c, TipId(TIP)))
    assert repo.tips(old) == []
    writer.close()


def test_an_old_store_says_that_it_is_old(old):
    with pytest.raises(StoreError, match="older version: start the daemon once"):
        repo.tips(old)


def test_the_way_back_leaves_the_tips(old):
    before = inspect(old).get_columns("tip")
    migrate(old)
    to(old, "0001")
    assert [c["name"] for c in inspect(old).get_columns("tip")] == [c["name"] for c in before]
    assert "place" not in inspect(old).get_table_names()
    with old.connect() as connection:
        assert connection.execute(text("SELECT id, code_hash FROM tip")).one() == (TIP, HASH)
