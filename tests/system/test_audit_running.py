"""The audit of a gateway in service, after somebody texted it from a telephone of their own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from tests.store.conftest import postgresql
from tests.system import world
from tipline_gw.demo.stage import until

__all__ = ["postgresql"]

OWN = "+526569871234"
SPANISH = "+34612983745"
TIPLINE = Path(sys.executable).with_name("tipline-gw")


@pytest.fixture(scope="module")
def home(root, tmp_path_factory):
    with world.home(tmp_path_factory.mktemp("running"), {"gsm0": ()}) as made:
        made.gateway.start()
        made.modems["gsm0"].control.receive(OWN, "hola")
        assert until(lambda: made.gateway.count("tips_total") == 1 and made.idle(), 60)
        yield made


def audited(home: world.Home, numbers: Path) -> tuple[int, dict]:
    words = [TIPLINE, "--config", home.config, "audit", "--running", "--numbers", numbers, "--json"]
    done = subprocess.run(words, input="\n", capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


def test_nothing_is_found_and_a_number_in_a_log_is(home, tmp_path):
    numbers = tmp_path / "numbers"
    numbers.write_text("+52 656 987 1234\n")
    code, told = audited(home, numbers)
    assert (code, told["clean"], told["rows"]) == (0, True, [])
    assert {"memory", "store", "log", "file"} <= set(told["looked"])
    (home.directory / "careless.log").write_text(f"call from {OWN}")
    code, told = audited(home, numbers)
    assert (code, told["places"], told["rows"][0]["what"]) == (1, 1, "log")
    assert OWN[3:] not in json.dumps(told)


def do(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def test_a_store_on_postgresql_is_searched_for_a_number_as_it_is_written_at_home(
    root, postgresql, tmp_path
):
    numbers = tmp_path / "numbers"
    numbers.write_text(f"{SPANISH}\n")
    with world.home(tmp_path, {"gsm0": ()}, {"url": f'"{postgresql}"'}) as made:
        made.gateway.start()
        made.modems["gsm0"].control.receive(SPANISH, "hola")
        assert until(lambda: made.gateway.count("tips_total") == 1 and made.idle(), 60)
        code, told = audited(made, numbers)
        assert (code, told["clean"], told["rows"]) == (0, True, [])
        assert "dead rows, write-ahead log" in str(told["notes"])
        assert "its 9 digits without country code" in str(told["notes"])
        do(postgresql, f"CREATE TABLE careless AS SELECT '{SPANISH[3:]}' AS who")
        code, told = audited(made, numbers)
        found = {(row["what"], row["where"], row["form"]) for row in told["rows"]}
        # The server's own files lie in a folder that is searched too, if it just wrote them.
        found = {row for row in found if "tipline-pg-" not in row[1]}
        assert (code, found) == (1, {("store", "table careless, column who", "plain, national")})
        assert made.gateway.stop() == 0


def test_where_none_runs_that_is_said(tmp_path, home):
    config = tmp_path / "tipline.toml"
    text = home.config.read_text()
    listen = text.split("[metrics]")[1].split('"')[1]
    config.write_text(text.replace(listen, "127.0.0.1:1"))
    words = [TIPLINE, "--config", config, "audit", "--running"]
    done = subprocess.run(words, input="\n", capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no gateway listens on 127.0.0.1:1" in done.stderr
