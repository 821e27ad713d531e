import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.boundary.pdu import join
from tipline_gw.domain.sms import Concat, Delivered, Part, ReplyToken, Slot, Undecodable
from tipline_gw.modems.reassembly import Reassembly

ALICE, BOB = ReplyToken("TAAAAAAAAAA"), ReplyToken("TBBBBBBBBBB")
_index = itertools.count(1)


def part(text: str, seq: int = 1, total: int = 1, ref: int = 7, sender=ALICE, tag: str = ""):
    concat = Concat(ref, total, seq) if total > 1 else None
    fingerprint = f"{sender}{ref}{seq}{total}{text}{tag}".encode()
    return Part(sender, "gsm7", text, text.encode(), concat, None, None, fingerprint)


def delivered(a_part, modem="gsm0") -> Delivered:
    return Delivered(modem, Slot("SM", next(_index)), a_part)


def texts(assembled) -> str:
    return join(assembled.message.parts)


@given(st.permutations(range(1, 6)))
@settings(deadline=None, database=None)
def test_parts_in_any_order_make_the_message(order):
    reassembly = Reassembly(600)
    results = [reassembly.add(delivered(part(str(seq), seq, 5))) for seq in order]
    assert results[:-1] == [None] * 4
    assert texts(results[-1]) == "12345"
    assert len(results[-1].slots) == len(results[-1].fingerprints) == 5
    assert not results[-1].message.partial
    assert reassembly.expired() == []


def test_a_message_of_one_part_is_whole_at_once():
    assembled = Reassembly(600).add(delivered(part("hola")))
    assert texts(assembled) == "hola"


@pytest.mark.parametrize("concat", [Concat(1, 0, 1), Concat(1, 3, 0), Concat(1, 3, 4)])
def test_a_concatenation_that_cannot_be_is_a_message_of_its_own(concat):
    odd = Part(ALICE, "gsm7", "hola", b"hola", concat, None, None, b"f")
    assert texts(Reassembly(600).add(delivered(odd))) == "hola"


def test_two_senders_with_the_same_reference_are_kept_apart():
    reassembly = Reassembly(600)
    assert reassembly.add(delivered(part("a1", 1, 2, sender=ALICE))) is None
    assert reassembly.add(delivered(part("b2", 2, 2, sender=BOB))) is None
    assert texts(reassembly.add(delivered(part("a2", 2, 2, sender=ALICE)))) == "a1a2"
    assert texts(reassembly.add(delivered(part("b1", 1, 2, sender=BOB)))) == "b1b2"


def test_a_part_seen_again_counts_once():
    reassembly = Reassembly(600)
    first = delivered(part("a1", 1, 2))
    assert reassembly.add(first) is None
    assert reassembly.add(first) is None
    whole = reassembly.add(delivered(part("a2", 2, 2)))
    assert texts(whole) == "a1a2"
    assert len(whole.slots) == 2


def test_a_part_delivered_twice_by_the_network_is_deleted_from_both_slots():
    reassembly = Reassembly(600)
    reassembly.add(delivered(part("a1", 1, 2)))
    reassembly.add(delivered(part("a1", 1, 2, tag="later time stamp")))
    whole = reassembly.add(delivered(part("a2", 2, 2)))
    assert texts(whole) == "a1a2"
    assert len(whole.slots) == 3


def test_a_reference_used_again_too_soon_begins_another_message():
    now = [0.0]
    reassembly = Reassembly(600, lambda: now[0])
    assert reassembly.add(delivered(part("old1", 1, 3))) is None
    assert reassembly.add(delivered(part("new1", 1, 3))) is None
    assert reassembly.add(delivered(part("old2", 2, 3))) is None
    assert texts(reassembly.add(delivered(part("old3", 3, 3)))) == "old1old2old3"
    now[0] = 600
    (left,) = reassembly.expired()
    assert (texts(left), left.message.partial) == ("new1", True)


def test_parts_whose_others_never_come_are_a_partial_message():
    now = [0.0]
    reassembly = Reassembly(600, lambda: now[0])
    reassembly.add(delivered(part("c", 3, 3)))
    reassembly.add(delivered(part("a", 1, 3)))
    now[0] = 599
    assert reassembly.expired() == []
    now[0] = 600
    (assembled,) = reassembly.expired()
    assert assembled.message.partial
    assert (texts(assembled), assembled.message.total) == ("ac", 3)
    assert reassembly.expired() == []


def test_what_does_not_decode_is_a_message_of_its_own():
    broken = Undecodable(ALICE, "user data is cut short", b"\x00", b"f")
    assembled = Reassembly(600).add(delivered(broken))
    assert assembled.message.undecodable is broken
    assert not assembled.message.partial


def test_255_parts():
    reassembly = Reassembly(600)
    for seq in range(255, 1, -1):
        assert reassembly.add(delivered(part(chr(64 + seq % 26), seq, 255))) is None
    assert len(texts(reassembly.add(delivered(part("A", 1, 255))))) == 255
