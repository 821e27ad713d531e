"""The outside world's own TPDUs: against hand-made examples, and against themselves."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.demo import tpdu
from tipline_gw.errors import PduError

JUAREZ = timezone(timedelta(hours=-6))
MOMENT = datetime(2026, 3, 5, 14, 7, 9, tzinfo=JUAREZ)
GSM_CHARACTERS = "".join(c for c in tpdu.DEFAULT_ALPHABET if c != "\x1b") + "".join(
    tpdu.EXTENSION.values()
)


def joined(parts: list[bytes]) -> str:
    bodies = [tpdu.read_deliver(part).body for part in parts]
    if len(bodies) > 1:
        bodies.sort(key=lambda body: body.concat[2] if body.concat else 0)
    if bodies[0].encoding == "ucs2":
        return b"".join(body.data for body in bodies).decode("utf-16-be")
    return "".join(body.text for body in bodies)


def test_hello_packs_as_in_every_textbook() -> None:
    septets = [tpdu.DEFAULT_ALPHABET.index(char) for char in "hellohello"]
    assert tpdu.pack(septets).hex().upper() == "E8329BFD4697D9EC37"


def test_a_short_deliver_is_what_a_network_sends() -> None:
    (part,) = tpdu.deliver(tpdu.Letter("+5265611112222", "Hola"), MOMENT)
    expected = "04" + "0D91255616112122F2" + "0000" + "6230504170904A" + "04C8373B0C"
    assert part.hex().upper() == expected


def test_a_timestamp_west_of_greenwich_reads_back() -> None:
    assert tpdu.timestamp(MOMENT).hex() == "6230504170904a"
    assert tpdu.read_timestamp(tpdu.timestamp(MOMENT)) == "26/03/05,14:07:09-24"


@pytest.mark.parametrize("sender", ["+5265611112222", "911", "*123#", "Banco Sur", "12345"])
def test_senders_of_every_kind_read_back(sender: str) -> None:
    (part,) = tpdu.deliver(tpdu.Letter(sender, "x"), MOMENT)
    assert tpdu.read_deliver(part).sender == sender


def test_accented_text_goes_as_ucs2_as_a_phone_would() -> None:
    (part,) = tpdu.deliver(tpdu.Letter("+521", "Juárez"), MOMENT)
    assert tpdu.read_deliver(part).body.encoding == "ucs2"


def test_the_spanish_shift_table_keeps_it_in_gsm7() -> None:
    letter = tpdu.Letter("+521", "Ábaco, índice, ópalo, Único, çelin {€}", "gsm7-es")
    (part,) = tpdu.deliver(letter, MOMENT)
    body = tpdu.read_deliver(part).body
    assert (body.encoding, body.text) == ("gsm7-es", letter.text)


@pytest.mark.parametrize(
    ("text", "encoding", "bits", "parts"),
    [
        ("a" * 160, "gsm7", 8, 1),
        ("a" * 161, "gsm7", 8, 2),
        ("a" * 306, "gsm7", 8, 2),
        ("a" * 307, "gsm7", 8, 3),
        ("a" * 305, "gsm7", 16, 3),
        ("á" * 70, "ucs2", 8, 1),
        ("á" * 71, "ucs2", 8, 2),
        ("á" * 134, "ucs2", 8, 2),
        ("á" * 133, "ucs2", 16, 3),
        ("á" * 77, "gsm7-es", 8, 1),
        ("á" * 78, "gsm7-es", 8, 2),
    ],
    ids=lambda value: f"{len(value)}" if str(value)[:1] in ("a", "á") else None,
)
def test_a_text_takes_as_many_parts_as_the_air_needs(
    text: str, encoding: tpdu.Encoding, bits: int, parts: int
) -> None:
    made = tpdu.deliver(tpdu.Letter("+521", text, encoding, ref_bits=bits, ref=300), MOMENT)
    assert len(made) == parts
    assert joined(made) == text
    assert max(len(part) for part in made) <= 15 + 140


def test_a_class_is_told() -> None:
    (part,) = tpdu.deliver(tpdu.Letter("+521", "x", sms_class=0), MOMENT)
    assert tpdu.read_deliver(part).body.sms_class == 0
    assert tpdu.class_of(b"\x00" + part) == 0


def test_text_that_does_not_fit_the_forced_alphabet_is_refused() -> None:
    with pytest.raises(PduError):
        tpdu.deliver(tpdu.Letter("+521", "ж", "gsm7"), MOMENT)


SUBMITS = {
    "relative_validity_gsm7": "11000A9165162222330000AA04C8373B0C",
    "no_validity_ucs2": "01000A91651622223300080400E100E9",
    "report_wanted": "21050A916516222233000004C8373B0C",
    "absolute_validity": "19000A9165162222330000" + "62305041709042" + "04C8373B0C",
}


@pytest.mark.parametrize("name", SUBMITS)
def test_submits_of_every_validity_format_are_read(name: str) -> None:
    read = tpdu.read_submit(bytes.fromhex(SUBMITS[name]))
    assert read.number == "+5661222233"
    assert read.body.text == ("áé" if name == "no_validity_ucs2" else "Hola")
    assert read.wants_report is (name == "report_wanted")


def test_a_submit_with_another_length_than_it_says_is_refused() -> None:
    with pytest.raises(PduError):
        tpdu.read_submit(bytes.fromhex("11000A9165162222330000AA09C8373B0C"))


@settings(max_examples=300, deadline=None, database=None)
@given(
    st.text(GSM_CHARACTERS, max_size=500),
    st.sampled_from([8, 16]),
    st.integers(0, 65535),
)
def test_any_gsm_text_comes_back(text: str, bits: int, ref: int) -> None:
    made = tpdu.deliver(tpdu.Letter("+521", text, "gsm7", ref=ref, ref_bits=bits), MOMENT)
    assert joined(made) == text


@settings(max_examples=300, deadline=None, database=None)
@given(st.text(max_size=300))
def test_any_text_comes_back_through_ucs2(text: str) -> None:
    assert joined(tpdu.deliver(tpdu.Letter("+521", text, "ucs2"), MOMENT)) == text


@settings(max_examples=5000, deadline=None, database=None)
@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused(data: bytes) -> None:
    for read in (tpdu.read_submit, tpdu.read_deliver):
        try:
            assert read(data).body.encoding in ("gsm7", "gsm7-es", "ucs2", "8bit")
        except PduError:
            continue
    assert tpdu.class_of(data) in (None, 0, 1, 2, 3)
    assert tpdu.is_status_report(data) in (True, False)
