import json

import pytest
from typer.testing import CliRunner

from tests.boundary import pdus
from tipline_gw.cli.pdu import app


def decode(*args: str, stdin: bytes = b"") -> list[dict[str, object]]:
    result = CliRunner().invoke(app, ["decode", *args], input=stdin)
    assert result.exit_code == 0
    pdus.assert_no_trace(result.output)
    return [json.loads(line) for line in result.stdout_bytes.decode("utf-8").splitlines()]


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_each_argument_is_a_line_of_json(option: list[str]) -> None:
    rows = decode(*option, pdus.deliver("Ayudá", encoding="ucs2", dcs=0x18), "ZZ")
    assert rows[0] == {
        "text": "Ayudá",
        "encoding": "ucs2",
        "concat": None,
        "class": 0,
        "received": "2026-03-11T14:30:40+00:00",
    }
    assert rows[1] == {"error": "not-hex"}


def test_lines_of_standard_input_are_decoded_whatever_they_hold() -> None:
    part = pdus.deliver("uno", header=pdus.concat(300, 2, 1, wide=True))
    rows = decode(
        stdin=f"{part}\n\n  \r\n".encode() + b"\xff\xfe\n" + pdus.status_report().encode()
    )
    assert rows[0]["concat"] == {"ref": 300, "total": 2, "seq": 1}
    assert rows[1:] == [{"error": "not-hex"}, {"error": "status-report"}]


def test_no_input_is_no_output() -> None:
    assert decode() == []
