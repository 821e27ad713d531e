"""The SMS-DELIVER decoder: golden vectors by their defect, round trips, and any octets at all."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.boundary import pdus
from tests.boundary.hundred_thousand import byte_strings, half
from tipline_gw.boundary import gsm7
from tipline_gw.boundary.pdu import ADDRESS_REACH, decode, decode_hex, describe, join, locate
from tipline_gw.domain.sms import Concat, Part, ReplyToken, Undecodable
from tipline_gw.errors import PduError

TOKEN = ReplyToken("TABCDEFGHIJ")
ERRORS = {
    "not-hex", "truncated", "bad-address", "bad-header", "compressed", "status-report",
    "not-received",
}  # fmt: skip
_GSM7_TEXT = "".join(char for char in gsm7.DEFAULT if char != "\x1b") + "^{}\\[~]|€\f"


def part(line: str) -> Part:
    decoded = decode_hex(line)
    assert isinstance(decoded, Part), decoded
    return decoded


def undecodable(line: str | bytes) -> Undecodable:
    decoded = decode_hex(line)
    assert isinstance(decoded, Undecodable), decoded
    return decoded


# -- vectors from elsewhere --------------------------------------------------------------------


def test_a_message_in_the_default_alphabet() -> None:
    line = "07915892000000F0040B915892214365F70000622113613200000AE8329BFD4697D9EC37"
    assert describe(decode_hex(line)) == {
        "text": "hellohello",
        "encoding": "gsm7",
        "concat": None,
        "class": None,
        "received": "2026-12-31T16:23:00+00:00",
    }


def test_a_message_in_ucs2() -> None:
    line = "07914306090909F9040B914306103254F60008627051010354800A004100790075006400E1"
    decoded = part(line)
    assert (decoded.text, decoded.encoding) == ("Ayudá", "ucs2")
    assert decoded.received == "2026-07-15T10:30:45+02:00"


def test_what_is_not_hex() -> None:
    assert describe(decode_hex("ZZ")) == {"error": "not-hex"}


# -- where other decoders go wrong -------------------------------------------------------------


@pytest.mark.parametrize("wide", [False, True])
def test_concat_reference_of_either_width_keeps_the_first_character(wide: bool) -> None:
    ref = 0x1234 if wide else 0x34
    decoded = part(pdus.deliver("Hola mundo", header=pdus.concat(ref, 3, 2, wide=wide)))
    assert decoded.text == "Hola mundo"
    assert decoded.concat == Concat(ref, 3, 2)


@pytest.mark.parametrize("size", range(1, 15))
def test_fill_bits_behind_a_header_of_any_length(size: int) -> None:
    decoded = part(pdus.deliver("Hola", header=pdus.element(0x70, bytes(size))))
    assert decoded.text == "Hola"


def test_section_sign_is_no_backtick() -> None:
    assert part(pdus.deliver("§ 5 ¿@£")).text == "§ 5 ¿@£"


def test_emoji_come_out_whole() -> None:
    assert part(pdus.deliver("ay 🚨!", encoding="ucs2")).text == "ay 🚨!"


def test_emoji_split_between_two_parts() -> None:
    raw = "ay 🚨!".encode("utf-16-be")
    parts = [
        part(pdus.deliver(raw[:8], encoding="ucs2", header=pdus.concat(1, 2, 1))),
        part(pdus.deliver(raw[8:], encoding="ucs2", header=pdus.concat(1, 2, 2))),
    ]
    assert parts[0].text == "ay \ufffd"
    assert join(parts) == "ay 🚨!"


def test_ucs2_split_within_a_character() -> None:
    raw = "añó".encode("utf-16-be")
    parts = [part(pdus.deliver(raw[:3], encoding="ucs2", header=pdus.concat(1, 2, 1)))]
    parts.append(part(pdus.deliver(raw[3:], encoding="ucs2", header=pdus.concat(1, 2, 2))))
    assert join(parts) == "añó"


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    assert part(pdus.deliver(b"\xd8\x3d\x00a", encoding="ucs2")).text == "\ufffda"
    assert part(pdus.deliver(b"\x00a\xde\xa8", encoding="ucs2")).text == "a\ufffd"
    assert part(pdus.deliver(b"\x00a\x00", encoding="ucs2")).text == "a\ufffd"


def test_parts_of_mixed_encodings_are_joined_in_the_order_given() -> None:
    parts = [
        part(pdus.deliver("Hola ", header=pdus.concat(1, 4, 1))),
        part(pdus.deliver("\ud83d", encoding="ucs2", header=pdus.concat(1, 4, 2))),
        part(pdus.deliver("\udea8", encoding="ucs2", header=pdus.concat(1, 4, 3))),
        part(pdus.deliver(b" fin", encoding="8bit", header=pdus.concat(1, 4, 4))),
    ]
    assert join(parts) == "Hola 🚨 fin"
    assert join([]) == ""


@pytest.mark.parametrize(
    ("dcs", "encoding", "sms_class"),
    [(0x00, "gsm7", None), (0x04, "8bit", None), (0x08, "ucs2", None), (0x0C, "gsm7", None),
     (0x10, "gsm7", 0), (0x11, "gsm7", 1), (0x16, "8bit", 2), (0x1B, "ucs2", 3),
     (0x02, "gsm7", None), (0x40, "gsm7", None), (0x48, "ucs2", None), (0x54, "8bit", 0),
     (0x80, "gsm7", None), (0x98, "gsm7", None), (0xB4, "gsm7", None), (0xC0, "gsm7", None),
     (0xC8, "gsm7", None), (0xD0, "gsm7", None), (0xD8, "gsm7", None), (0xE0, "ucs2", None),
     (0xE8, "ucs2", None), (0xF0, "gsm7", 0), (0xF1, "gsm7", 1), (0xF4, "8bit", 0),
     (0xF5, "8bit", 1), (0xF7, "8bit", 3), (0xFD, "8bit", 1)],
)  # fmt: skip
def test_coding_scheme(dcs: int, encoding: str, sms_class: int | None) -> None:
    decoded = part(pdus.deliver("Hola", encoding=encoding, dcs=dcs))
    assert (decoded.text, decoded.encoding) == ("Hola", encoding)
    assert decoded.sms_class == sms_class


@pytest.mark.parametrize("dcs", [0x20, 0x28, 0x30, 0x60])
def test_compressed_text_is_undecodable(dcs: int) -> None:
    assert undecodable(pdus.deliver("Hola", dcs=dcs)).error == "compressed"


@pytest.mark.parametrize(
    ("text", "single"),
    [("Áéíóú ¿qué? ÁÍÓÚ ç €", gsm7.SPANISH), ("Ğğ İı Şş ç", gsm7.TURKISH),
     ("êçÔôÁá Φ^Ω Ê{} ÀÍÓÚÃÕ Âíóúãõâ", gsm7.PORTUGUESE)],
)  # fmt: skip
def test_single_shift_table(text: str, single: int) -> None:
    header = pdus.element(0x24, bytes([single]))
    assert part(pdus.deliver(text, single=single, header=header)).text == text


@pytest.mark.parametrize(
    ("text", "locking"), [("€ıĞğ İçŞş", gsm7.TURKISH), ("êúíóç Ôô ∞ Ãã Õõ Ú ª º", gsm7.PORTUGUESE)]
)
def test_locking_shift_table(text: str, locking: int) -> None:
    header = pdus.element(0x25, bytes([locking]))
    assert part(pdus.deliver(text, locking=locking, header=header)).text == text


def test_both_shift_tables_with_a_reference_between_them() -> None:
    header = (
        pdus.element(0x25, bytes([gsm7.PORTUGUESE]))
        + pdus.concat(0xBEEF, 2, 1, wide=True)
        + pdus.element(0x24, bytes([gsm7.SPANISH]))
    )
    text = "ãõ Á"
    line = pdus.deliver(text, locking=gsm7.PORTUGUESE, single=gsm7.SPANISH, header=header)
    assert part(line).text == text
    assert part(line).concat == Concat(0xBEEF, 2, 1)


def test_unknown_language_reads_as_the_default_tables() -> None:
    header = pdus.element(0x24, b"\x0d") + pdus.element(0x25, b"\x0d")
    assert part(pdus.deliver("Hola €", header=header)).text == "Hola €"


def test_spanish_locking_table_is_void() -> None:
    header = pdus.element(0x25, bytes([gsm7.SPANISH]))
    assert part(pdus.deliver("ñÇà", header=header)).text == "ñÇà"


# -- headers -----------------------------------------------------------------------------------


def test_other_elements_are_stepped_over() -> None:
    header = (
        pdus.element(0x05, b"\x23\xf4\x00\x00") + pdus.concat(7, 2, 2) + pdus.element(0x22, b"")
    )
    decoded = part(pdus.deliver("Hola", header=header))
    assert (decoded.text, decoded.concat) == ("Hola", Concat(7, 2, 2))


@pytest.mark.parametrize("counts", [(0, 0), (0, 1), (2, 0), (2, 3)])
def test_impossible_counts_are_no_concatenation(counts: tuple[int, int]) -> None:
    assert part(pdus.deliver("Hola", header=pdus.concat(1, *counts))).concat is None


def test_of_two_references_the_last_counts() -> None:
    header = pdus.concat(1, 2, 1) + pdus.concat(2, 3, 3)
    assert part(pdus.deliver("Hola", header=header)).concat == Concat(2, 3, 3)


@pytest.mark.parametrize("header", [b"\x00\x03\x01\x02", b"\x00", b"\x08\xff\x00\x00\x00"])
def test_header_whose_elements_do_not_fit_is_ignored_not_the_text(header: bytes) -> None:
    decoded = part(pdus.deliver("Hola", header=header))
    assert (decoded.text, decoded.concat) == ("Hola", None)


@pytest.mark.parametrize("size", [0, 1, 2, 4])
def test_concatenation_of_the_wrong_size_is_ignored(size: int) -> None:
    assert part(pdus.deliver("Hola", header=pdus.element(0x00, bytes(size)))).concat is None


def test_header_longer_than_the_message_is_undecodable() -> None:
    line = pdus.deliver(b"\x20abc", encoding="8bit", first=0x44)
    assert undecodable(line).error == "bad-header"
    assert undecodable(pdus.deliver("", first=0x44)).error == "bad-header"


def test_text_that_would_begin_behind_its_end_is_undecodable() -> None:
    line = pdus.deliver("x", header=pdus.concat(1, 2, 1), length=6)
    assert undecodable(line).error == "bad-header"


def test_header_before_8bit_data_is_not_part_of_it() -> None:
    decoded = part(pdus.deliver(b"\x00\xff", encoding="8bit", header=pdus.concat(1, 2, 1)))
    assert (decoded.data, decoded.text) == (b"\x00\xff", "\x00ÿ")


# -- lengths, addresses, stamps ----------------------------------------------------------------


def test_user_data_length_beyond_the_data_is_truncated() -> None:
    assert undecodable(pdus.deliver("Hola", length=5)).error == "truncated"
    assert undecodable(pdus.deliver("Hola", encoding="ucs2", length=9)).error == "truncated"


def test_octets_behind_the_user_data_are_not_text() -> None:
    assert part(pdus.deliver("Hola") + "4142").text == "Hola"


def test_empty_message() -> None:
    assert part(pdus.deliver("")).text == ""


def test_longest_messages() -> None:
    assert part(pdus.deliver("ñ" * 160)).text == "ñ" * 160
    assert part(pdus.deliver("á" * 70, encoding="ucs2")).text == "á" * 70


@pytest.mark.parametrize(
    "sender",
    [pdus.alphanumeric("BANCO"), pdus.alphanumeric("12345678901"), pdus.address("27663", "81"),
     pdus.address("52656123456"), "0091", "0080", pdus.address("1" * 20)],
)  # fmt: skip
def test_senders_of_every_kind_are_stepped_over(sender: str) -> None:
    assert part(pdus.deliver("Hola", sender=sender)).text == "Hola"


def test_service_centre_may_be_missing_from_its_field() -> None:
    assert part(pdus.deliver("Hola", smsc="00")).text == "Hola"


def test_white_space_and_small_letters_are_forgiven() -> None:
    assert part(f"  {pdus.deliver('Hola').lower()}\r\n").text == "Hola"


def test_reserved_message_type_is_read_as_deliver() -> None:
    assert part(pdus.deliver("Hola", first=0x07)).text == "Hola"


@pytest.mark.parametrize(
    ("stamp", "received"),
    [("62301141030400", "2026-03-11T14:30:40+00:00"),
     ("62301141030480", "2026-03-11T14:30:40+02:00"),
     ("62301141030442", "2026-03-11T14:30:40+06:00"),
     ("6230114103044A", "2026-03-11T14:30:40-06:00"),
     ("62301141030423", "2026-03-11T14:30:40+08:00"),
     ("62301141030499", "2026-03-11T14:30:40-04:45"),
     ("62922041030400", None), ("62311141030400", None), ("FFFFFFFFFFFFFF", None),
     ("00000000000000", None), ("623011410304FF", None)],
)  # fmt: skip
def test_time_stamp(stamp: str, received: str | None) -> None:
    assert part(pdus.deliver("Hola", stamp=stamp)).received == received


# -- what is no message, and what must not be in it --------------------------------------------


def test_status_report_is_named_and_holds_no_address() -> None:
    report = undecodable(pdus.status_report())
    assert report.error == "status-report"
    pdus.assert_no_trace(report.data)


def test_stored_submit_is_no_received_message() -> None:
    stored = undecodable(pdus.submit())
    assert stored.error == "not-received"
    pdus.assert_no_trace(stored.data)


def test_undecodable_data_is_the_tpdu_with_its_address_zeroed() -> None:
    broken = undecodable(pdus.deliver("Hola", length=5))
    whole = bytes.fromhex(pdus.deliver("Hola", length=5))
    assert len(broken.data) == pdus.tpdu_length(whole.hex())
    assert broken.data[:9] == bytes((0x04, 0, 0, 0, 0, 0, 0, 0, 0))
    assert broken.data[9:] == whole[-len(broken.data) + 9 :]


def test_undecodable_data_has_no_reply_address_element() -> None:
    reply_to = pdus.element(0x22, bytes.fromhex(pdus.address(pdus.NUMBER)))
    broken = undecodable(pdus.deliver("Hola", header=reply_to, length=60))
    pdus.assert_no_trace(broken.data)
    assert broken.data[-4:] == bytes.fromhex(pdus.deliver("Hola", header=reply_to))[-4:]


@pytest.mark.parametrize(
    "line",
    [f"0C{pdus.deliver()[2:]}", f"FF{pdus.deliver()}", pdus.deliver(sender="FF91" + "65" * 40),
     pdus.deliver()[:20], pdus.deliver()[:24], "00", "0004", ""],
)  # fmt: skip
def test_without_a_place_for_the_address_nothing_in_its_reach_is_kept(line: str) -> None:
    broken = undecodable(line)
    assert broken.error in ("truncated", "bad-address")
    assert broken.data == bytes.fromhex(line)[ADDRESS_REACH:]
    pdus.assert_no_trace(broken.data)


def test_cut_at_any_octet_it_is_undecodable_and_shows_no_address() -> None:
    whole = pdus.deliver("Hola mundo, otra vez", header=pdus.concat(1, 2, 1))
    for end in range(0, len(whole), 2):
        broken = undecodable(whole[:end])
        assert broken.error in ERRORS
        pdus.assert_no_trace(broken.data)


def test_sender_and_fingerprint_are_handed_through() -> None:
    for line in (pdus.deliver(), pdus.deliver(length=150), "ZZ", ""):
        decoded = decode_hex(line, sender=TOKEN, fingerprint=b"f")
        assert (decoded.sender, decoded.fingerprint) == (TOKEN, b"f")


def test_nothing_of_a_part_holds_the_address() -> None:
    for line in (pdus.deliver("Hola"), pdus.deliver("á", encoding="ucs2"), pdus.status_report()):
        decoded = decode_hex(line)
        pdus.assert_no_trace(repr(decoded))
        pdus.assert_no_trace(decoded.data)
        pdus.assert_no_trace(json.dumps(describe(decoded)))


def test_locating_says_where_the_address_lies() -> None:
    pdu = bytearray.fromhex(pdus.deliver())
    layout = locate(pdu)
    assert pdu[layout.address : layout.end].hex().upper() == pdus.address(pdus.NUMBER)
    with pytest.raises(PduError):
        locate(pdu[: layout.end - 1])


# -- what a message is for ----------------------------------------------------------------------

WAITING = pdus.element(0x01, b"\x80\x03")
VOICE_MAIL = pdus.element(0x23, b"\x40\x02\x01\x01")
PORTS_16 = pdus.element(0x05, b"\x23\xf4\x00\x00")
PORTS_8 = pdus.element(0x04, b"\xf5\xf5")


@pytest.mark.parametrize(
    ("kind", "options"),
    [("text", {}), ("text", {"dcs": 0x10}), ("text", {"dcs": 0xF0}), ("text", {"dcs": 0x12}),
     ("text", {"dcs": 0xF2}), ("text", {"pid": 0x41}), ("text", {"pid": 0x5F}),
     ("text", {"pid": 0x7E, "dcs": 0x12}), ("text", {"header": pdus.concat(1, 2, 1)}),
     ("text", {"header": pdus.element(0x01, b"\x80")}),
     ("text", {"header": b"\x05\x04\x0b\x84\x23"}),
     ("text", {"header": pdus.element(0x04, b"\x0b\x84\x23\xf0")}),
     ("silent", {"pid": 0x40}), ("silent", {"pid": 0x40, "header": PORTS_16, "dcs": 0xC8}),
     ("sim", {"pid": 0x7F, "dcs": 0x12}), ("sim", {"pid": 0x7F, "dcs": 0xF2}),
     ("text", {"pid": 0x7F}), ("text", {"pid": 0x7F, "dcs": 0x11}),
     ("waiting", {"dcs": 0xC8}), ("waiting", {"dcs": 0xC0}), ("waiting", {"dcs": 0xD8}),
     ("waiting", {"dcs": 0xE8, "encoding": "ucs2"}), ("waiting", {"header": WAITING}),
     ("waiting", {"header": VOICE_MAIL}), ("waiting", {"header": pdus.concat(1, 2, 1) + WAITING}),
     ("waiting", {"header": WAITING + PORTS_8}), ("port", {"header": PORTS_16}),
     ("port", {"header": PORTS_8}), ("port", {"header": pdus.concat(1, 2, 1) + PORTS_16}),
     ("port", {"header": PORTS_16, "encoding": "8bit"})],
)  # fmt: skip
def test_what_a_message_is_for(kind: str, options: dict[str, Any]) -> None:
    decoded = part(pdus.deliver("Hola", **options))
    assert (decoded.kind, decoded.text) == (kind, "Hola")
    assert describe(decoded).get("kind", "text") == kind


# -- properties --------------------------------------------------------------------------------


@settings(max_examples=400, deadline=None, database=None)
@given(st.text(st.sampled_from(_GSM7_TEXT), max_size=60), st.binary(max_size=9))
def test_any_text_of_the_default_alphabet_comes_back(text: str, filler: bytes) -> None:
    header = pdus.element(0x70, filler) if filler else b""
    assert part(pdus.deliver(text, header=header)).text == text


@settings(max_examples=300, deadline=None, database=None)
@given(st.text(max_size=60), st.lists(st.integers(0, 240), max_size=4))
def test_any_text_in_ucs2_comes_back_however_it_is_cut(text: str, cuts: list[int]) -> None:
    raw = text.encode("utf-16-be", "surrogatepass")
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    pieces = [raw[a:b] for a, b in pairwise(edges)]
    parts = [
        part(pdus.deliver(p, encoding="ucs2", header=pdus.concat(9, len(pieces), n + 1)))
        for n, p in enumerate(pieces)
    ]
    assert join(parts) == raw.decode("utf-16-be", "replace")


@settings(max_examples=300, deadline=None, database=None)
@given(st.text("0123456789", min_size=1, max_size=20), st.sampled_from(["91", "81", "A1", "C8"]))
def test_any_number_is_stepped_over_and_shown_nowhere(number: str, toa: str) -> None:
    decoded = part(pdus.deliver("Hola", sender=pdus.address(number, toa)))
    assert decoded.text == "Hola"
    assert decoded.data == pdus.pack(pdus.septets("Hola"))


def _is_value(decoded: Part | Undecodable) -> None:
    assert isinstance(decoded, Part) or decoded.error in ERRORS
    json.dumps(describe(decoded))
    if isinstance(decoded, Part):
        join([decoded, decoded]).encode("utf-8")


@half()
@given(byte_strings(200))
def test_a_hundred_thousand_any_octets_decode_to_a_value(many: list[bytes]) -> None:
    for raw in many:
        _is_value(decode(raw))


@half()
@given(byte_strings(60))
def test_a_hundred_thousand_any_octets_around_a_valid_address_decode_to_a_value(
    many: list[bytes],
) -> None:
    for raw in many:
        first, dcs, length, *data = raw.ljust(3, b"\x08")
        reference = "17" if first & 3 in (1, 2) else ""
        head = f"00{first:02X}{reference}{pdus.address(pdus.NUMBER)}00{dcs:02X}{pdus.STAMP}"
        _is_value(decode(bytes.fromhex(f"{head}{length:02X}") + bytes(data)))


@settings(max_examples=2_000, deadline=None, database=None)
@given(st.one_of(st.text(max_size=60), st.binary(max_size=60)))
def test_any_line_decodes_to_a_value(line: str | bytes) -> None:
    _is_value(decode_hex(line))
