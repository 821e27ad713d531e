import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tipline_gw.store import engine as engines
from tipline_gw.store.writer import Writer


@pytest.fixture
def sqlite(tmp_path):
    made = engines.open_engine(f"sqlite:///{tmp_path / 'tips.db'}", make=True)
    engines.migrate(made)
    yield made
    made.dispose()


def _postgresql_bin() -> Path:
    """The server's own programs; Debian keeps them off PATH. Installed if they are not here."""
    for _ in range(2):
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if found:
            return found[-1].parent
        if os.geteuid() == 0 and shutil.which("apt-get"):
            install = (
                "apt-get update -qq; apt-get install -y -qq --no-install-recommends postgresql"
            )
            subprocess.run(["sh", "-c", install], check=False, capture_output=True)
    pytest.fail("PostgreSQL is needed: apt-get install postgresql")


def _as_server_user(*command: str | Path) -> None:
    """The server refuses to run as root."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run([*prefix, *map(str, command)], check=True, capture_output=True, cwd="/")


@pytest.fixture(scope="session")
def postgresql():
    """A server of the tests' own, on a socket; gives its URL."""
    programs = _postgresql_bin()
    folder = Path(tempfile.mkdtemp(prefix="tipline-pg-"))
    data = folder / "data"
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    _as_server_user(programs / "initdb", "-D", data, "-A", "trust", "-U", "tipline", "-E", "UTF8")
    options = f"-k {folder} -c listen_addresses="
    _as_server_user(
        programs / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start"
    )
    yield f"postgresql+psycopg://tipline@/postgres?host={folder}"
    _as_server_user(programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    """An empty store on each of the two databases."""
    if request.param == "sqlite":
        made = engines.open_engine(f"sqlite:///{tmp_path / 'tips.db'}", make=True)
    else:
        made = engines.open_engine(request.getfixturevalue("postgresql"))
        with made.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    engines.migrate(made)
    yield made
    made.dispose()


@pytest.fixture
def writer(engine):
    made = Writer(engine)
    yield made
    made.close()
