"""Replies, read back by two decoders: the boundary's, and one that was written apart from it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.boundary import pdus
from tipline_gw.boundary import gsm7, pdu
from tipline_gw.boundary.compose import Submit, submits
from tipline_gw.boundary.pdu_rewriter import PduRewriter
from tipline_gw.boundary.vault import Vault
from tipline_gw.demo import tpdu
from tipline_gw.domain.sms import Concat, Part, ReplyToken
from tipline_gw.errors import PduError

TOKEN = ReplyToken("TABCDEFGHIJ")
HEAD = "001100" + pdus.alphanumeric(TOKEN) + "0000A7"
"""No SMSC; SUBMIT, no status report, relative validity; reference 0; protocol 0, GSM-7, a day."""

GSM = "".join(dict.fromkeys(gsm7.DEFAULT.replace("\x1b", "") + "".join(gsm7.EXTENSION.values())))
SPANISH = "aeiou ñÑüÜ¿¡áéíóúÁÉÍÓÚçÇ.,\r\n0123456789€"
EVERYTHING = st.text(st.characters(exclude_categories=("Cs",)), max_size=700)
TEXTS = st.one_of(
    EVERYTHING,
    st.text(GSM, max_size=700),
    st.text(SPANISH, max_size=700),
    st.text("abc áí😀🏳️‍🌈€\r\n", max_size=300),
    st.text("ãõâêôçÀÁ abc", max_size=500),
    st.text("ğıİşŞçĞ abc{}", max_size=500),
)


def received(submit: Submit) -> Part:
    """The submit as the other phone gets it: as a DELIVER, with a sender and a time stamp."""
    octets = bytes.fromhex(submit.pdu)
    assert octets[0] == 0
    assert len(octets) == submit.length + 1
    after = 3 + 2 + (octets[3] + 1) // 2
    first = octets[1] & 0x40 | 0x04
    stamp = bytes.fromhex(pdus.STAMP)
    delivered = bytes((0, first)) + octets[3 : after + 2] + stamp + octets[after + 3 :]
    part = pdu.decode(delivered)
    assert isinstance(part, Part), part
    assert len(octets) - after - 4 <= 140
    return part


def lengths(text: str) -> list[int]:
    """Characters of each part."""
    return [len(received(part).text) for part in submits(TOKEN, text, 7)]


def shifts(text: str) -> set[str]:
    """The header elements that name a language, in any part."""
    found: set[str] = set()
    for submit in submits(TOKEN, text, 7):
        octets = bytes.fromhex(submit.pdu)
        data = octets[3 + 2 + (octets[3] + 1) // 2 + 4 :]
        header = data[1 : 1 + data[0]] if octets[1] & 0x40 else b""
        found |= {m.hex() for m in re.findall(rb"[\x24\x25]\x01.", header, re.DOTALL)}
    return found


def test_a_short_reply_octet_by_octet() -> None:
    (submit,) = submits(TOKEN, "hellohello", 0)
    assert submit.pdu == HEAD + "0AE8329BFD4697D9EC37"
    assert submit.length == len(submit.pdu) // 2 - 1


def test_an_empty_text_is_one_empty_part() -> None:
    assert [part.pdu for part in submits(TOKEN, "", 0)] == [HEAD + "00"]


def test_spanish_accents_go_by_their_single_shift() -> None:
    text = "Su código es 1234. Escríbalo y bórrelo de aquí, por si alguien más ve su teléfono."
    (submit,) = submits(TOKEN, text, 0)
    expected = HEAD.replace("001100", "005100", 1)
    assert submit.pdu.startswith(expected)
    assert "03240102" in submit.pdu
    read = tpdu.read_submit(bytes.fromhex(submit.pdu)[1:])
    assert (read.body.text, read.body.encoding) == (text, "gsm7-es")


@pytest.mark.parametrize(
    ("char", "alone", "of_more"),
    [("a", 160, 153), ("ñ", 160, 153), ("[", 80, 76), ("{", 80, 76), ("日", 70, 67),
     ("😀", 35, 33), ("\r\n", 80, 76)],
)  # fmt: skip
def test_as_many_characters_a_part_as_the_norm_says(char: str, alone: int, of_more: int) -> None:
    size = len(char)
    assert lengths(char * alone) == [alone * size]
    several = lengths(char * (alone + 1))
    assert several[0] // size == of_more
    assert len(several) == 2


def test_as_many_septets_a_part_beside_the_spanish_table() -> None:
    # A text with ñ, which no locking shift table but the default alphabet has.
    assert lengths("ñá" + "a" * 152) == [154]
    assert lengths("ñá" + "a" * 153) == [148, 7]
    assert shifts("ñá" + "a" * 153) == {"240102"}


def test_as_many_septets_a_part_beside_a_locking_table() -> None:
    assert lengths("ã" * 155) == [155]
    assert shifts("ã" * 155) == {"250103"}
    assert lengths("ã" * 156) == [149, 7]
    both = "ã" * 120 + "Ω" * 10
    assert (lengths(both), shifts(both)) == ([130], {"240103", "250103"})
    assert lengths("ã" * 150 + "Ω" * 10) == [146, 14]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 160, set()),
        ("á" * 70, set()),  # one part of UCS-2, which more phones read
        ("á" * 71, {"240102"}),
        ("ğ" * 70, set()),
        ("ğ" * 77, {"240101"}),
        ("ğ" * 78, {"250101"}),
        ("à" * 160, set()),
        ("😀" + "á" * 100, set()),
    ],
)
def test_of_alphabets_that_need_as_many_parts_the_one_most_phones_read(
    text: str, expected: set[str]
) -> None:
    assert shifts(text) == expected
    assert pdu.join([received(part) for part in submits(TOKEN, text, 7)]) == text


@pytest.mark.parametrize("before", [69, 70, 66, 67, 133, 134])
def test_an_emoji_is_never_split(before: int) -> None:
    parts = [received(part) for part in submits(TOKEN, "日" * before + "😀" * 3, 7)]
    for part in parts:
        part.data.decode("utf-16-be")


@pytest.mark.parametrize("before", [151, 152, 153, 158, 159])
def test_an_escape_stays_with_its_code(before: int) -> None:
    parts = [received(part) for part in submits(TOKEN, "a" * before + "€" * 3, 7)]
    assert "".join(part.text for part in parts) == "a" * before + "€" * 3
    assert all(not part.text.startswith("e") for part in parts)


def test_the_most_parts_there_can_be() -> None:
    longest = submits(TOKEN, "a" * 153 * 255, 300)
    assert len(longest) == 255
    assert received(longest[-1]).concat == Concat(300 % 256, 255, 255)
    with pytest.raises(PduError, match="too-long"):
        submits(TOKEN, "a" * (153 * 255 + 1), 0)


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(PduError, match="half-a-character"):
        submits(TOKEN, "a\ud83d", 0)


@settings(max_examples=600, deadline=None, database=None)
@given(TEXTS, st.integers(0, 255))
def test_any_text_is_read_as_it_was_given(text: str, reference: int) -> None:
    sent = submits(TOKEN, text, reference)
    parts = [received(submit) for submit in sent]
    assert pdu.join(parts) == "".join(part.text for part in parts) == text
    total = len(parts)
    wanted = [Concat(reference, total, n) if total > 1 else None for n in range(1, total + 1)]
    assert [part.concat for part in parts] == wanted


@settings(max_examples=300, deadline=None, database=None)
@given(st.one_of(st.text(GSM, max_size=500), st.text(SPANISH, max_size=500), EVERYTHING))
def test_no_more_parts_than_ucs_2_and_gsm_7_would_need(text: str) -> None:
    units = len(text.encode("utf-16-be")) // 2
    count = len(submits(TOKEN, text, 0))
    # Two units of a pair are not parted, so a part may hold 66.
    assert count <= (1 if units <= 70 else -(-units // 66))
    septets = gsm7.encode(text)
    if septets is not None:
        assert count <= (1 if len(septets) <= 160 else -(-len(septets) // 152))


@settings(max_examples=300, deadline=None, database=None)
@given(st.one_of(st.text(GSM, max_size=400), st.text(SPANISH, max_size=400), EVERYTHING))
def test_the_virtual_network_reads_it_too(text: str) -> None:
    bodies = []
    for submit in submits(TOKEN, text, 1):
        read = tpdu.read_submit(bytes.fromhex(submit.pdu)[1:])
        assert (read.number, read.reference, read.wants_report) == (TOKEN, 0, False)
        bodies.append(read.body)
    if not shifts(text) - {"240102"}:
        assert "".join(body.text for body in bodies) == text


@pytest.mark.parametrize("text", ["Hola", "á" * 100, "😀" * 100, "€" * 300, "ã" * 300])
def test_each_part_goes_out_with_the_real_address(text: str) -> None:
    rewriter = PduRewriter(Vault(60))
    line = pdus.deliver()
    clean, _ = rewriter.received(bytearray(line.encode()), pdus.tpdu_length(line))
    token = rewriter.part(clean.decode()).sender
    assert token is not None
    for submit in submits(token, text, 9):
        real, length = rewriter.outgoing(submit.pdu.encode())
        expected = submit.pdu.replace(pdus.alphanumeric(token), pdus.address(pdus.NUMBER))
        assert real == expected.encode() + b"\x1a"
        assert length == pdus.tpdu_length(expected)
        read = tpdu.read_submit(bytes.fromhex(expected)[1:])
        assert read.number == "+" + pdus.NUMBER
