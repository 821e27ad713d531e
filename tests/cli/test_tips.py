"""What a reviewer needs to answer is listed and exported by the command."""

import dataclasses
import json

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from tests.cli.conftest import tipline
from tests.intake.tips import keep
from tests.sealing import stock_age
from tipline_gw.cli import commands
from tipline_gw.intake.case_answers import AnswerKind
from tipline_gw.intake.codes import CodePool
from tipline_gw.intake.desk import Desk
from tipline_gw.sealing.recipients import load_recipients
from tipline_gw.store import memory
from tipline_gw.store import repository as repo
from tipline_gw.store.engine import migrate, open_engine
from tipline_gw.store.writer import Writer


def spelt(text: str, _language: str) -> bytes:
    return text.encode()


@pytest.fixture
def desk(gateway):
    """On the store of a gateway that does not run."""
    engine = open_engine(f"sqlite:///{gateway.parent}/tips.db")
    migrate(engine)
    writer = Writer(engine)
    codes = CodePool(writer.do(repo.code_salt), ready=1)
    recipients = load_recipients(gateway.parent / "recipients.txt")
    yield Desk(writer, engine, recipients, codes, "Línea", "hour", read_aloud=spelt)
    codes.close()
    writer.close()
    engine.dispose()


def listed(gateway) -> dict:
    rows = json.loads(tipline("tips", "list", "--json", config=gateway).stdout)
    return {row["id"]: row for row in rows}


def test_an_answer_goes_from_the_list_by_age_to_the_code(gateway, desk, tmp_path):
    tip_id, other = keep(desk), keep(desk)
    code = desk.give_code(tip_id)
    before = listed(gateway)
    assert before[other.hex()]["answer_to"] is None
    key = before[tip_id.hex()]["answer_to"]
    assert key.startswith("age1pq1")
    age = stock_age.find()
    desk.put_answer(tip_id, AnswerKind.TEXT, age("-r", key, stdin=b"Ya fuimos."))
    age.close()
    assert desk.news_of(code).answer("es") == b"Ya fuimos."
    after = listed(gateway)
    assert after[tip_id.hex()] == before[tip_id.hex()] | {"answered": True}
    assert after[other.hex()] == before[other.hex()]
    done = tipline("tips", "export", tmp_path / "out", "--json", config=gateway)
    assert sorted(json.loads(done.stdout)) == sorted(f"{t.hex()}.json.age" for t in (tip_id, other))
    exported = (tmp_path / "out" / f"{tip_id.hex()}.answer.pub").read_text()
    assert exported == f"{key}\n"


def test_the_list_for_people_has_no_keys_in_it(gateway, desk):
    tip_id = keep(desk)
    desk.give_code(tip_id)
    shown = tipline("tips", "list", config=gateway).stdout
    assert tip_id.hex() in shown
    assert "age1" not in shown
    assert max(map(len, shown.splitlines())) <= 120


@pytest.mark.parametrize("name", ["Avisos [juarez]", "Avisos [/juarez]", "Avisos :bell:"])
def test_the_name_of_the_line_is_shown_as_it_is_written(gateway, desk, name):
    keep(dataclasses.replace(desk, line=name))
    gateway.write_text(gateway.read_text().replace('"Línea de avisos"', f'"{name}"'))
    done = tipline("tips", "list", config=gateway)
    assert done.returncode == 0, done.stderr
    assert name in done.stdout


@pytest.mark.parametrize(("days", "code"), [(36500, 0), (36501, 2), (2**63 - 1, 2)])
def test_a_purge_takes_days_that_a_calendar_has(purge, days, code):
    assert purge(1 << 30, "--older-than", str(days)).exit_code == code


@pytest.mark.parametrize(("command", "said"), [("list", "answer_to"), ("export", ".answer.pub")])
def test_the_help_says_how_to_answer(command, said):
    assert said in tipline("tips", command, "--help").stdout


@pytest.fixture
def purge(gateway, desk, monkeypatch):
    """The command, where so many octets of memory are available."""

    def run(octets: int, *options: str):
        monkeypatch.setattr(memory, "available", lambda: octets)
        return CliRunner().invoke(
            commands.app, ["--config", str(gateway), "tips", "purge", *options]
        )

    return run


def test_a_purge_that_left_something_out_for_want_of_memory_says_so(purge):
    done = purge(1024)
    assert done.exit_code == 1
    assert done.stdout == "0 tips deleted, 90 days are kept\n"
    assert done.stderr.startswith("tipline-gw: the store was not written anew")
    assert "stop the daemon" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    done = purge(1024, "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert (told["deleted"], told["rewritten"]) == (0, False)
    assert "stop the daemon" in told["left_out"]


def test_a_purge_that_had_the_memory_says_so(purge):
    done = purge(1 << 30, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"deleted": 0, "rewritten": True, "left_out": None}


@pytest.mark.parametrize("words", [("list",), ("export", "out"), ("purge", "--older-than", "0")])
def test_a_store_of_a_newer_version_is_neither_read_nor_written(gateway, desk, tmp_path, words):
    keep(desk)
    with desk.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("UPDATE tip SET received = 1"))
    place = [tmp_path / word if word == "out" else word for word in words]
    done = tipline("tips", *place, config=gateway)
    assert done.returncode == 1
    assert "newer version than this program: run the newer program on it" in done.stderr
    assert len(repo.tips(desk.engine)) == 1
