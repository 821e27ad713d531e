"""A store with tips in it comes through every migration whole."""

import pytest
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from tipline_gw.domain.tip import Kind, State, TipId
from tipline_gw.errors import AnswerError, StoreError
from tipline_gw.intake.codes import HASH_INFO
from tipline_gw.sealing.secret import hkdf_sha256
from tipline_gw.store import repository as repo
from tipline_gw.store.engine import MIGRATIONS, migrate, open_engine, rebuilding
from tipline_gw.store.writer import Writer

TIP, SEALED, ROOT = b"t" * 16, b"s" * 16, b"h" * 32
ADDED, RECORDING = b"a" * 16, b"r" * 16
HASH = bytes(hkdf_sha256(ROOT, b"", HASH_INFO))
"""What is stored of a code from 0003 on, where ROOT was stored before."""

ROWS_OF_0001 = (
    ("INSERT INTO gateway (id, code_salt) VALUES (1, :salt)", {"salt": b"g" * 16}),
    (
        "INSERT INTO tip (id, kind, line, received, state, code_hash)"
        " VALUES (:id, 0, 7, 490000, 1, :hash)",
        {"id": TIP, "hash": ROOT},
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
ROWS_OF_0002 = (
    (
        "INSERT INTO tip (id, kind, line, received, state, adds_to)"
        " VALUES (:id, 1, 7, 490001, 0, :tip)",
        {"id": ADDED, "tip": TIP},
    ),
    (
        "INSERT INTO sealed (id, tip_id, role, whole, header) VALUES (:id, :tip, 1, 0, :header)",
        {"id": RECORDING, "tip": ADDED, "header": b"h"},
    ),
    *(
        (
            "INSERT INTO chunk (sealed_id, seq, data) VALUES (:sealed, :seq, :data)",
            {"sealed": RECORDING, "seq": seq, "data": bytes([seq]) * 20},
        )
        for seq in range(3)
    ),
    (
        "INSERT INTO place (gateway, modem, storage, slot, content) VALUES (1, 2, 3, 4, :content)",
        {"content": b"c" * 8},
    ),
)


def to(engine: Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with rebuilding(engine) as connection:
        config.attributes["connection"] = connection
        now = MigrationContext.configure(connection).get_current_revision() or ""
        (command.upgrade if now < revision else command.downgrade)(config, revision)


def fill(engine: Engine, rows) -> None:
    with engine.begin() as connection:
        for statement, values in rows:
            connection.execute(text(statement), values)


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request, tmp_path):
    """A store of revision 0001 with a tip in it."""
    if request.param == "sqlite":
        made = open_engine(f"sqlite:///{tmp_path / 'old.db'}", make=True)
    else:
        made = open_engine(request.getfixturevalue("postgresql"))
        with made.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    to(made, "0001")
    fill(made, ROWS_OF_0001)
    yield made
    made.dispose()


@pytest.fixture
def newer(old):
    """The same as 0002 leaves it, with an addition by voice that broke off."""
    to(old, "0002")
    fill(old, ROWS_OF_0002)
    return old


@pytest.fixture
def writing():
    writers = []

    def do(engine, job):
        if not writers:
            writers.append(Writer(engine))
        return writers[0].do(job)

    yield do
    for writer in writers:
        writer.close()


def test_what_was_there_is_there_and_can_be_added_to(old, writing):
    migrate(old)
    (row,) = repo.tips(old)
    assert (row.id, row.state, row.size, row.whole, row.adds_to) == (
        TIP, State.UNDER_REVIEW, 44, True, None,
    )  # fmt: skip
    assert repo.case_of(old, HASH) == repo.Case(TipId(TIP), State.UNDER_REVIEW)
    assert b"".join(repo.octets(old, SEALED)) == b"head" + b"x" * 40
    assert writing(old, repo.code_salt) == b"g" * 16
    added = TipId(ADDED)
    writing(old, lambda c: repo.add_tip(c, added, Kind.SMS, 7, 490_001, TipId(TIP)))
    assert [row.adds_to for row in repo.tips(old)] == [None, TIP]
    writing(old, lambda c: repo.drop_tip(c, TipId(TIP)))
    assert repo.tips(old) == []


def test_0003_keeps_every_row_of_what_is_rebuilt(newer):
    migrate(newer)
    assert [(row.id, row.size, row.whole) for row in repo.tips(newer)] == [
        (TIP, 44, True), (ADDED, 61, False),
    ]  # fmt: skip
    assert b"".join(repo.octets(newer, RECORDING)) == b"h" + b"".join(
        bytes([seq]) * 20 for seq in range(3)
    )
    with newer.connect() as connection:
        assert connection.execute(text("SELECT content FROM place")).scalar() == b"c" * 8


def test_0003_keeps_codes_and_stores_nothing_that_opens_an_answer(newer, writing):
    migrate(newer)
    assert repo.case_of(newer, HASH) == repo.Case(TipId(TIP), State.UNDER_REVIEW)
    assert repo.case_of(newer, ROOT) is None
    assert [row.answer_key for row in repo.tips(newer)] == [None, None]
    with pytest.raises(AnswerError, match="no code that opens"):
        writing(newer, lambda c: answer(c, TIP))


def test_0003_lets_new_codes_be_answered_and_still_cascades(newer, writing):
    migrate(newer)
    fresh = TipId(b"f" * 16)
    writing(newer, lambda c: repo.add_tip(c, fresh, Kind.VOICE, 7, 490_002))
    writing(newer, lambda c: repo.give_code(c, fresh, b"n" * 32, b"k" * 1216))
    writing(newer, lambda c: answer(c, fresh))
    assert repo.case_of(newer, b"n" * 32).answer.role is repo.Role.ANSWER_TEXT
    for tip_id in (fresh, TIP):
        writing(newer, lambda c, tip_id=tip_id: repo.drop_tip(c, TipId(tip_id)))
    with newer.connect() as connection:
        for table in ("tip", "sealed", "chunk"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0


@pytest.mark.parametrize("old", ["sqlite"], indirect=True)
def test_0003_refuses_to_rebuild_where_it_would_delete(newer):
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with pytest.raises(RuntimeError, match="delete every chunk"), newer.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
    with newer.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM chunk")).scalar() == 4


def test_an_old_store_says_that_it_is_old(old):
    for _ in range(2):
        with pytest.raises(StoreError, match="older version: start the daemon once"):
            repo.tips(old)
        to(old, "0002")


def test_a_newer_store_says_that_it_is_newer(newer):
    with newer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer version than this program: run the newer"):
        migrate(newer)


def test_foreign_keys_are_enforced_again_after_a_migration(old, writing):
    migrate(old)
    with pytest.raises(StoreError):
        rows = [repo.tip_row(TipId(ADDED), Kind.SMS, 7, 490_001, TipId(b"n" * 16))]
        writing(old, lambda c: repo.add_texts(c, rows, [], []))


def test_the_way_back_leaves_the_tips_without_codes_and_answers(newer, writing):
    before = inspect(newer).get_columns("tip")
    migrate(newer)
    writing(newer, lambda c: repo.give_code(c, TipId(TIP), b"n" * 32, b"k" * 1216))
    writing(newer, lambda c: answer(c, TIP))
    to(newer, "0002")
    assert [c["name"] for c in inspect(newer).get_columns("tip")] == [c["name"] for c in before]
    with newer.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM sealed")).scalar() == 2
        assert connection.execute(text("SELECT count(*) FROM chunk")).scalar() == 4
    to(newer, "0001")
    assert "place" not in inspect(newer).get_table_names()
    with newer.connect() as connection:
        rows = connection.execute(text("SELECT id, code_hash FROM tip ORDER BY id")).all()
    assert rows == [(ADDED, None), (TIP, None)]


def answer(connection, tip_id) -> None:
    repo.put_answer(connection, TipId(tip_id), repo.Role.ANSWER_TEXT, b"age", [b"z" * 17])
