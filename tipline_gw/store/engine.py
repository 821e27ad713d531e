"""Opens the database, and turns its drivers' errors into ours without their parameters."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from tipline_gw.errors import StoreError

MIGRATIONS = Path(__file__).parent / "migrations"

_WRITES = "tipline_writes"

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # a commit is on disk when it returns
    "secure_delete=ON",  # what is deleted is overwritten
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "busy_timeout=10000",
    "journal_size_limit=67108864",
)

_ON_DISK = """
    SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
        WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)
"""

_SESSION = {
    "client_encoding": "utf8",
    "connect_timeout": 10,  # seconds, as are those of keepalives
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10000,  # milliseconds
}
"""Of libpq. A server without power, or a firewall that forgot the connection, says nothing: the
writer would wait for an answer for a quarter of an hour, or two, and nothing be taken in. And a
database without an encoding (SQL_ASCII, where its locale was C) would give octets for text."""


def open_engine(url: str, *, make: bool = False) -> Engine:
    """An engine whose connections commit durably and whose errors hold no parameters. ``make``:
    SQLite's file, if it is not there. Else StoreError: whoever only looks, perhaps as root, must
    not leave a file that the daemon cannot open."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        path = Path(parsed.database)
        if make:
            _private(path)
        else:
            _require(path)
    if not _is_sqlite(url):
        return _of_a_server(parsed)
    engine = create_engine(parsed, hide_parameters=True)
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _Beginning(Path(parsed.database or "")))
    return engine


def open_store(url: str) -> Engine:
    """The engine of a store that is there and of this program's version. StoreError for any other:
    who does not migrate it must neither read it wrongly nor write into it."""
    engine = open_engine(url)
    try:
        _refuse_other_versions(engine)
    except StoreError:
        engine.dispose()
        raise
    return engine


def _refuse_other_versions(engine: Engine) -> None:
    with translated(), engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        raise StoreError(*_EMPTY)
    if revision != _newest():
        raise StoreError(*(_OLD if revision in _revisions() else _NEW))


def _of_a_server(url: URL) -> Engine:
    """Transactions see what others committed meanwhile, as those here count on, even if the
    database or the role is set to another isolation. What the URL says of the session stays."""
    session = {key: value for key, value in _SESSION.items() if key not in url.query}
    try:
        engine = create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
            connect_args=session,
        )
    except ImportError:
        raise StoreError(
            "PostgreSQL needs psycopg, which is not installed here",
            "pip install 'psycopg[binary]' beside this program",
        ) from None
    event.listen(engine, "connect", _commit_on_disk)
    return engine


def writing(engine: Engine) -> Engine:
    """The engine for transactions that write. On SQLite they wait for their turn as they begin:
    one that has read before it writes does not wait, but fails at once while another writes.
    Whoever reads alone begins on the engine as it is, and waits for nobody."""
    return engine.execution_options(**{_WRITES: True})


def snapshot(engine: Engine) -> Connection:
    """A connection on which every statement sees the store as the first one did, whatever is
    committed meanwhile: so it always is on SQLite."""
    with translated():
        connection = engine.connect()
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
    return connection


class _Beginning:
    """Begins SQLite's transactions. It refuses to write once the file is not where it was: SQLite
    would go on in one that was moved away or deleted, and nobody would find what it wrote."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first: int | None = None

    def __call__(self, connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        if writes:
            self._require_the_first()
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    def _require_the_first(self) -> None:
        try:
            found = self._path.stat().st_ino
        except OSError:
            found = -1
        self._first = found if self._first is None else self._first
        if found != self._first:
            raise StoreFaultError(
                "the store's file was moved, replaced or deleted while it is in use",
                "put it back, or restart the daemon",
            )


def _is_sqlite(url: str) -> bool:
    return url.startswith("sqlite:")


def _private(path: Path) -> None:
    """The file is made by us first, so that it is never readable by others."""
    with translated(), contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _require(path: Path) -> None:
    with contextlib.suppress(OSError):  # where it may not be looked for, opening it says so
        if not path.exists():
            raise StoreError("there is no store yet", "start the daemon once, or run init")


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, DDL and reads too
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _commit_on_disk(connection: Any, _record: Any) -> None:
    """PostgreSQL: a commit is on disk when it returns, there and on a standby that it waits for,
    even if the server, the database or the role is set to less, now or later. What is set to more
    stays."""
    cursor = connection.cursor()
    cursor.execute(_ON_DISK)
    cursor.close()
    connection.commit()


class StoreFaultError(StoreError):
    """The database failed, whatever it was asked: others will fare no better."""


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """SQLAlchemy's errors carry statements and parameters: only their nature goes on."""
    try:
        yield
    except IntegrityError:  # of what was to be written, not of the database
        raise StoreError("what was to be stored does not fit what the store holds") from None
    except DBAPIError as error:
        raise StoreFaultError(*_explained(error.orig)) from None
    except SQLAlchemyError as error:
        raise StoreFaultError(f"the store failed ({type(error).__name__})") from None
    except sqlite3.Error as error:  # of a statement that went past SQLAlchemy
        raise StoreFaultError(*_explained(error)) from None
    except OSError as error:
        raise StoreFaultError(
            f"the store's file cannot be made ({error.strerror})", "check store.url and its folder"
        ) from None


_EMPTY = ("the store has no tables yet", "start the daemon once, or run init")
_OLD = ("the store is of an older version", "start the daemon once: it migrates")
_UNREACHED = ("the database server cannot be reached", "check store.url and the server")
_DAMAGED = ("the store's file is damaged, or is no store", "restore it from a back-up")
_NEW = ("the store is of a newer version than this program", "run the newer program on it")


def _explained(cause: BaseException | None) -> tuple[str, str]:
    """By the error's name too: a server's words are in its administrator's language."""
    said = f"{type(cause).__name__}: {cause}".lower()
    known = (
        (
            "readonlysqltransaction",
            "the database takes no writes",
            "see whether it is a standby, or was set to read only",
        ),
        (
            "insufficientprivilege",
            "the database does not let its user do this",
            "make the user of store.url the owner of the database",
        ),
        (
            "full",
            "the disk of the store is full",
            "free space: nothing more is accepted until then",
        ),
        ("disk i/o", "the disk of the store fails", "look at the kernel's log"),
        ("unable to open", "the store's file cannot be opened", "check store.url and permissions"),
        ("readonly", "the store's file is read-only", "check its permissions and owner"),
        ("malformed", *_DAMAGED),
        ("not a database", *_DAMAGED),
        ("locked", "the store is locked by another process", "see who holds it open"),
        ("no such table", *_EMPTY),
        ("undefinedtable", *_EMPTY),
        ("no such column", *_OLD),
        ("undefinedcolumn", *_OLD),
        ("adminshutdown", *_UNREACHED),
        ("connection", *_UNREACHED),
    )
    for mark, what, todo in known:
        if mark in said:
            return what, todo
    return f"the store failed ({type(cause).__name__})", "see the database's own log"


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest revision; nothing to do is quick."""
    with translated(), rebuilding(engine) as connection:
        one_at_a_time(connection)
        if MigrationContext.configure(connection).get_current_revision() == _newest():
            return
        config = _alembic()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError:
            raise StoreError(*_NEW) from None
        _refuse_orphans(connection)


def one_at_a_time(connection: Connection) -> None:
    """PostgreSQL: whoever else migrates waits until this transaction is over, and then finds all
    done. On SQLite the transaction itself does that."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")


_MIGRATING = 0x7469706C
"""Ours among the database's advisory locks; any number does."""


@contextlib.contextmanager
def rebuilding(engine: Engine) -> Iterator[Connection]:
    """A transaction in which SQLite lets a table be made anew under those that refer to it. With
    foreign keys enforced, dropping the old one would delete whatever refers to its rows; and they
    cannot be switched inside a transaction."""
    sqlite = engine.dialect.name == "sqlite"
    with writing(engine).connect() as connection:
        raw = connection.connection
        if sqlite:
            raw.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
        finally:
            if sqlite:
                raw.execute("PRAGMA foreign_keys=ON")


def _refuse_orphans(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise StoreError("the store is damaged: rows refer to none", "restore it from a back-up")


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _newest() -> str | None:
    return ScriptDirectory.from_config(_alembic()).get_current_head()


def _revisions() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(_alembic()).walk_revisions()}
