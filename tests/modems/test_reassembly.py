import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.boundary.pdu import join
from tipline_gw.domain.bank import Place
from tipline_gw.domain.sms import DIRECT, Concat, Part, ReplyToken, Slot, Undecodable, check_of
from tipline_gw.modems.reassembly import Reassembly

ALICE, BOB = ReplyToken("TAAAAAAAAAA"), ReplyToken("TBBBBBBBBBB")
_index = itertools.count(1)


def part(text, seq=1, total=1, ref=7, sender=ALICE, tag="", received=None):
    concat = Concat(ref, total, seq) if total > 1 else None
    fingerprint = f"{sender}{ref}{seq}{total}{text}{tag}".encode()
    return Part(sender, "gsm7", text, text.encode(), concat, None, received, fingerprint)


def delivered(a_part, slot=None):
    slot = slot or Slot("SM", next(_index))
    return a_part, Place(slot, check_of(a_part, b"salt"))


def texts(assembled) -> str:
    return join(assembled.message.parts)


@given(st.permutations(range(1, 6)))
@settings(deadline=None, database=None)
def test_parts_in_any_order_make_the_message(order):
    reassembly = Reassembly("gsm0", 600)
    results = [reassembly.add(*delivered(part(str(seq), seq, 5))) for seq in order]
    assert results[:-1] == [None] * 4
    assert texts(results[-1]) == "12345"
    assert len(results[-1].places) == len(results[-1].fingerprints) == 5
    assert not results[-1].message.partial
    assert reassembly.expired() == []


def test_a_message_of_one_part_is_whole_at_once():
    assembled = Reassembly("gsm0", 600).add(*delivered(part("hola")))
    assert texts(assembled) == "hola"


@pytest.mark.parametrize("concat", [Concat(1, 0, 1), Concat(1, 3, 0), Concat(1, 3, 4)])
def test_a_concatenation_that_cannot_be_is_a_message_of_its_own(concat):
    odd = Part(ALICE, "gsm7", "hola", b"hola", concat, None, None, b"f")
    assert texts(Reassembly("gsm0", 600).add(*delivered(odd))) == "hola"


def test_two_senders_with_the_same_reference_are_kept_apart():
    reassembly = Reassembly("gsm0", 600)
    assert reassembly.add(*delivered(part("a1", 1, 2, sender=ALICE))) is None
    assert reassembly.add(*delivered(part("b2", 2, 2, sender=BOB))) is None
    assert texts(reassembly.add(*delivered(part("a2", 2, 2, sender=ALICE)))) == "a1a2"
    assert texts(reassembly.add(*delivered(part("b1", 1, 2, sender=BOB)))) == "b1b2"


def test_a_part_seen_again_counts_once():
    reassembly = Reassembly("gsm0", 600)
    first = delivered(part("a1", 1, 2))
    assert reassembly.add(*first) is None
    assert reassembly.add(*first) is None
    whole = reassembly.add(*delivered(part("a2", 2, 2)))
    assert texts(whole) == "a1a2"
    assert len(whole.places) == 2


def test_a_part_delivered_twice_by_the_network_is_deleted_from_both_slots():
    reassembly = Reassembly("gsm0", 600)
    reassembly.add(*delivered(part("a1", 1, 2)))
    reassembly.add(*delivered(part("a1", 1, 2, tag="later time stamp")))
    whole = reassembly.add(*delivered(part("a2", 2, 2)))
    assert texts(whole) == "a1a2"
    assert len(whole.places) == 3


def test_a_reference_used_again_too_soon_begins_another_message():
    now = [0.0]
    reassembly = Reassembly("gsm0", 600, lambda: now[0])
    assert reassembly.add(*delivered(part("old1", 1, 3))) is None
    assert reassembly.add(*delivered(part("new1", 1, 3))) is None
    assert reassembly.add(*delivered(part("old2", 2, 3))) is None
    assert texts(reassembly.add(*delivered(part("old3", 3, 3)))) == "old1old2old3"
    now[0] = 600
    (left,) = reassembly.expired()
    assert (texts(left), left.message.partial) == ("new1", True)


def test_parts_whose_others_never_come_are_a_partial_message():
    now = [0.0]
    reassembly = Reassembly("gsm0", 600, lambda: now[0])
    reassembly.add(*delivered(part("c", 3, 3)))
    reassembly.add(*delivered(part("a", 1, 3)))
    now[0] = 599
    assert reassembly.expired() == []
    now[0] = 600
    (assembled,) = reassembly.expired()
    assert assembled.message.partial
    assert (texts(assembled), assembled.message.total) == ("ac", 3)
    assert reassembly.expired() == []


def test_what_does_not_decode_is_a_message_of_its_own():
    broken = Undecodable(ALICE, "user data is cut short", b"\x00", b"f")
    assembled = Reassembly("gsm0", 600).add(*delivered(broken))
    assert assembled.message.undecodable is broken
    assert not assembled.message.partial


def test_255_parts():
    reassembly = Reassembly("gsm0", 600)
    for seq in range(255, 1, -1):
        assert reassembly.add(*delivered(part(chr(64 + seq % 26), seq, 255))) is None
    assert len(texts(reassembly.add(*delivered(part("A", 1, 255))))) == 255


def test_of_two_messages_with_one_reference_the_service_centre_s_time_tells_the_parts():
    reassembly = Reassembly("gsm0", 600)
    early, late = "2026-01-01T10:00:0{}+00:00", "2026-01-01T10:05:0{}+00:00"
    for name, at in (("old", early), ("new", late)):
        assert reassembly.add(*delivered(part(f"{name}1", 1, 3, received=at.format(1)))) is None
    assert reassembly.add(*delivered(part("new2", 2, 3, received=late.format(2)))) is None
    assert reassembly.add(*delivered(part("old2", 2, 3, received=early.format(2)))) is None
    whole = reassembly.add(*delivered(part("old3", 3, 3, received=early.format(3))))
    assert texts(whole) == "old1old2old3"
    whole = reassembly.add(*delivered(part("new3", 3, 3, received=late.format(3))))
    assert texts(whole) == "new1new2new3"


def test_parts_that_lie_nowhere_are_replaced_by_the_whole_and_not_deleted():
    reassembly = Reassembly("gsm0", 600)
    for seq in (1, 2):
        a_part = part(f"a{seq}", seq, 3)
        assert reassembly.add(*delivered(a_part, DIRECT)) is None
        reassembly.piece(a_part.fingerprint, 40 + seq)
    last, place = delivered(part("a3", 3, 3), DIRECT)
    whole = reassembly.add(last, place)
    assert (texts(whole), whole.places, whole.replaces) == ("a1a2a3", (place,), (41, 42))


def test_after_a_device_was_opened_anew_only_what_is_found_again_is_deleted():
    reassembly = Reassembly("gsm0", 600)
    first, second = (part(f"a{seq}", seq, 3) for seq in (1, 2))
    reassembly.add(*delivered(first))
    reassembly.add(*delivered(second))
    reassembly.reopened()
    assert reassembly.knows(first.fingerprint)
    reassembly.add(*delivered(second, Slot("SM", 901)))
    whole = reassembly.add(*delivered(part("a3", 3, 3), Slot("SM", 902)))
    assert texts(whole) == "a1a2a3"
    assert {place.slot.index for place in whole.places} == {901, 902}
