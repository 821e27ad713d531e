import os
import statistics
import subprocess
import sys

import pytest
from sqlalchemy import update

from tipline_gw.domain.tip import Kind, State, TipId
from tipline_gw.errors import AnswerError, StoreError
from tipline_gw.store import engine as engines
from tipline_gw.store import repository as repo
from tipline_gw.store import tables
from tipline_gw.store.engine import migrate, open_engine, translated
from tipline_gw.store.writer import Writer

KEY = b"k" * 1216
ANSWER = (repo.Role.ANSWER_TEXT, b"age", [b"y" * 17])


def new_tip(writer, kind=Kind.SMS, hours=490_000) -> TipId:
    tip_id = TipId(repo.new_id())
    writer.do(lambda connection: repo.add_tip(connection, tip_id, kind, 7, hours))
    return tip_id


def test_a_tip_with_its_files_comes_back(engine, writer):
    tip_id = new_tip(writer, Kind.VOICE)
    writer.do(lambda c: repo.add_whole(c, tip_id, repo.Role.ENVELOPE, b"head", [b"x" * 40]))
    sealed_id = repo.new_id()
    writer.do(lambda c: repo.add_sealed(c, tip_id, sealed_id, repo.Role.RECORDING, b"h"))
    writer.do(lambda c: repo.add_chunks(c, sealed_id, 0, [b"a" * 16, b"b" * 16], final=False))
    (row,) = repo.tips(engine)
    assert (row.kind, row.line, row.state, row.size, row.whole) == (
        Kind.VOICE, 7, State.RECEIVED, 44 + 33, False,
    )  # fmt: skip
    writer.do(lambda c: repo.add_chunks(c, sealed_id, 2, [b"c" * 16], final=True))
    assert repo.tips(engine)[0].whole
    envelope, recording = repo.sealed_of(engine, tip_id)
    assert (envelope.role, recording.role) == (repo.Role.ENVELOPE, repo.Role.RECORDING)
    assert b"".join(repo.octets(engine, recording.id)) == b"h" + b"a" * 16 + b"b" * 16 + b"c" * 16


def test_a_code_belongs_to_one_tip(engine, writer):
    first, second = new_tip(writer), new_tip(writer)
    assert writer.do(lambda c: repo.give_code(c, first, b"1" * 32, KEY))
    assert not writer.do(lambda c: repo.give_code(c, second, b"1" * 32, KEY))
    assert writer.do(lambda c: repo.give_code(c, second, b"2" * 32, KEY))
    assert repo.case_of(engine, b"2" * 32) == repo.Case(second, State.RECEIVED)
    assert repo.case_of(engine, b"3" * 32) is None


def test_no_code_for_a_tip_that_is_gone(writer):
    with pytest.raises(StoreError, match="not in the store"):
        writer.do(lambda c: repo.give_code(c, TipId(b"0" * 16), b"1" * 32, KEY))


def test_an_answer_is_found_by_the_code_and_counts_for_nothing_else(engine, writer):
    tip_id = new_tip(writer)
    writer.do(lambda c: repo.add_whole(c, tip_id, repo.Role.ENVELOPE, b"head", [b"x" * 40]))
    writer.do(lambda c: repo.give_code(c, tip_id, b"1" * 32, KEY))
    before = repo.tips(engine)[0]
    for role in (repo.Role.ANSWER_TEXT, repo.Role.ANSWER_SOUND):
        writer.do(lambda c, role=role: repo.put_answer(c, tip_id, role, b"age", [b"y" * 99] * 3))
        case = repo.case_of(engine, b"1" * 32)
        assert (case.tip, case.answer.role, case.answer.whole) == (tip_id, role, True)
    assert b"".join(repo.octets(engine, case.answer.id)) == b"age" + b"y" * 297
    (row,) = repo.tips(engine)
    assert (row.size, row.whole, row.answer_key) == (before.size, before.whole, KEY)
    assert (before.answered, row.answered) == (False, True)
    assert [file.role for file in repo.sealed_of(engine, tip_id)] == [repo.Role.ENVELOPE]


def test_an_answer_needs_a_code_that_opens_it(engine, writer):
    tip_id = new_tip(writer)
    for wrong in (tip_id, TipId(b"n" * 16)):
        with pytest.raises(AnswerError, match="no code"):
            writer.do(lambda c, wrong=wrong: repo.put_answer(c, wrong, *ANSWER))
    assert not repo.tips(engine)[0].answered


def test_a_case_has_one_answer_even_if_two_come_at_once(engine, writer):
    tip_id = new_tip(writer)
    writer.do(lambda c: repo.give_code(c, tip_id, b"1" * 32, KEY))
    writer.do(lambda c: repo.put_answer(c, tip_id, *ANSWER))
    with pytest.raises(StoreError):
        writer.do(lambda c: repo.add_whole(c, tip_id, *ANSWER))
    assert repo.case_of(engine, b"1" * 32).answer


def test_a_tip_is_added_to_an_open_case_alone(engine, writer):
    case, added = new_tip(writer), TipId(repo.new_id())
    add = lambda c: repo.add_tip(c, added, Kind.VOICE, 7, 490_000, case)  # noqa: E731
    closed = update(tables.tip).where(tables.tip.c.id == case)
    writer.do(lambda c: c.execute(closed.values(state=int(State.CLOSED_DUPLICATE))))
    with pytest.raises(StoreError, match="not open"):
        writer.do(add)
    writer.do(lambda c: c.execute(closed.values(state=int(State.ACTION_TAKEN))))
    writer.do(add)
    assert {row.adds_to for row in repo.tips(engine)} == {None, case}


def test_only_a_tip_with_speech_in_the_store_outlives_its_call(engine, writer):
    silent, headed, spoken = (new_tip(writer, Kind.VOICE) for _ in range(3))
    for tip_id in (silent, headed, spoken):
        writer.do(lambda c, t=tip_id: repo.put_envelope(c, t, b"head", [b"x" * 40]))
    for tip_id in (headed, spoken):
        file = (tip_id, bytes(tip_id), repo.Role.RECORDING, b"h")
        writer.do(lambda c, file=file: repo.add_sealed(c, *file))
    writer.do(lambda c: repo.add_chunks(c, bytes(spoken), 0, [b"a" * 16], final=False))
    for tip_id in (silent, headed, spoken):
        writer.do(lambda c, t=tip_id: repo.drop_if_unspoken(c, t))
    assert [row.id for row in repo.tips(engine)] == [spoken]


def test_dropping_a_tip_drops_all_of_it(engine, writer):
    tip_id = new_tip(writer)
    writer.do(lambda c: repo.add_whole(c, tip_id, repo.Role.ENVELOPE, b"head", [b"x" * 40]))
    writer.do(lambda c: repo.drop_tip(c, tip_id))
    assert repo.tips(engine) == []
    assert repo.sealed_of(engine, tip_id) == []


def test_the_salt_is_drawn_once(writer):
    assert writer.do(repo.code_salt) == writer.do(repo.code_salt)


def test_deleted_octets_are_gone_from_the_files(tmp_path, sqlite):
    engine, writer = sqlite, Writer(sqlite)
    tip_id = new_tip(writer)
    mark = os.urandom(64)
    writer.do(lambda c: repo.add_whole(c, tip_id, repo.Role.ENVELOPE, b"head", [mark]))
    writer.do(lambda c: repo.drop_tip(c, tip_id))
    repo.checkpoint(engine)
    writer.close()
    assert all(mark not in path.read_bytes() for path in tmp_path.iterdir())


def test_the_file_rewritten_does_not_tell_which_tip_came_first(tmp_path, sqlite):
    writer, marks = Writer(sqlite), []
    for _ in range(200):
        marks.append(os.urandom(1216))
        tip_id = new_tip(writer)
        code_hash, key = os.urandom(32), marks[-1]
        assert writer.do(lambda c, t=tip_id, h=code_hash, k=key: repo.give_code(c, t, h, k))
    writer.close()
    repo.checkpoint(sqlite)
    assert order_told(tmp_path, marks) > 0.9
    repo.rearrange(sqlite)
    assert abs(order_told(tmp_path, marks)) < 0.35
    assert len(repo.tips(sqlite)) == 200
    with sqlite.connect() as connection:
        read = lambda name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()  # noqa: E731
        assert (read("journal_mode"), read("integrity_check")) == ("wal", "ok")


def order_told(folder, marks) -> float:
    """The rank correlation of where the ends of long rows lie with the order of their arrival."""
    data = (folder / "tips.db").read_bytes()
    places = [data.index(mark[-100:]) for mark in marks]
    ranks = {place: rank for rank, place in enumerate(sorted(places))}
    return statistics.correlation([ranks[place] for place in places], range(len(places)))


def test_a_store_in_use_is_not_rewritten_and_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "_PRAGMAS", (*engines._PRAGMAS, "busy_timeout=1"))
    made = open_engine(f"sqlite:///{tmp_path}/tips.db", make=True)
    migrate(made)
    with made.connect() as other:
        other.exec_driver_sql("DELETE FROM tip")
        with pytest.raises(StoreError, match="locked by another process"):
            repo.rearrange(made)
    repo.rearrange(made)
    made.dispose()


def test_a_large_store_is_not_rewritten(tmp_path, sqlite):
    repo.checkpoint(sqlite)
    before = (tmp_path / "tips.db").read_bytes()
    assert not repo.rearrange(sqlite, largest=1)
    assert (tmp_path / "tips.db").read_bytes() == before


SHORT_OF_MEMORY = """
import sys
from tipline_gw.store.engine import open_engine
from tipline_gw.store.repository import rearrange

made = open_engine(sys.argv[1])
with made.connect() as connection:
    connection.exec_driver_sql("PRAGMA hard_heap_limit=2097152")
print(rearrange(made))
"""


def test_a_store_for_which_memory_runs_out_is_left_as_it_is(tmp_path, sqlite):
    writer = Writer(sqlite)
    tip_id, chunks = new_tip(writer), [os.urandom(1 << 16) for _ in range(128)]
    writer.do(lambda c: repo.add_whole(c, tip_id, repo.Role.RECORDING, b"head", chunks))
    writer.close()
    command = [sys.executable, "-c", SHORT_OF_MEMORY, str(sqlite.url)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.stdout, said.stderr) == ("False\n", "")
    assert len(repo.tips(sqlite)) == 1


def test_the_file_is_private(tmp_path, sqlite):
    assert (tmp_path / "tips.db").stat().st_mode & 0o77 == 0


def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path):
    with pytest.raises(StoreError, match=r"check store\.url"):
        open_engine(f"sqlite:///{tmp_path}/none/tips.db", make=True)


def test_who_only_looks_makes_no_store(tmp_path):
    with pytest.raises(StoreError, match="no store yet"):
        open_engine(f"sqlite:///{tmp_path}/new.db")
    assert not any(tmp_path.iterdir())


def test_no_tables_yet_is_a_clear_error(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/new.db", make=True)
    with pytest.raises(StoreError, match="no tables yet"):
        repo.tips(engine)
    engine.dispose()


def test_commits_are_synchronous(sqlite):
    with translated(), sqlite.connect() as connection:
        read = lambda name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()  # noqa: E731
        assert (read("journal_mode"), read("synchronous"), read("secure_delete")) == ("wal", 2, 1)


def test_what_is_written_anew_lies_in_memory_meanwhile_and_in_no_temporary_file(sqlite):
    with translated(), sqlite.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA temp_store").scalar() == 2


def test_a_store_is_opened_again_with_what_is_in_it(tmp_path):
    url = f"sqlite:///{tmp_path}/tips.db"
    for tips in (0, 1):
        engine = open_engine(url, make=True)
        migrate(engine)
        assert len(repo.tips(engine)) == tips
        writer = Writer(engine)
        new_tip(writer)
        writer.close()
        engine.dispose()
