"""What is older than the store keeps it is gone: from the tables, and from the file itself."""

import os
import re
import sqlite3
import struct
import threading
import time

import pytest

from tipline_gw.domain.tip import Kind, TipId
from tipline_gw.errors import StoreError
from tipline_gw.intake import retention
from tipline_gw.store import memory
from tipline_gw.store import repository as repo
from tipline_gw.store.engine import migrate, open_engine
from tipline_gw.store.writer import Writer

NOW = 1_790_000_000.0
HOUR = int(NOW // 3600)


@pytest.fixture
def store(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'tips.db'}", make=True)
    migrate(engine)
    writer = Writer(engine)
    yield engine, writer
    writer.close()
    engine.dispose()


def tip(writer: Writer, hours: int, adds_to: TipId | None = None) -> tuple[TipId, list[bytes]]:
    """A tip with a code, an envelope and a recording of two chunks; all that is written of it."""
    tip_id = TipId(os.urandom(16))
    written = [os.urandom(size) for size in (200, 500, 200, 65552, 3000, 32, 1216)]
    head, text, header, first, last, code_hash, key = written

    def job(connection):
        row = repo.tip_row(tip_id, Kind.VOICE, 7, hours, adds_to)
        repo.add_texts(connection, [row], [], [])
        repo.add_whole(connection, tip_id, repo.Role.ENVELOPE, head, [text])
        repo.add_whole(connection, tip_id, repo.Role.RECORDING, header, [first, last])
        if adds_to is None:
            repo.give_code(connection, tip_id, code_hash, key)

    writer.do(job)
    return tip_id, [bytes(tip_id), *(written if adds_to is None else written[:5])]


def test_the_limit_is_whole_days_before_now():
    assert retention.limit(90, "hour", NOW) == HOUR - 90 * 24
    assert retention.limit(1, "day", NOW) == HOUR - HOUR % 24 - 24


def test_what_is_older_goes_with_all_that_belongs_to_it(store):
    engine, writer = store
    now = retention.limit(0, "hour")
    old, _ = tip(writer, now - 90 * 24 - 1)
    tip(writer, now - 90 * 24 - 1, adds_to=old)
    kept, _ = tip(writer, now - 90 * 24)
    assert retention.purge(engine, 90, "hour").deleted == 2
    assert [row.id for row in repo.tips(engine)] == [kept]
    with engine.connect() as connection:
        count = lambda table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()  # noqa: E731
        assert (count("sealed"), count("chunk")) == (2, 3)


def test_what_was_added_to_its_case_since_stays_for_its_own_time(store):
    engine, writer = store
    now = retention.limit(0, "hour")
    old, _ = tip(writer, now - 90 * 24 - 1)
    added, _ = tip(writer, now - 90 * 24, adds_to=old)
    assert retention.purge(engine, 90, "hour").deleted == 1
    assert [(row.id, row.adds_to, row.whole) for row in repo.tips(engine)] == [(added, None, True)]
    assert retention.purge(engine, 89, "hour").deleted == 1


def test_a_purge_waits_while_another_writes(tmp_path, store):
    engine, writer = store
    tip(writer, retention.limit(0, "hour") - 1000)
    other = sqlite3.connect(tmp_path / "tips.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, other.execute, ["ROLLBACK"])
    timer.start()
    assert retention.purge(engine, 30, "hour") == retention.Purged(1, rewritten=True)
    timer.join()
    other.close()


def test_nothing_of_it_can_be_carved_out_of_the_files(tmp_path, store):
    engine, writer = store
    now = retention.limit(0, "hour")
    gone = [octets for _ in range(8) for octets in tip(writer, now - 1000)[1]]
    kept = [octets for _ in range(3) for octets in tip(writer, now)[1]]
    there = carved(tmp_path, gone)
    assert len(there) > 50  # the method finds what is there
    assert retention.purge(engine, 30, "hour").deleted == 8
    assert carved(tmp_path, gone) == []
    assert len(carved(tmp_path, kept)) >= len(kept)


def test_while_somebody_reads_the_log_the_purge_is_not_said_to_be_whole(tmp_path, store):
    engine, writer = store
    tip(writer, retention.limit(0, "hour") - 1000)
    with engine.connect() as reader:
        reader.exec_driver_sql("SELECT count(*) FROM tip").scalar()
        with pytest.raises(StoreError, match="write-ahead log"):
            retention.purge(engine, 30, "hour")
    repo.checkpoint(engine)


def memory_of(monkeypatch, octets: int) -> None:
    monkeypatch.setattr(memory, "available", lambda: octets)


def test_a_store_too_large_for_the_memory_is_purged_but_not_written_anew_and_says_so(
    tmp_path, store, monkeypatch
):
    engine, writer = store
    for hours in (0, 1000):
        for _ in range(20):
            tip(writer, retention.limit(0, "hour") - hours)
    memory_of(monkeypatch, 2 << 20)
    before = (tmp_path / "tips.db").stat().st_size
    done = retention.purge(engine, 30, "hour")
    assert (done.deleted, done.rewritten, len(repo.tips(engine))) == (20, False, 20)
    assert re.search(r"takes [2-9] MiB of memory, and .* 1 MiB: stop the daemon", done.left_out)
    assert (tmp_path / "tips.db").stat().st_size >= before
    assert not (tmp_path / "tips.db-wal").stat().st_size


def test_what_was_left_out_is_made_up_for_when_there_is_memory(tmp_path, store, monkeypatch):
    engine, writer = store
    for _ in range(20):
        tip(writer, retention.limit(0, "hour") - 1000)
    memory_of(monkeypatch, 0)
    assert not retention.purge(engine, 30, "hour").rewritten
    before = (tmp_path / "tips.db").stat().st_size
    monkeypatch.undo()
    assert retention.purge(engine, 30, "hour") == retention.Purged(0, rewritten=True)
    assert (tmp_path / "tips.db").stat().st_size < before / 4


def test_memory_is_asked_for_what_is_in_use_alone(store, monkeypatch):
    engine, writer = store
    for _ in range(20):
        tip(writer, retention.limit(0, "hour") - 1000)
    memory_of(monkeypatch, 1 << 20)
    assert retention.purge(engine, 30, "hour").rewritten


def carved(folder, written: list[bytes]) -> list[bytes]:
    """The 16-octet pieces of what was written that stand anywhere in the store's files."""
    files = b"\0".join(path.read_bytes() for path in folder.iterdir())
    pieces = [octets[at : at + 16] for octets in written for at in range(0, len(octets) - 15, 512)]
    return [piece for piece in pieces if piece in files]


def test_no_time_finer_than_the_hour_is_in_the_file(tmp_path, store):
    engine, writer = store
    began = int(time.time()) - 2
    for _ in range(20):
        tip(writer, retention.limit(0, "hour"))
    repo.checkpoint(engine)
    data = (tmp_path / "tips.db").read_bytes()
    seconds = range(began, int(time.time()) + 3)
    forms = [struct.pack(form, second) for second in seconds for form in (">I", "<I", ">q", "<q")]
    forms += [time.strftime("%H:%M:%S", time.gmtime(second)).encode() for second in seconds]
    assert [form for form in forms if form in data] == []
    assert planted_is_found(tmp_path, forms)


def planted_is_found(folder, forms: list[bytes]) -> bool:
    """The method finds a moment that is there."""
    (folder / "planted").write_bytes(os.urandom(100) + forms[0] + os.urandom(100))
    return forms[0] in (folder / "planted").read_bytes()


def test_nothing_is_deleted_by_a_clock_that_has_not_gone_steadily_for_an_hour():
    jumps: list[float] = []
    now = {"wall": 1e9, "own": 50.0}
    clock = retention.Clock(
        lambda: jumps.append(now["own"]), lambda: now["wall"], lambda: now["own"]
    )

    def after(own, wall):
        now["own"] += own
        now["wall"] += wall
        return clock.steady()

    assert not clock.steady()
    assert not after(900, 900.4)
    assert not after(900, 899.6)
    assert after(1800, 1801)
    assert jumps == []
    assert not after(900, 900 + 100 * 86400)  # a false source of time
    assert not after(3500, 3500)
    assert after(200, 200)
    assert not after(900, 900 - 100 * 86400)  # and the true one
    assert jumps == [4550.0, 9150.0]
