"""What a transaction can count on, whatever others do to the store at the same time."""

import contextlib
import sqlite3
import sys
import threading

import psycopg.errors
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError

from tipline_gw.demo.stage import until
from tipline_gw.domain.tip import Kind, TipId
from tipline_gw.errors import StoreError
from tipline_gw.store import repository as repo
from tipline_gw.store.engine import (
    migrate,
    one_at_a_time,
    open_engine,
    open_store,
    translated,
    writing,
)
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


def test_gateways_that_begin_at_once_on_a_new_database_all_begin(postgresql):
    made = open_engine(postgresql)
    with made.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    second = threading.Thread(target=migrate, args=(made,))
    with made.begin() as first:
        one_at_a_time(first)
        second.start()
        second.join(0.5)
        assert second.is_alive()
    second.join(30)
    writer = Writer(made)
    with made.begin() as first:
        salt = repo.code_salt(first)
        other = writer.submit(repo.code_salt)
        with pytest.raises(TimeoutError):
            other.result(0.5)
    assert other.result(10) == salt
    writer.close()
    made.dispose()


def test_a_file_that_was_moved_away_takes_no_more_tips(tmp_path, sqlite):
    writer, file = Writer(sqlite), tmp_path / "tips.db"
    kept = writer.do(a_tip)
    file.rename(tmp_path / "archive.db")
    for replaced in (False, True):
        if replaced:
            file.write_bytes(b"")
        with pytest.raises(StoreError, match="moved, replaced or deleted"):
            writer.do(a_tip)
        assert "moved" in writer.fault
    (tmp_path / "archive.db").replace(file)
    again = writer.do(a_tip)
    assert writer.fault is None
    writer.close()
    assert {row.id for row in repo.tips(sqlite)} == {kept, again}


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


@pytest.fixture
def administrator(postgresql):
    """Of the server: each statement by itself, and all of its settings as before at the end."""
    made = open_engine(postgresql).execution_options(isolation_level="AUTOCOMMIT")
    with made.connect() as connection:
        yield connection.exec_driver_sql
        connection.exec_driver_sql("ALTER SYSTEM RESET ALL")
        connection.exec_driver_sql("ALTER ROLE tipline RESET ALL")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    made.dispose()


def test_commits_stay_on_disk_when_the_server_is_set_to_less_later(postgresql, administrator):
    made = open_engine(postgresql)
    with made.connect() as connection:
        noticed = connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql
        administrator("ALTER SYSTEM SET synchronous_commit = 'off'")
        administrator("ALTER SYSTEM SET DateStyle = 'German'")
        administrator("SELECT pg_reload_conf()")
        until(lambda: noticed("SHOW DateStyle").scalar().startswith("German"), 10)
        assert noticed("SHOW synchronous_commit").scalar() == "on"
    made.dispose()


@pytest.mark.parametrize("isolation", ["serializable", "repeatable read"])
def test_another_isolation_of_the_role_refuses_no_tip(postgresql, administrator, isolation):
    administrator(f"ALTER ROLE tipline SET default_transaction_isolation = '{isolation}'")
    made = open_engine(postgresql)
    migrate(made)
    before = len(repo.tips(made))
    with made.begin() as one, made.begin() as other:
        for connection in (one, other):
            repo.older_than(connection, HOURS)
        for connection in (one, other):
            a_tip(connection)
    assert len(repo.tips(made)) == before + 2
    made.dispose()


def test_a_database_without_an_encoding_is_one_too(postgresql, administrator):
    administrator(
        "CREATE DATABASE plain TEMPLATE template0 ENCODING SQL_ASCII LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    url = postgresql.replace("/postgres?", "/plain?")
    made = open_engine(url)
    migrate(made)
    made.dispose()
    open_store(url).dispose()
    administrator("DROP DATABASE plain")


def parameters(url):
    made = open_engine(url)
    with made.connect() as connection:
        found = connection.connection.dbapi_connection.info.get_parameters()
    made.dispose()
    return found


def test_a_server_that_says_nothing_any_more_is_noticed(postgresql):
    wanted = {"connect_timeout", "keepalives_idle", "keepalives_interval", "tcp_user_timeout"}
    assert wanted < parameters(postgresql).keys()
    assert parameters(postgresql)["tcp_user_timeout"] == "10000"
    assert parameters(f"{postgresql}&tcp_user_timeout=5")["tcp_user_timeout"] == "5"


def test_postgresql_without_its_driver_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "psycopg"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"not installed here: pip install 'psycopg\[binary\]'"):
        open_engine("postgresql+psycopg://tipline@127.0.0.1:1/tips")


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (psycopg.errors.DiskFull, "disk of the store is full: free space"),
        (psycopg.errors.InsufficientPrivilege, "does not let its user do this: make the user"),
        (psycopg.errors.ReadOnlySqlTransaction, "takes no writes: see whether it is a standby"),
        (psycopg.errors.UndefinedTable, "no tables yet: start the daemon once"),
        (psycopg.errors.UndefinedColumn, "older version: start the daemon once"),
        (psycopg.errors.AdminShutdown, "server cannot be reached: check store.url"),
    ],
)
def test_what_a_server_says_is_understood_in_every_language(cause, said):
    with pytest.raises(StoreError, match=said) as caught, translated():
        raise ProgrammingError("INSERT", {}, cause("no se pudo, por «Ana»"))
    assert "Ana" not in str(caught.value)


def test_a_file_that_is_no_store_says_so(tmp_path):
    (tmp_path / "tips.db").write_bytes(b"nonsense" * 1000)
    with pytest.raises(StoreError, match="damaged, or is no store: restore it"):
        open_store(f"sqlite:///{tmp_path / 'tips.db'}")


VERSION = "UPDATE alembic_version SET version_num = '{}'"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (VERSION.format("9999"), "newer version than this program: run the newer program"),
        (VERSION.format("0002"), "older version: start the daemon once"),
        ("DROP TABLE alembic_version", "no tables yet: start the daemon once"),
    ],
)
def test_who_does_not_migrate_opens_a_store_of_this_version_only(engine, statement, said):
    url = engine.url.render_as_string(hide_password=False)
    open_store(url).dispose()
    with engine.begin() as connection:
        connection.execute(text(statement))
    with pytest.raises(StoreError, match=said):
        open_store(url)


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
