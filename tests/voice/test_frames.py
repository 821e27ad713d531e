import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.errors import VoiceError
from tipline_gw.voice.frames import HEADER, MOST, Frame, FrameReader, Kind

FRAMES = [
    Frame(Kind.UUID, bytes(16)),
    Frame(Kind.AUDIO, b"\x01\x02" * 160),
    Frame(Kind.DTMF, b"#"),
    Frame(Kind.AUDIO_48, b"\x01\x02" * 960),
    Frame(Kind.ERROR, b"\x01"),
    Frame(Kind.HANGUP, b""),
]
WIRE = b"".join(frame.to_bytes() for frame in FRAMES)


def test_whole_frames_come_out_as_they_went_in() -> None:
    assert FrameReader().feed(WIRE) == FRAMES


def test_plain_audio_that_follows_itself_comes_out_as_one_and_nothing_else_does() -> None:
    plain, short = Frame(Kind.AUDIO, b"\x01\x02" * 160), Frame(Kind.AUDIO, b"\x03\x04")
    other = Frame(Kind.AUDIO_48, plain.payload)
    sent = [plain, plain, short, plain, plain, plain, other, plain]
    frames = FrameReader().feed(b"".join(frame.to_bytes() for frame in sent))
    two, three = Frame(Kind.AUDIO, plain.payload * 2), Frame(Kind.AUDIO, plain.payload * 3)
    assert frames == [two, short, three, other, plain]


@given(st.integers(1, 200), st.integers(1, 3000))
@settings(max_examples=200, deadline=None, database=None)
def test_of_audio_in_any_pieces_no_sample_is_lost_or_doubled(count: int, size: int) -> None:
    sent = [Frame(Kind.AUDIO, number.to_bytes(2, "big") * 160) for number in range(count)]
    wire = b"".join(frame.to_bytes() for frame in sent)
    reader = FrameReader()
    pieces = (wire[at : at + size] for at in range(0, len(wire), size))
    frames = [frame for piece in pieces for frame in reader.feed(piece)]
    assert b"".join(frame.payload for frame in frames) == b"".join(one.payload for one in sent)
    assert all(len(frame.payload) <= MOST for frame in frames)
    assert reader.waiting == 0


def test_a_frame_says_how_long_the_packets_of_its_line_are() -> None:
    short, long = (Frame(Kind.AUDIO, b"\1" * octets).to_bytes() for octets in (320, 960))
    frames = FrameReader().feed(short * 3 + long * 2)
    assert [(len(frame.payload), frame.packet) for frame in frames] == [
        (960, 320), (960, 960), (960, 960),
    ]  # fmt: skip


def test_octets_one_by_one_make_the_same_frames() -> None:
    reader = FrameReader()
    assert [frame for octet in WIRE for frame in reader.feed(bytes((octet,)))] == FRAMES


@given(st.lists(st.integers(0, len(WIRE)), max_size=12))
@settings(max_examples=300, deadline=None, database=None)
def test_cuts_at_any_place_make_the_same_frames(cuts: list[int]) -> None:
    reader = FrameReader()
    edges = [0, *sorted(cuts), len(WIRE)]
    pieces = [WIRE[a:b] for a, b in itertools.pairwise(edges)]
    assert [frame for piece in pieces for frame in reader.feed(piece)] == FRAMES
    assert reader.waiting == 0


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"\x02\x00\x00", id="a kind there is not"),
        pytest.param(b"\x01\x00\x0f" + bytes(15), id="a token too short"),
        pytest.param(b"\x03\x00\x02##", id="two keys in one frame"),
        pytest.param(b"\x10" + (MOST + 1).to_bytes(2, "big"), id="audio too long"),
        pytest.param(b"\x00\xff\xff", id="a hang-up with a payload"),
    ],
)
def test_what_audiosocket_does_not_have_is_our_error_and_stays_one(wire: bytes) -> None:
    reader = FrameReader()
    with pytest.raises(VoiceError):
        reader.feed(wire)
    with pytest.raises(VoiceError):
        reader.feed(b"")
    assert reader.waiting == 0


def test_frames_before_what_is_none_are_not_lost() -> None:
    reader = FrameReader()
    assert reader.feed(WIRE + b"\x02\x00\x00" + WIRE) == FRAMES
    with pytest.raises(VoiceError):
        reader.check()


# Pieces of the protocol, chosen by one random octet each: cheap to draw, near to what is valid.
_PIECES = [frame.to_bytes() for frame in FRAMES] + [
    b"\x10\x00\x02", b"\x10\x20\x00", b"\x10\x20\x01", b"\x01\x00\x10", b"\x03\x00\x01",
]  # fmt: skip


def _built(plan: bytes) -> bytes:
    """Half of the plans stand for themselves, the others name pieces. One strategy, since
    choosing among several costs more than everything else here."""
    if plan[:1] < b"\x80":
        return plan[1:]
    return b"".join(
        _PIECES[octet] if octet < len(_PIECES) else bytes((octet & 0x13,)) for octet in plan
    )


# Four to an example: what hypothesis does around an example costs ten times what is tested in it.
@given(st.binary(max_size=64))
@settings(max_examples=25_000, deadline=None, database=None)
def test_a_hundred_thousand_strings_are_frames_or_our_error_and_never_pile_up(
    plans: bytes,
) -> None:
    for start in range(4):
        plan = plans[start::4]
        frames_or_our_error(_built(plan), sum(plan))


def frames_or_our_error(wire: bytes, place: int) -> None:
    cut = place % (len(wire) + 1)
    reader = FrameReader()
    try:
        for piece in (wire[:cut], wire[cut:]):
            frames = reader.feed(piece)
            assert all(len(frame.payload) <= MOST for frame in frames)
            assert reader.waiting <= min(len(wire), HEADER + MOST - 1)
    except VoiceError:
        assert reader.waiting == 0
