import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.boundary.octets import hexed, unhex, wipe
from tipline_gw.errors import PduError


@settings(max_examples=300, deadline=None, database=None)
@given(st.binary(max_size=300))
def test_hex_goes_both_ways_as_pythons_own_does(raw: bytes) -> None:
    line = hexed(bytearray(raw))
    assert line == raw.hex().upper().encode()
    assert unhex(line) == raw
    assert unhex(bytearray(raw.hex().encode())) == raw


@pytest.mark.parametrize("line", [b"A", b"ZZ", b"0G", b"+1", b"12 3", b"\xff\xff", b"0x"])
def test_what_is_not_hex_is_refused_without_saying_it(line: bytes) -> None:
    with pytest.raises(PduError) as caught:
        unhex(bytearray(line))
    assert str(caught.value) == "not-hex"


def test_wiping_leaves_zeroes_of_the_same_length() -> None:
    buffer = bytearray(b"5265")
    wipe(memoryview(buffer)[1:3])
    assert buffer == b"5\x00\x005"
    wipe(buffer)
    assert buffer == bytes(4)
