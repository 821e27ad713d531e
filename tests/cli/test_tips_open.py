"""What a reviewer sees of an exported text."""

import json

import pytest
from click.testing import Result
from typer.testing import CliRunner

from tipline_gw.cli.tips import _harmless, app
from tipline_gw.sealing.identities import HybridIdentity, write_identity
from tipline_gw.sealing.padding import pad_text
from tipline_gw.sealing.recipients import Recipients
from tipline_gw.sealing.writer import seal

TEXT = "El comandante Juan Pérez, tel 656 123 4567, en la calle Mina 12"
ENVELOPE = json.dumps({"kind": "sms", "text": TEXT}).encode()


@pytest.fixture
def run(tmp_path):
    """``tips open`` of one file for each plaintext."""
    identity = HybridIdentity.generate()
    key = tmp_path / "reviewer.key"
    write_identity(key, identity)

    def invoke(*plaintexts: bytes, options: tuple[str, ...] = ()) -> Result:
        files = []
        for number, plaintext in enumerate(plaintexts):
            header, chunks = seal(Recipients((identity.recipient,)), pad_text(plaintext))
            files.append(tmp_path / f"{number}.json.age")
            files[-1].write_bytes(header + b"".join(chunks))
        return CliRunner().invoke(app, ["open", *map(str, files), "-i", str(key), *options])

    return invoke


@pytest.fixture
def opened(run):
    def output(*options: str) -> str:
        told = run(ENVELOPE, options=options)
        assert told.exit_code == 0, told.output
        return told.output

    return output


def test_what_should_not_be_passed_on_is_marked_where_it_stands(opened):
    assert (
        "El comandante [[name: Juan Pérez]], tel [[phone: 656 123 4567]], "
        "en la [[address: calle Mina 12]]"
    ) in opened()


def test_what_a_text_says_to_the_terminal_is_shown_and_not_done():
    assert _harmless("Sí, señor\n\tRegión 4: \x1b[2J\x9b1m") == (
        "Sí, señor\n\tRegión 4: \\x1b[2J\\x9b1m"
    )


@pytest.mark.parametrize("odd", [b"[1]", b"5", b"null", b'"abc"', b"[" * 100_000])
def test_an_odd_file_does_not_keep_the_others_from_being_opened(run, odd):
    told = run(odd, ENVELOPE)
    assert told.exit_code == 1
    assert isinstance(told.exception, SystemExit)
    assert "0.json.age: opened, but it holds no envelope" in told.stderr
    assert "[[name: Juan Pérez]]" in told.stdout


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_an_envelope_of_odd_values_is_shown_as_it_is(run, options):
    told = run(json.dumps({"text": 5, "\x1b[2J": [1, None]}).encode(), options=options)
    assert told.exit_code == 0, told.output
    assert "5" in told.stdout
    assert "\x1b" not in told.stdout


def test_the_data_holds_the_text_as_it_came_and_the_marks_beside_it(opened):
    (one,) = json.loads(opened("--json"))
    assert one["envelope"]["text"] == TEXT
    assert [(m["kind"], m["text"]) for m in one["marks"]] == [
        ("name", "Juan Pérez"),
        ("phone", "656 123 4567"),
        ("address", "calle Mina 12"),
    ]
    assert all(TEXT[m["start"] : m["end"]] == m["text"] for m in one["marks"])
