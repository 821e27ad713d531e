"""What a transaction can count on, whatever others do to the store at the same time."""

import contextlib
import sqlite3
import threading

import pytest
from sqlalchemy import make_url

from tipline_gw.domain.tip import Kind, TipId
from tipline_gw.store import repository as repo
from tipline_gw.store.engine import migrate, open_engine, writing
from tipline_gw.store.writer import Writer

HOURS = 490_000


def a_tip(connection, adds_to=None) -> TipId:
    tip_id = TipId(repo.new_id())
    repo.add_tip(connection, tip_id, Kind.SMS, 1, HOURS, adds_to)
    return tip_id


@contextlib.contextmanager
def locked(path, seconds=0.3):
    """Another process is in the middle of writing, for a moment."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(seconds, other.execute, ["ROLLBACK"])
    timer.start()
    yield
    timer.join()
    other.close()


def test_what_reads_before_it_writes_waits_for_its_turn(tmp_path, sqlite):
    writer = Writer(sqlite)
    case = writer.do(a_tip)
    with locked(tmp_path / "tips.db"):
        added = writer.do(lambda c: a_tip(c, adds_to=case))
    assert {row.id for row in repo.tips(sqlite)} == {case, added}
    assert writer.fault is None
    writer.close()


def test_a_migration_waits_for_its_turn(tmp_path):
    made = open_engine(f"sqlite:///{tmp_path / 'tips.db'}", make=True)
    made.connect().close()  # the first to open it sets the journal's mode
    with locked(tmp_path / "tips.db"):
        migrate(made)
    assert repo.tips(made) == []
    made.dispose()


def test_who_reads_waits_for_nobody_and_keeps_nobody_waiting(sqlite):
    with writing(sqlite).begin() as connection:
        a_tip(connection)
        assert repo.tips(sqlite) == []
    with sqlite.connect() as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM tip").scalar() == 1
        with writing(sqlite).begin() as connection:
            a_tip(connection)
        assert reader.exec_driver_sql("SELECT count(*) FROM tip").scalar() == 1


@pytest.mark.parametrize(
    ("set_to", "is_then"),
    [
        ("off", "on"),
        ("local", "on"),
        ("remote_write", "on"),
        ("on", "on"),
        ("remote_apply", "remote_apply"),
    ],
)
def test_commits_are_on_disk_whatever_the_server_is_set_to(postgresql, set_to, is_then):
    options = {"options": f"-c synchronous_commit={set_to}"}
    url = make_url(postgresql).update_query_dict(options)
    made = open_engine(url.render_as_string(hide_password=False))
    for _ in range(2):
        with made.connect() as connection:  # rolled back at the end
            shown = connection.exec_driver_sql("SHOW synchronous_commit").scalar()
            assert shown == is_then
    made.dispose()


def test_a_file_that_is_deleted_while_it_is_read_stays_whole(engine, writer):
    tip_id = writer.do(a_tip)
    file = (tip_id, repo.Role.RECORDING, b"head", [bytes([n]) * 16 for n in range(50)])
    sealed_id = writer.do(lambda c: repo.add_whole(c, *file))
    reading = repo.octets(engine, sealed_id)
    read = [next(reading)]
    writer.do(lambda c: repo.drop_sealed(c, [sealed_id]))
    assert [*read, *reading] == [b"head", *file[3]]
    assert list(repo.octets(engine, sealed_id)) == []


def test_what_is_being_added_to_a_case_stays_when_the_case_is_purged(engine, writer):
    old, added = TipId(repo.new_id()), TipId(repo.new_id())
    writer.do(lambda c: repo.add_tip(c, old, Kind.SMS, 1, HOURS - 1))
    under_way, go_on = threading.Event(), threading.Event()

    def addition(connection):
        repo.add_tip(connection, added, Kind.SMS, 1, HOURS, old)
        under_way.set()
        go_on.wait(10)

    def purge():
        with writing(engine).begin() as connection:
            purged.append(repo.purge(connection, HOURS))

    purged = []
    purger = threading.Thread(target=purge)
    future = writer.submit(addition)
    under_way.wait(10)
    purger.start()
    purger.join(0.5)
    assert purger.is_alive()
    go_on.set()
    future.result(10)
    purger.join(10)
    assert purged == [1]
    assert [(row.id, row.adds_to) for row in repo.tips(engine)] == [(added, None)]
