import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.voice.frames import FRAME, FRAME_SECONDS
from tipline_gw.voice.timeline import PAUSE_SECONDS, Timeline

BATCH = 10


def played(slots: list[bool], late: dict[int, float] | None = None) -> tuple[int, list[int]]:
    """Frames that came or did not, one each 20 ms, read ten at a time as the stream is: how many
    frames the recording has in the end, and before which frame of it silence was put."""
    timeline = Timeline()
    frames, places, waiting = 0, [], 0
    for slot, came in enumerate(slots):
        waiting += came
        if waiting == BATCH:
            now = 100.0 + slot * FRAME_SECONDS + (late or {}).get(slot, 0.0)
            filled = timeline.missing(waiting * FRAME, 0, now)
            assert filled % FRAME == 0
            if filled:
                places.append(frames)
            frames += filled // FRAME + waiting
            waiting = 0
    return frames, places


def test_a_stream_without_a_gap_is_left_as_it_is() -> None:
    assert played([True] * 3000) == (3000, [])


@pytest.mark.parametrize("pieces", [1, 3, 12])
def test_a_batch_in_several_pieces_is_one(pieces: int) -> None:
    timeline = Timeline()
    for batch in range(200):
        for piece in range(pieces):
            ahead = (pieces - 1 - piece) * FRAME
            assert timeline.missing(FRAME, ahead, batch * pieces * FRAME_SECONDS) == 0


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
    assert timeline.missing(50 * FRAME, 0, 10.0) == 0
    pace = [timeline.missing(BATCH * FRAME, 0, 10.2 + n * 0.2) for n in range(100)]
    assert not any(pace)


def test_a_clock_that_goes_a_little_slow_or_fast_does_no_harm() -> None:
    for drift in (0.9998, 1.0002):
        timeline = Timeline()
        filled = [timeline.missing(BATCH * FRAME, 0, n * 0.2 * drift) for n in range(3000)]
        assert sum(filled) <= 600 * 0.0002 / FRAME_SECONDS * FRAME + 2 * FRAME


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 8192), st.floats(0, 40)), max_size=60))
def test_whatever_comes_nothing_is_taken_out_and_never_more_put_in_than_time_went_by(
    steps: list[tuple[int, float]],
) -> None:
    timeline, now, filled = Timeline(), 0.0, 0
    for octets, passed in steps:
        now += passed
        silence = timeline.missing(octets, 0, now)
        assert silence >= 0
        filled += silence
    assert filled <= (now + 1.0) * 16000
