"""What a reviewer sees of an exported text."""

import json

import pytest
from typer.testing import CliRunner

from tipline_gw.cli.tips import _harmless, app
from tipline_gw.sealing.identities import HybridIdentity, write_identity
from tipline_gw.sealing.padding import pad_text
from tipline_gw.sealing.recipients import Recipients
from tipline_gw.sealing.writer import seal

TEXT = "El comandante Juan Pérez, tel 656 123 4567, en la calle Mina 12"


@pytest.fixture
def opened(tmp_path):
    identity = HybridIdentity.generate()
    key = tmp_path / "reviewer.key"
    write_identity(key, identity)
    envelope = json.dumps({"kind": "sms", "text": TEXT}).encode()
    header, chunks = seal(Recipients((identity.recipient,)), pad_text(envelope))
    file = tmp_path / "a.json.age"
    file.write_bytes(header + b"".join(chunks))

    def run(*options: str) -> str:
        told = CliRunner().invoke(app, ["open", str(file), "-i", str(key), *options])
        assert told.exit_code == 0, told.output
        return told.output

    return run


def test_what_should_not_be_passed_on_is_marked_where_it_stands(opened):
    assert (
        "El comandante [[name: Juan Pérez]], tel [[phone: 656 123 4567]], "
        "en la [[address: calle Mina 12]]"
    ) in opened()


def test_what_a_text_says_to_the_terminal_is_shown_and_not_done():
    assert _harmless("Sí, señor\n\tRegión 4: \x1b[2J\x9b1m") == (
        "Sí, señor\n\tRegión 4: \\x1b[2J\\x9b1m"
    )


def test_the_data_holds_the_text_as_it_came_and_the_marks_beside_it(opened):
    (one,) = json.loads(opened("--json"))
    assert one["envelope"]["text"] == TEXT
    assert [(m["kind"], m["text"]) for m in one["marks"]] == [
        ("name", "Juan Pérez"),
        ("phone", "656 123 4567"),
        ("address", "calle Mina 12"),
    ]
    assert all(TEXT[m["start"] : m["end"]] == m["text"] for m in one["marks"])
