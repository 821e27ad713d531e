import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw import link as link_module
from tipline_gw.domain.bank import (
    Answer,
    Cleared,
    Note,
    Offer,
    Place,
    Pulse,
    Refused,
    Settled,
    Stop,
    Taken,
    Tally,
)
from tipline_gw.domain.sms import Concat, Message, Part, Slot, Undecodable
from tipline_gw.errors import LinkError
from tipline_gw.link import FROM_CORE, FROM_MODEMS, MAX_FRAME, Link, packed, unpacked

_text = st.text(st.characters(exclude_categories=["Cs"]))
_numbers = st.integers(0, 2**40)
_slots = st.builds(Slot, _text, st.integers(0, 9999))
_places = st.builds(Place, _slots, st.binary(min_size=8, max_size=8))
_parts = st.builds(
    Part,
    st.none() | _text,
    st.sampled_from(["gsm7", "ucs2", "8bit"]),
    _text,
    st.binary(max_size=140),
    st.none() | st.builds(Concat, st.integers(0, 65535), st.integers(1, 255), st.integers(1, 255)),
    st.none() | st.integers(0, 3),
    st.none() | _text,
    st.binary(max_size=16),
)
_broken = st.builds(Undecodable, st.none() | _text, _text, st.binary(), st.binary())
_messages = st.builds(
    Message, _text, st.none() | _text, st.lists(_parts, max_size=4).map(tuple),
    st.none() | _broken, st.integers(1, 255),
)  # fmt: skip
_tuples = st.lists(_places, max_size=4).map(tuple)
_to_core = st.one_of(
    st.builds(Offer, _numbers, _messages, _tuples, st.lists(_numbers).map(tuple), st.booleans()),
    st.builds(Note, _numbers, _text, _places),
    st.builds(Cleared, _text, _tuples),
    st.builds(Tally, _text, _text, st.floats(allow_nan=False, allow_infinity=False)),
    st.builds(Pulse, st.lists(_text).map(tuple), st.lists(_text).map(tuple)),
)
_to_modems = st.one_of(
    st.builds(Settled, st.binary(), st.lists(st.tuples(_text, _tuples), max_size=3).map(tuple)),
    st.builds(Taken, _numbers, st.booleans()),
    st.builds(Refused, _numbers),
    st.builds(Answer, _numbers, st.none() | _text),
    st.just(Stop()),
)


@given(_to_core)
@settings(deadline=None, database=None)
def test_what_goes_to_the_core_comes_out_as_it_went_in(message):
    assert unpacked(packed(message)[4:], FROM_MODEMS) == message


@given(_to_modems)
@settings(deadline=None, database=None)
def test_what_goes_to_the_modems_comes_out_as_it_went_in(message):
    assert unpacked(packed(message)[4:], FROM_CORE) == message


@given(st.binary(max_size=300))
@settings(deadline=None, database=None)
def test_anything_else_is_refused(octets):
    with pytest.raises(LinkError):
        unpacked(octets, FROM_CORE)


def test_each_side_takes_only_what_is_meant_for_it():
    with pytest.raises(LinkError, match="no known type"):
        unpacked(packed(Taken(1, True))[4:], FROM_MODEMS)
    with pytest.raises(LinkError, match="wrong shape"):
        unpacked(b'Taken {"serial": "one", "answer": true}', FROM_CORE)


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    link = Link(ours, FROM_MODEMS)
    yield link, theirs
    theirs.close()
    link.release()


def heard(link) -> list:
    messages = []
    link.serve(messages.append)
    return messages


def test_frames_arrive_whole_however_they_are_cut(pair):
    link, theirs = pair
    sent = [Tally("gsm0", "part", n) for n in range(50)]
    octets = b"".join(map(packed, sent))

    def drip():
        for start in range(0, len(octets), 7):
            theirs.sendall(octets[start : start + 7])
        theirs.shutdown(socket.SHUT_WR)

    dripping = threading.Thread(target=drip)
    dripping.start()
    assert heard(link) == sent
    dripping.join()


def test_a_frame_without_end_is_refused_before_it_is_read(pair):
    link, theirs = pair
    theirs.sendall((MAX_FRAME + 1).to_bytes(4, "big") + b"Tally ")
    with pytest.raises(LinkError, match="too long"):
        heard(link)


def test_sending_to_a_process_that_is_gone_is_an_error(pair):
    link, theirs = pair
    theirs.close()
    with pytest.raises(LinkError, match="gone"):
        for _ in range(2):
            link.send(Stop())


def test_a_process_that_takes_nothing_is_given_up(pair, monkeypatch):
    link, _theirs = pair
    link._socket.settimeout(0.2)
    with pytest.raises(LinkError, match="gone"):
        for _ in range(1000):
            link.send(Answer(1, "x" * 10000))


def test_after_half_a_frame_nothing_follows(monkeypatch):
    """By the link's own time limit: whoever reads again must not take the rest for a frame."""
    monkeypatch.setattr(link_module, "SEND_SECONDS", 1)
    ours, theirs = socket.socketpair()
    one, other = Link(ours, FROM_MODEMS), Link(theirs, FROM_CORE)
    with pytest.raises(LinkError, match="gone"):
        for _ in range(1000):
            one.send(Answer(1, "x" * 10000))
    received = []
    reading = threading.Thread(target=other.serve, args=[received.append])
    reading.start()
    with pytest.raises(LinkError, match="gone"):
        one.send(Stop())
    reading.join(10)
    assert not reading.is_alive()
    assert set(received) == {Answer(1, "x" * 10000)}
    one.release()
    other.release()


def test_what_several_threads_send_does_not_mix():
    ours, theirs = socket.socketpair()
    one, other = Link(ours, FROM_MODEMS), Link(theirs, FROM_CORE)
    sent = [Answer(serial, str(serial) * 500_000) for serial in range(8)]
    senders = [threading.Thread(target=one.send, args=[answer]) for answer in sent]
    received = []
    reading = threading.Thread(target=other.serve, args=[received.append])
    for thread in (*senders, reading):
        thread.start()
    for thread in senders:
        thread.join()
    one.close()
    reading.join()
    assert sorted(received, key=lambda answer: answer.serial) == sent
    one.release()
    other.release()
