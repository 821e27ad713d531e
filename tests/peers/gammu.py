"""An unmodified gammu-smsd that keeps what it receives in SQLite, in a directory of its own."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import AbstractContextManager, closing
from pathlib import Path

from tests.peers import programs

SCHEMA = Path("/usr/share/doc/gammu-smsd/examples/sqlite.sql")
CONFIG = """\
[gammu]
device = {device}
connection = at115200

[smsd]
service = sql
driver = sqlite3
dbdir = {home}
database = smsd.db
logfile = {home}/smsd.log
debuglevel = 0
commtimeout = 1
receivefrequency = 0
statusfrequency = 0
loopsleep = 0
checksecurity = 0
checkbattery = 0
checksignal = 0
"""
"""It never sleeps while there may be messages, and asks for nothing but them."""


class Gammu:
    """``home`` is made."""

    def __init__(self, home: Path, device: Path) -> None:
        self._home = home
        home.mkdir(parents=True)
        self._config = home / "smsdrc"
        self._config.write_text(CONFIG.format(device=device, home=home))

    def running(self) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """AssertionError that says what to install."""
        smsd = programs.find("gammu-smsd", "gammu-smsd")
        if not any(Path("/usr/lib").glob("*/dbd/libdbdsqlite3.so")):
            programs.install("libdbd-sqlite3")
        assert SCHEMA.exists(), f"{SCHEMA} is missing: dpkg left the documentation out here"
        with closing(sqlite3.connect(self._home / "smsd.db")) as database:
            database.executescript(SCHEMA.read_text())
        return programs.running([smsd, "-c", str(self._config)], self._home / "output")

    def received(self) -> int:
        with closing(sqlite3.connect(self._home / "smsd.db")) as database:
            return int(database.execute("SELECT count(*) FROM inbox").fetchone()[0])
