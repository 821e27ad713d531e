"""What of an AGI environment is let in, and what any stream of octets does."""

import io

import pytest
from hypothesis import given

from tests.boundary import pdus
from tests.boundary.hundred_thousand import byte_strings, half
from tipline_gw.boundary.agi_environment import MAX_LINE, MAX_LINES, read_environment
from tipline_gw.errors import VoiceError

NUMBER = pdus.NUMBER
ASTERISK = f"""agi_network: yes
agi_network_script: tipline
agi_request: agi://127.0.0.1:4573/{NUMBER}
agi_channel: PJSIP/{NUMBER}-00000001
agi_language: es
agi_type: PJSIP
agi_uniqueid: 1773239440.12
agi_version: 22.10.0
agi_callerid: {NUMBER}
agi_calleridname: Ana
agi_callingpres: 0
agi_dnid: {NUMBER}
agi_rdnis: {NUMBER}
agi_context: tipline
agi_extension: {NUMBER}
agi_priority: 1
agi_enhanced: 0.0
agi_accountcode:
agi_threadid: 140
agi_arg_1: trunk-1
agi_arg_2: {NUMBER}

"""


def read(raw: bytes) -> dict[str, str]:
    return read_environment(io.BytesIO(raw).readline)


def test_of_asterisks_environment_six_variables_are_let_in() -> None:
    assert read(ASTERISK.encode()) == {
        "agi_network": "yes",
        "agi_network_script": "tipline",
        "agi_language": "es",
        "agi_version": "22.10.0",
        "agi_enhanced": "0.0",
        "agi_arg_1": "trunk-1",
    }


def test_trunk_and_number_are_let_in_by_their_names() -> None:
    told = {"agi_arg_1": "pri-2", "agi_arg_2": "centro"}
    assert read(b"agi_arg_1: pri-2\nagi_arg_2: centro\n\n") == told


def test_carriage_returns_are_forgiven_and_the_rest_is_left() -> None:
    stream = io.BytesIO(b"agi_language: es_MX\r\n\r\n200 result=0\n")
    assert read_environment(stream.readline) == {"agi_language": "es_MX"}
    assert stream.read() == b"200 result=0\n"


@pytest.mark.parametrize(
    "line",
    [f"agi_network_script: {NUMBER}", "agi_network_script: a12345", "agi_network_script: 1a2b3c4d5",
     f"agi_arg_2: {NUMBER}", "agi_arg_2: centro-65612", "agi_arg_2: ", "agi_arg_3: centro",
     f"agi_arg_1: {NUMBER}", "agi_arg_1: line-65612", "agi_arg_1: 1line", "agi_arg_1: LINE",
     "agi_arg_1: " + "a" * 32, f"agi_language: {NUMBER}", "agi_language: español",
     f"agi_version: {NUMBER}", "agi_version: 5265.6123.4567", "agi_enhanced: 526",
     "agi_network: si", "AGI_LANGUAGE: es", "agi_languages: es", "xagi_language: es",
     "agi_language es", "es", ":", ": es"],
)  # fmt: skip
def test_what_could_be_a_number_or_has_no_known_name_is_dropped(line: str) -> None:
    assert read(f"{line}\n\n".encode()) == {}


def test_line_buffers_it_is_given_are_wiped() -> None:
    given_lines = [bytearray(f"agi_callerid: {NUMBER}\n".encode()), bytearray(b"\n")]
    lines = iter(given_lines)
    assert read_environment(lambda _limit: next(lines)) == {}
    assert all(line == bytes(len(line)) for line in given_lines)


def test_it_asks_for_no_more_than_its_bound() -> None:
    asked: list[int] = []

    def readline(limit: int) -> bytes:
        asked.append(limit)
        return b"\n"

    read_environment(readline)
    assert asked == [MAX_LINE]


@pytest.mark.parametrize(
    "raw",
    [b"", b"agi_network: yes", b"agi_network: yes\n", b"x" * (MAX_LINE + 1) + b"\n\n",
     b"a: b\n" * MAX_LINES + b"\n"],
)  # fmt: skip
def test_a_stream_that_breaks_the_bounds_is_refused_without_saying_it(raw: bytes) -> None:
    with pytest.raises(VoiceError) as caught:
        read(raw)
    assert "agi_network" not in str(caught.value)


def test_the_longest_lines_and_most_of_them_are_taken() -> None:
    line = b"x" * (MAX_LINE - 1) + b"\n"
    assert read(line * (MAX_LINES - 1) + b"\n") == {}


def _reads_or_refuses(raw: bytes) -> None:
    try:
        environment = read(raw)
    except VoiceError:
        return
    for name, value in environment.items():
        assert name.isascii()
        assert value.isascii()
        assert sum(char.isdigit() for char in value) < 13


_PIECES = (
    b"agi_language: ", b"agi_arg_1: ", b"agi_network_script: ", b"agi_version: ", b"\n", b"\r\n",
    b"es", b"es_MX", b"line-1", b"22.10.0", b"5265612", b"agi_callerid: ", b" ", b":", b"\n\n",
)  # fmt: skip


@half()
@given(byte_strings(60))
def test_a_hundred_thousand_any_octets_are_an_environment_or_our_error(many: list[bytes]) -> None:
    for raw in many:
        _reads_or_refuses(raw + b"\n\n")


@half()
@given(byte_strings(12))
def test_a_hundred_thousand_any_pieces_are_an_environment_or_our_error(many: list[bytes]) -> None:
    for choices in many:
        _reads_or_refuses(b"".join(_PIECES[choice % len(_PIECES)] for choice in choices))
