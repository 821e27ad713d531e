import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.voice.frames import FRAME, FRAME_SECONDS
from tipline_gw.voice.timeline import PAUSE_SECONDS, Timeline

BATCH = 10
SPEECH = b"\1" * FRAME


def played(slots: list[bool], late: dict[int, float] | None = None) -> tuple[int, list[int]]:
    """Frames that came or did not, one each 20 ms, read ten at a time as the stream is: how many
    frames the recording has in the end, and before which frame of it silence was put."""
    timeline = Timeline()
    frames, places, waiting = 0, [], 0
    for slot, came in enumerate(slots):
        waiting += came
        if waiting == BATCH:
            now = 100.0 + slot * FRAME_SECONDS + (late or {}).get(slot, 0.0)
            for piece in timeline.put(SPEECH * waiting, 0, now):
                if piece[0] != SPEECH[0]:
                    places.append(frames)
                frames += len(piece) // FRAME
            waiting = 0
    frames += sum(map(len, timeline.release())) // FRAME
    return frames, places


def swept(arrivals: list[float], sweep: float = 0.3, packet: int = 1) -> bytes:
    """The recording of numbered frames that came at ``arrivals``, ``packet`` of them at a time,
    read every ``sweep`` seconds and with nothing for long settled: its frames by number, 0 for
    silence."""
    timeline = Timeline()
    kept, idle = b"", 0
    for end in range(1, int(max(arrivals) / sweep) + 2):
        came = [n for n, at in enumerate(arrivals, 1) if (end - 1) * sweep < at <= end * sweep]
        idle = 0 if came else idle + 1
        if idle == 2:
            kept += b"".join(timeline.settle())
        for number, frame in enumerate(came, 1):
            pcm, ahead = bytes((frame,)) * FRAME, (len(came) - number) * FRAME
            kept += b"".join(timeline.put(pcm, ahead, end * sweep, packet * FRAME))
    return (kept + b"".join(timeline.settle()))[::FRAME]


def test_a_stream_without_a_gap_is_left_as_it_is() -> None:
    assert played([True] * 3000) == (3000, [])


@pytest.mark.parametrize("pieces", [1, 3, 12])
def test_a_batch_in_several_pieces_is_one(pieces: int) -> None:
    timeline = Timeline()
    for batch in range(200):
        for piece in range(pieces):
            ahead = (pieces - 1 - piece) * FRAME
            assert timeline.put(SPEECH, ahead, batch * pieces * FRAME_SECONDS) == [SPEECH]


def test_scattered_losses_are_made_up_for_within_a_second_or_two() -> None:
    rng = random.Random(1)
    slots = [rng.random() >= 0.05 for _ in range(3000)]
    frames, places = played(slots)
    assert abs(frames - len(slots)) <= BATCH + 3
    assert len(places) > 20


def test_a_pause_is_where_it_was_and_as_long() -> None:
    slots = [True] * 500 + [False] * 150 + [True] * 500
    frames, places = played(slots)
    assert abs(frames - len(slots)) <= 1
    assert places == [500]


def test_jitter_that_is_made_good_adds_nothing() -> None:
    rng = random.Random(2)
    late = {slot: rng.uniform(0, PAUSE_SECONDS / 2) for slot in range(3000)}
    assert played([True] * 3000, late)[1] == []


def test_what_had_gathered_before_the_first_reading_makes_no_hole() -> None:
    timeline = Timeline()
    assert len(timeline.put(SPEECH * 50, 0, 10.0)) == 1
    pace = [timeline.put(SPEECH * BATCH, 0, 10.2 + n * 0.2) for n in range(100)]
    assert all(len(pieces) == 1 for pieces in pace)


@pytest.mark.parametrize("stall", [0.13, 0.2, 0.29, 0.5, 0.8])
@pytest.mark.parametrize("at", [1.0, 1.1, 1.25])
def test_what_comes_late_all_at_once_adds_nothing(stall: float, at: float) -> None:
    sent = [n * FRAME_SECONDS for n in range(1, 200)]
    arrivals = [at + stall if at < moment < at + stall else moment for moment in sent]
    assert swept(arrivals) == bytes(range(1, 200))


@pytest.mark.parametrize("apart", [0.001, 0.02, 0.1])
def test_what_piled_up_while_nobody_read_it_adds_nothing(apart: float) -> None:
    timeline, now, kept = Timeline(), 0.0, b""
    for _ in range(5):
        now += 0.3
        kept += b"".join(timeline.put(SPEECH * 15, 0, now))
    now += 4.0
    for _ in range(4):  # a second at a time
        kept += b"".join(timeline.put(SPEECH * 50, 0, now))
        now += apart
    for meanwhile in (4 * apart, 0, 0, 0):
        now += 0.3
        frames = 15 + round(meanwhile / FRAME_SECONDS)
        kept += b"".join(timeline.put(SPEECH * frames, 0, now))
    assert kept.count(0) == 0


@pytest.mark.parametrize("packet", [1, 2, 3])
@pytest.mark.parametrize("until", [60, 120, 180])
def test_packets_that_begin_to_come_just_after_each_reading_miss_nothing(packet, until) -> None:
    on_time = [-(-n // packet) * packet * FRAME_SECONDS - 0.001 for n in range(1, 253)]
    arrivals = [at + 0.002 * (n >= until) for n, at in enumerate(on_time)]
    assert swept(arrivals, packet=packet) == bytes(range(1, 253))


@pytest.mark.parametrize("packet", [1, 2, 3])
def test_lost_packets_are_made_up_for_however_long_they_are(packet) -> None:
    rng = random.Random(4)
    came = [slot for slot in range(12000 // packet) if rng.random() >= 0.05]
    arrivals = [(slot + 1) * packet * FRAME_SECONDS for slot in came for _ in range(packet)]
    timeline, kept = Timeline(), b""
    for end in range(1, 800):
        now = end * 0.3
        batch = SPEECH * sum((end - 1) * 0.3 < at <= now for at in arrivals)
        kept += b"".join(timeline.put(batch, 0, now, packet * FRAME)) if batch else b""
    kept += b"".join(timeline.release())
    assert abs(len(kept) // FRAME - 799 * 15) <= BATCH + 2 * packet
    assert kept.count(0) // FRAME > 300


@pytest.mark.parametrize("pause", [0.2, 0.5, 2.0])
def test_a_telephone_that_sends_nothing_while_nothing_is_said(pause: float) -> None:
    frames = round(pause / FRAME_SECONDS)
    arrivals, at = [], 0.0
    for _ in range(5):
        arrivals += [at + n * FRAME_SECONDS for n in range(1, 31)]
        at = arrivals[-1] + pause
    kept = swept(arrivals)
    places = [kept.index(word * 30 + 1) - (word * 30) for word in range(5)]
    assert [abs(place - word * frames) <= 3 for word, place in enumerate(places)] == [True] * 5


def test_what_is_held_while_a_key_is_pressed_is_let_go_without_silence() -> None:
    timeline = Timeline()
    timeline.put(SPEECH * 15, 0, 0.3)
    assert timeline.put(SPEECH * 7, 0, 0.6) == []
    assert timeline.release() == [SPEECH * 7]
    assert timeline.settle() == []
    after = [timeline.put(SPEECH * 15, 0, 0.9 + n * 0.3) for n in range(20)]
    assert after == [[SPEECH * 15]] * 20


def test_a_key_after_a_long_silence_takes_only_its_own_time_off() -> None:
    timeline = Timeline()
    timeline.put(SPEECH * 15, 0, 0.3)
    assert timeline.release() == []
    after = [timeline.put(SPEECH * 15, 0, 3.3 + n * 0.3) for n in range(3)]
    silence = sum(len(piece) for pieces in after for piece in pieces if piece[0] == 0)
    assert 2.0 <= silence / 16000 <= 2.3


def test_a_clock_that_goes_a_little_slow_or_fast_does_no_harm() -> None:
    for drift in (0.9998, 1.0002):
        timeline = Timeline()
        kept = [timeline.put(SPEECH * BATCH, 0, n * 0.2 * drift) for n in range(3000)]
        filled = sum(len(piece) for pieces in kept for piece in pieces[:-1])
        assert filled <= 600 * 0.0002 / FRAME_SECONDS * FRAME + 2 * FRAME


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 8192), st.floats(0, 40)), max_size=60))
def test_whatever_comes_nothing_is_taken_out_and_never_more_put_in_than_time_went_by(
    steps: list[tuple[int, float]],
) -> None:
    timeline, now, kept = Timeline(), 0.0, b""
    for octets, passed in steps:
        now += passed
        kept += b"".join(timeline.put(b"\1" * octets, 0, now))
    kept += b"".join(timeline.settle())
    assert kept.count(1) == sum(octets for octets, _ in steps)
    assert kept.count(0) <= (now + 1.0) * 16000
