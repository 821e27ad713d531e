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
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

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

_ON_DISK = (
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')"
)


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
    engine = create_engine(parsed, hide_parameters=True, pool_pre_ping=not _is_sqlite(url))
    if _is_sqlite(url):
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
    else:
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


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


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
    even if the server, the database or the role is set to less. What is set to more stays."""
    cursor = connection.cursor()
    cursor.execute(_ON_DISK)
    cursor.close()
    connection.commit()


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """SQLAlchemy's errors carry statements and parameters: only their nature goes on."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(*_explained(error.orig)) from None
    except SQLAlchemyError as error:
        raise StoreError(f"the store failed ({type(error).__name__})") from None
    except sqlite3.Error as error:  # of a statement that went past SQLAlchemy
        raise StoreError(*_explained(error)) from None
    except OSError as error:
        raise StoreError(
            f"the store's file cannot be made ({error.strerror})", "check store.url and its folder"
        ) from None


_OLD = ("the store is of an older version", "start the daemon once: it migrates")


def _explained(cause: BaseException | None) -> tuple[str, str]:
    said = str(cause).lower()
    known = (
        (
            "full",
            "the disk of the store is full",
            "free space: nothing more is accepted until then",
        ),
        ("disk i/o", "the disk of the store fails", "look at the kernel's log"),
        ("unable to open", "the store's file cannot be opened", "check store.url and permissions"),
        ("readonly", "the store's file is read-only", "check its permissions and owner"),
        ("locked", "the store is locked by another process", "see who holds it open"),
        ("no such table", "the store has no tables yet", "start the daemon once, or run init"),
        ("no such column", *_OLD),
        ("column tip.", *_OLD),
        ("connection", "the database server cannot be reached", "check store.url and the server"),
    )
    for mark, what, todo in known:
        if mark in said:
            return what, todo
    return f"the store failed ({type(cause).__name__})", "see the database's own log"


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest revision; nothing to do is quick."""
    with translated(), rebuilding(engine) as connection:
        if MigrationContext.configure(connection).get_current_revision() == _newest():
            return
        config = _alembic()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError:
            raise StoreError(
                "the store is of a newer version than this program", "run the newer program on it"
            ) from None
        _refuse_orphans(connection)


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
