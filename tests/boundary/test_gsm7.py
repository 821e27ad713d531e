"""The alphabets of 3GPP TS 23.038 against published codes, packing against its own inverse."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.boundary import pdus
from tipline_gw.boundary import gsm7


@pytest.mark.parametrize("table", [gsm7.DEFAULT, *gsm7.LOCKING.values()])
def test_a_table_has_128_different_characters_and_the_escape_at_1b(table: str) -> None:
    assert len(table) == 128
    assert len(set(table)) == 128
    assert table[0x1B] == "\x1b"


@pytest.mark.parametrize(
    ("code", "char"),
    [(0x00, "@"), (0x09, "Ç"), (0x0A, "\n"), (0x0D, "\r"), (0x10, "Δ"), (0x24, "¤"),
     (0x40, "¡"), (0x5D, "Ñ"), (0x5F, "§"), (0x60, "¿"), (0x7D, "ñ"), (0x05, "é"), (0x7F, "à")],
)  # fmt: skip
def test_the_default_alphabet_at(code: int, char: str) -> None:
    assert gsm7.decode(bytes([code])) == char


@pytest.mark.parametrize(
    ("language", "code", "char"),
    [(gsm7.TURKISH, 0x04, "€"), (gsm7.TURKISH, 0x07, "ı"), (gsm7.TURKISH, 0x0B, "Ğ"),
     (gsm7.TURKISH, 0x1C, "Ş"), (gsm7.TURKISH, 0x40, "İ"), (gsm7.TURKISH, 0x60, "ç"),
     (gsm7.PORTUGUESE, 0x04, "ê"), (gsm7.PORTUGUESE, 0x15, "∞"), (gsm7.PORTUGUESE, 0x17, "\\"),
     (gsm7.PORTUGUESE, 0x24, "º"), (gsm7.PORTUGUESE, 0x5B, "Ã"), (gsm7.PORTUGUESE, 0x7D, "`"),
     (gsm7.SPANISH, 0x09, "Ç"), (13, 0x09, "Ç")],
)  # fmt: skip
def test_a_locking_shift_table_at(language: int, code: int, char: str) -> None:
    assert gsm7.decode(bytes([code]), locking=language) == char


@pytest.mark.parametrize(
    ("language", "code", "char"),
    [(0, 0x65, "€"), (0, 0x14, "^"), (0, 0x3D, "~"), (0, 0x0A, "\f"),
     (gsm7.SPANISH, 0x61, "á"), (gsm7.SPANISH, 0x69, "í"), (gsm7.SPANISH, 0x6F, "ó"),
     (gsm7.SPANISH, 0x75, "ú"), (gsm7.SPANISH, 0x41, "Á"), (gsm7.SPANISH, 0x49, "Í"),
     (gsm7.SPANISH, 0x4F, "Ó"), (gsm7.SPANISH, 0x55, "Ú"), (gsm7.SPANISH, 0x09, "ç"),
     (gsm7.TURKISH, 0x53, "Ş"), (gsm7.TURKISH, 0x69, "ı"), (gsm7.TURKISH, 0x63, "ç"),
     (gsm7.PORTUGUESE, 0x05, "ê"), (gsm7.PORTUGUESE, 0x7F, "â"), (gsm7.PORTUGUESE, 0x41, "À"),
     (gsm7.PORTUGUESE, 0x12, "Φ"), (gsm7.PORTUGUESE, 0x0B, "Ô"), (9, 0x65, "€")],
)  # fmt: skip
def test_a_single_shift_table_at(language: int, code: int, char: str) -> None:
    assert gsm7.decode(bytes([gsm7.ESCAPE, code]), single=language) == char


def test_an_escape_that_the_table_lacks_shows_the_main_tables_character() -> None:
    assert gsm7.decode(bytes([gsm7.ESCAPE, 0x41])) == "A"
    assert gsm7.decode(bytes([gsm7.ESCAPE, 0x24]), locking=gsm7.PORTUGUESE) == "º"


def test_an_escape_with_nothing_to_escape_is_a_space() -> None:
    assert gsm7.decode(bytes([0x41, gsm7.ESCAPE])) == "A "
    assert gsm7.decode(bytes([gsm7.ESCAPE, gsm7.ESCAPE, 0x41])) == " A"


def test_packing_as_the_specifications_example_has_it() -> None:
    assert gsm7.pack(b"hellohello").hex().upper() == "E8329BFD4697D9EC37"


@settings(max_examples=500, deadline=None, database=None)
@given(st.binary(max_size=160).map(lambda raw: bytes(octet & 0x7F for octet in raw)))
def test_what_is_packed_unpacks(codes: bytes) -> None:
    assert gsm7.unpack(gsm7.pack(codes), len(codes)) == codes


@settings(max_examples=500, deadline=None, database=None)
@given(st.lists(st.integers(0, 127), max_size=160), st.integers(0, 6))
def test_packing_agrees_with_packing_bit_by_bit(codes: list[int], fill: int) -> None:
    assert gsm7.pack(bytes(codes), fill) == pdus.pack(codes, fill)


def test_short_data_gives_fewer_septets() -> None:
    assert len(gsm7.unpack(b"\x00\x00", 160)) == 2


@settings(max_examples=500, deadline=None, database=None)
@given(st.binary(max_size=400), st.integers(0, 500))
def test_unpacking_agrees_with_unpacking_bit_by_bit(data: bytes, count: int) -> None:
    bits = [octet >> n & 1 for octet in data for n in range(8)]
    septets = [bits[at : at + 7] for at in range(0, len(bits) - 6, 7)][:count]
    expected = bytes(sum(bit << n for n, bit in enumerate(septet)) for septet in septets)
    assert gsm7.unpack(data, count) == gsm7.unpack(bytearray(data), count) == expected


def as_the_specification_reads(septets: bytes, locking: int, single: int) -> str:
    """One code at a time, as TS 23.038 §6.2.1.1 tells it."""
    table = gsm7.LOCKING.get(locking, gsm7.DEFAULT)
    shifted = gsm7.SINGLE.get(single, gsm7.EXTENSION)
    text, escaped = "", False
    for code in septets:
        if escaped:
            text += " " if code == gsm7.ESCAPE else shifted.get(code, table[code])
            escaped = False
        elif code == gsm7.ESCAPE:
            escaped = True
        else:
            text += table[code]
    return text + " " * escaped


@settings(max_examples=1000, deadline=None, database=None)
@given(
    st.lists(st.one_of(st.just(gsm7.ESCAPE), st.integers(0, 127)), max_size=60),
    st.sampled_from([0, 1, 2, 3, 7]),
    st.sampled_from([0, 1, 2, 3, 7]),
)
def test_any_septets_read_as_the_specification_reads_them(
    codes: list[int], locking: int, single: int
) -> None:
    septets = bytes(codes)
    assert gsm7.decode(septets, locking, single) == as_the_specification_reads(
        septets, locking, single
    )


@settings(max_examples=500, deadline=None, database=None)
@given(
    st.text("aáãğ€^@ΦçéÑ\n\x1b🚨", max_size=40),
    st.sampled_from([0, gsm7.TURKISH, gsm7.PORTUGUESE]),
    st.sampled_from([0, gsm7.TURKISH, gsm7.SPANISH, gsm7.PORTUGUESE]),
)
def test_what_an_alphabet_can_say_it_reads_again(text: str, locking: int, single: int) -> None:
    septets = gsm7.encode(text, locking, single)
    table = set(gsm7.LOCKING.get(locking, gsm7.DEFAULT)) - {"\x1b"}
    sayable = table | set(gsm7.SINGLE.get(single, gsm7.EXTENSION).values())
    assert (septets is not None) is (set(text) <= sayable)
    if septets is not None:
        assert gsm7.decode(septets, locking, single) == text


def test_a_character_of_both_tables_takes_one_septet() -> None:
    assert gsm7.encode("€", gsm7.PORTUGUESE) == b"\x18"
    assert gsm7.encode("€") == b"\x1be"
    assert gsm7.encode("") == b""
