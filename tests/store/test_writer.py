import resource
import threading
import time

import pytest
from sqlalchemy import insert, select

from tests.limits import limited
from tipline_gw.demo.stage import until
from tipline_gw.domain.tip import Kind, TipId
from tipline_gw.errors import StoreError
from tipline_gw.store import repository as repo
from tipline_gw.store import writer as writers
from tipline_gw.store.tables import tip
from tipline_gw.store.writer import Writer


def add(tip_id=None):
    tip_id = tip_id or TipId(repo.new_id())
    return lambda connection: repo.add_tip(connection, tip_id, Kind.SMS, 1, 490_000)


def count(engine) -> int:
    with engine.connect() as connection:
        return len(connection.execute(select(tip.c.id)).all())


def test_what_waits_is_committed_together(engine):
    groups = []
    writer = Writer(engine, lambda _seconds, jobs: groups.append(jobs))
    gate, held = threading.Event(), threading.Event()

    def hold(_connection):
        held.set()
        gate.wait(10)

    first = writer.submit(hold)
    held.wait(10)
    futures = [writer.submit(add()) for _ in range(20)]
    gate.set()
    for future in [first, *futures]:
        future.result(10)
    writer.close()
    assert groups == [1, 20]
    assert count(engine) == 20


def test_what_may_wait_rides_with_what_comes_until_somebody_waits(engine):
    groups = []
    writer = Writer(engine, lambda _seconds, jobs: groups.append(jobs))
    patient = [writer.submit(add(), within=30.0) for _ in range(5)]
    writer.submit(add()).result(10)
    assert all(future.done() for future in patient)
    writer.close()
    assert groups == [6]


def test_what_may_wait_does_not_wait_for_ever(engine):
    writer = Writer(engine)
    writer.submit(add(), within=0.1).result(10)
    late = writer.submit(add(), within=60.0)
    writer.close()
    assert late.done()
    assert count(engine) == 2


def test_one_that_fails_harms_only_itself(engine, writer):
    gate = threading.Event()
    writer.submit(lambda _connection: gate.wait(10))
    same = TipId(repo.new_id())
    good = [writer.submit(add(same)), writer.submit(add())]
    bad = writer.submit(add(same))
    worse = writer.submit(lambda _connection: 1 // 0)
    last = writer.submit(add())
    gate.set()
    for future in [*good, last]:
        future.result(10)
    with pytest.raises(StoreError):
        bad.result(10)
    with pytest.raises(StoreError, match="ZeroDivisionError"):
        worse.result(10)
    assert count(engine) == 3


def test_no_statement_and_no_parameter_in_an_error(writer):
    with pytest.raises(StoreError) as caught:
        writer.do(lambda c: c.execute(insert(tip).values(id=b"526561234567")))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "526561234567" not in str(caught.value)


def test_closing_commits_what_waits_and_refuses_more(engine):
    writer = Writer(engine)
    futures = [writer.submit(add()) for _ in range(50)]
    writer.close()
    assert all(future.done() for future in futures)
    assert count(engine) == 50
    with pytest.raises(StoreError, match="closing"):
        writer.submit(add())
    assert not writer.alive


def test_what_can_wait_rides_with_the_next_commit(engine):
    groups = []
    writer = Writer(engine, lambda _seconds, jobs: groups.append(jobs))
    order, gate, held = [], threading.Event(), threading.Event()

    def hold(_connection):
        held.set()
        gate.wait(10)

    writer.submit(hold)
    held.wait(10)
    writer.later(lambda _connection: order.append("lazy"))
    last = writer.submit(lambda _connection: order.append("job"))
    writer.later(lambda _connection: order.append("lazier"))
    gate.set()
    last.result(10)
    writer.close()
    assert order == ["lazy", "lazier", "job"]
    assert groups == [1, 3]


def test_what_can_wait_does_not_wait_for_ever(engine, monkeypatch):
    monkeypatch.setattr(writers, "LAZY_SECONDS", 0.05)
    writer, done = Writer(engine), threading.Event()
    for _ in range(2):
        done.clear()
        writer.later(lambda _connection: done.set())
        assert done.wait(10)
    writer.close()


def test_closing_commits_what_can_wait(engine):
    writer = Writer(engine)
    writer.later(add())
    writer.close()
    writer.later(add())
    assert count(engine) == 1


def test_a_lazy_job_that_fails_harms_nobody(engine, writer):
    gate = threading.Event()
    writer.submit(lambda _connection: gate.wait(10))
    writer.later(add())
    writer.later(lambda _connection: 1 // 0)
    writer.later(add())
    futures = [writer.submit(add()), writer.submit(add())]
    gate.set()
    for future in futures:
        future.result(10)
    assert count(engine) == 4
    assert writer.fault is None


def test_a_job_that_fails_loses_nothing_lazy(engine, writer):
    gate = threading.Event()
    writer.submit(lambda _connection: gate.wait(10))
    writer.later(add())
    bad = writer.submit(lambda _connection: 1 // 0)
    gate.set()
    with pytest.raises(StoreError):
        bad.result(10)
    assert count(engine) == 1


def test_a_full_disk_is_told_and_everything_before_is_kept(sqlite):
    engine, writer = sqlite, Writer(sqlite)
    writer.do(add())
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    def fill(connection):
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 4}")
        tip_id = TipId(repo.new_id())
        repo.add_tip(connection, tip_id, Kind.VOICE, 1, 490_000)
        repo.add_whole(connection, tip_id, repo.Role.RECORDING, b"h", [bytes(65552)] * 4)

    gate = threading.Event()
    writer.submit(lambda _connection: gate.wait(10))
    neighbour, full = writer.submit(add()), writer.submit(fill)
    gate.set()
    neighbour.result(10)
    with pytest.raises(StoreError, match="the disk of the store is full"):
        full.result(10)
    assert writer.fault == "the disk of the store is full"
    assert count(engine) == 2
    writer.do(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1000000"))
    writer.do(add())
    assert writer.fault is None
    writer.close()


def test_a_code_for_which_the_disk_is_too_full_says_so(sqlite):
    writer = Writer(sqlite)
    tips = [TipId(repo.new_id()) for _ in range(30)]
    for tip_id in tips:
        writer.do(add(tip_id))
    pages = writer.do(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar())
    writer.do(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages}"))

    def give(connection):
        for tip_id in tips:
            repo.give_code(connection, tip_id, tip_id * 2, bytes(1216))

    with pytest.raises(StoreError, match="the disk of the store is full"):
        writer.do(give)
    assert writer.fault == "the disk of the store is full"
    writer.close()


def a_log_that_cannot_grow(directory):
    return limited(resource.RLIMIT_FSIZE, (directory / "tips.db-wal").stat().st_size)


def test_a_commit_of_nothing_does_not_say_that_the_disk_has_room(sqlite, tmp_path):
    writer = Writer(sqlite)
    writer.do(add())
    with a_log_that_cannot_grow(tmp_path):
        for job in (add(), lambda c: repo.purge(c, 1)):
            with pytest.raises(StoreError, match="the disk of the store"):
                writer.do(job)
            assert writer.fault
    writer.do(lambda c: repo.purge(c, 1))
    assert writer.fault is None
    writer.close()


def test_that_a_fault_is_over_is_found_out_though_nothing_is_to_be_written(
    sqlite, tmp_path, monkeypatch
):
    monkeypatch.setattr(writers, "TRY_SECONDS", 0.05)
    writer = Writer(sqlite)
    writer.do(add())
    with a_log_that_cannot_grow(tmp_path):
        with pytest.raises(StoreError, match="the disk of the store"):
            writer.do(add())
        time.sleep(0.3)
        assert writer.fault
        assert writer.alive
    assert until(lambda: writer.fault is None, 10)
    writer.close()


def test_what_a_job_refuses_or_asks_wrongly_is_no_fault_of_the_store(writer):
    nowhere = TipId(repo.new_id())
    jobs = (
        lambda c: repo.add_tip(c, TipId(repo.new_id()), Kind.SMS, 1, 490_000, nowhere),
        lambda c: repo.give_code(c, nowhere, b"c" * 32, b"k" * 1216),
        lambda c: repo.add_sealed(c, nowhere, repo.new_id(), repo.Role.RECORDING, b"h"),
    )
    for job in jobs:
        with pytest.raises(StoreError):
            writer.do(job)
        assert writer.fault is None
    with pytest.raises(StoreError):
        writer.do(lambda c: c.exec_driver_sql("SELECT nothing FROM nowhere"))
    fault = writer.fault
    assert fault
    with pytest.raises(StoreError):
        writer.do(jobs[0])
    assert writer.fault == fault
