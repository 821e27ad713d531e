"""The decoder against an encoder that was written apart from it, and the same on the way out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.boundary import pdus
from tipline_gw.boundary.pdu import join
from tipline_gw.boundary.pdu_rewriter import PduRewriter
from tipline_gw.boundary.vault import Vault
from tipline_gw.demo import tpdu
from tipline_gw.domain.sms import Concat, Part

WHEN = datetime(2026, 3, 11, 14, 30, 40, tzinfo=UTC)
_SPANISH = "Hola, ¿qué tal? Áéíóú ÁÍÓÚ ñ ü ç {x} €"


def received(own: PduRewriter, letter: tpdu.Letter, when: datetime = WHEN) -> list[Part]:
    """As a modem would list the letter's parts, and as they are behind the boundary."""
    parts = []
    for message in tpdu.deliver(letter, when):
        line = (tpdu.service_centre("+5291234500") + message).hex().upper()
        clean, _ = own.received(bytearray(line.encode()), len(message))
        pdus.assert_no_trace(clean)
        part = own.part(clean.decode())
        assert isinstance(part, Part), part
        parts.append(part)
    return parts


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("encoding", [None, "gsm7-es", "ucs2"])
@pytest.mark.parametrize("times", [1, 10])
def test_a_letter_arrives_as_it_was_written(
    bits: int, encoding: tpdu.Encoding | None, times: int
) -> None:
    letter = tpdu.Letter(
        "+" + pdus.NUMBER, _SPANISH * times, encoding, sms_class=1, ref=77, ref_bits=bits
    )
    parts = received(PduRewriter(Vault(60)), letter)
    assert join(parts) == letter.text
    assert {part.sms_class for part in parts} == {1}
    assert len({part.sender for part in parts}) == 1
    if len(parts) > 1:
        numbered = [Concat(77, len(parts), n + 1) for n in range(len(parts))]
        assert [part.concat for part in parts] == numbered


@settings(max_examples=200, deadline=None, database=None)
@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=300))
def test_any_text_arrives_as_it_was_written(text: str) -> None:
    parts = received(PduRewriter(Vault(60)), tpdu.Letter("+" + pdus.NUMBER, text))
    assert join(parts) == text


@pytest.mark.parametrize("hours", [-11, -6, 0, 5.75, 14])
def test_time_stamps_of_every_zone(hours: float) -> None:
    when = WHEN.astimezone(timezone(timedelta(hours=hours)))
    (part,) = received(PduRewriter(Vault(60)), tpdu.Letter("+" + pdus.NUMBER, "Hola"), when)
    assert part.received == when.isoformat()


@pytest.mark.parametrize(
    "sender", ["+" + pdus.NUMBER, pdus.NATIONAL, "+52656123456", "+15005550006"]
)
def test_a_reply_reaches_the_number_that_wrote(sender: str) -> None:
    own = PduRewriter(Vault(60))
    (part,) = received(own, tpdu.Letter(sender, "Hola"))
    assert part.sender is not None
    addressed = pdus.alphanumeric(part.sender)
    reply = pdus.submit("Recibido").replace(pdus.address(pdus.NUMBER), addressed)
    outgoing, length = own.outgoing(reply.encode())
    _, message = tpdu.split_service_centre(bytes.fromhex(outgoing[:-1].decode()))
    assert len(message) == length
    submit = tpdu.read_submit(message)
    assert (submit.number, submit.body.text) == (sender, "Recibido")
