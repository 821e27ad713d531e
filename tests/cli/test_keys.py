from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tipline_gw.cli.keys import app
from tipline_gw.errors import SealError
from tipline_gw.sealing.identities import ClassicIdentity, load_identities
from tipline_gw.sealing.recipients import parse_recipient


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "reviewer.key"


def test_new_writes_a_private_file_and_prints_its_hybrid_public_key_alone(file: Path) -> None:
    told = run("new", file)
    assert told.exit_code == 0
    (identity,) = load_identities(file)
    assert told.output == identity.public_key + "\n"
    assert parse_recipient(told.output.strip()).post_quantum
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_new_as_json(file: Path) -> None:
    told = json.loads(run("new", file, "--json").output)
    (identity,) = load_identities(file)
    assert told == {"file": str(file), "public_key": identity.public_key}


def test_new_fails_on_a_file_that_is_there_and_leaves_it(file: Path) -> None:
    file.write_text("precious")
    told = run("new", file)
    assert told.exit_code == 1
    assert isinstance(told.exception, SealError)
    assert str(file) in str(told.exception)
    assert "\n" not in str(told.exception)
    assert told.output == ""
    assert file.read_text() == "precious"


def test_show_prints_the_public_key_of_each_identity(file: Path) -> None:
    made = run("new", file).output.strip()
    classic = ClassicIdentity.generate()
    file.write_text(f"{file.read_text()}{classic.secret()}\n")
    assert run("show", file).output.split() == [made, classic.public_key]
    told = json.loads(run("show", file, "--json").output)
    assert told == {"file": str(file), "public_keys": [made, classic.public_key]}


def test_show_refuses_a_file_that_others_can_read(file: Path) -> None:
    run("new", file)
    file.chmod(0o644)
    told = run("show", file)
    assert told.exit_code == 1
    assert isinstance(told.exception, SealError)


def test_no_command_prints_a_secret(file: Path) -> None:
    told = run("new", file).output + run("show", file).output + run("show", file, "--json").output
    assert "SECRET" not in told


@pytest.mark.parametrize("arguments", [["new"], ["show"], ["forget", "x"]])
def test_wrong_usage_exits_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2
