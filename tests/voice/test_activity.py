import random
import struct
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.voice.conftest import tone
from tipline_gw.voice.activity import Activity
from tipline_gw.voice.frames import FRAME

RATE = 8000


def noise(seconds: float, level: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, level, int(seconds * RATE))


def pcm(signal: np.ndarray) -> bytes:
    return signal.clip(-32767, 32767).astype("<i2").tobytes()


def spoken(sound: bytes, piece: int = 10 * FRAME) -> bool:
    activity = Activity()
    for start in range(0, len(sound), piece):
        activity.feed(sound[start : start + piece])
    return activity.spoken


def whispered(level: float, seed: int = 2) -> np.ndarray:
    """Half a second of hissing breath, in two syllables, at 2 seconds into 5 of nothing."""
    signal = np.zeros(5 * RATE)
    breath = noise(0.5, level, seed)
    breath[1600:2400] = 0
    signal[2 * RATE : 2 * RATE + len(breath)] = breath
    return signal


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(np.zeros(5 * RATE), id="dead"),
        pytest.param(np.full(5 * RATE, 700.0), id="a constant"),
        pytest.param(8.0 * (np.arange(5 * RATE) % 2000 < 3), id="G.711's idle steps"),
        pytest.param(2000 * np.sin(2 * np.pi * 60 * np.arange(5 * RATE) / RATE), id="hum"),
        pytest.param(noise(5, 30), id="a hiss"),
        pytest.param(noise(60, 300), id="a loud hiss for a minute"),
        pytest.param(8000 * np.sin(2 * np.pi * 425 * np.arange(5 * RATE) / RATE), id="a dial tone"),
        pytest.param(np.zeros(0), id="nothing at all"),
        pytest.param(np.repeat([0.0, 9000.0, 0.0], [9000, 200, 30000]), id="a click"),
    ],
)
def test_a_dead_or_steady_line_is_silence(line):
    assert not spoken(pcm(line))


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(whispered(40), id="a whisper on a clean line"),
        pytest.param(whispered(300) + noise(5, 300), id="a whisper as loud as its line's hiss"),
        pytest.param(
            whispered(120) + 2000 * np.sin(2 * np.pi * 60 * np.arange(5 * RATE) / RATE),
            id="a whisper far below a hum",
        ),
        pytest.param(whispered(3000), id="a voice"),
        pytest.param(noise(0.6, 2000), id="a word that is all there is"),
        pytest.param(
            np.concatenate([noise(0.4, 2000), np.zeros(20 * RATE)]), id="a word at once, then none"
        ),
        pytest.param(
            np.concatenate([noise(170, 20), noise(0.4, 60), noise(5, 20)]), id="after minutes"
        ),
    ],
)
def test_who_whispers_speaks(line):
    assert spoken(pcm(line))


def test_a_steady_noise_is_in_doubt_for_three_seconds():
    activity = Activity()
    activity.feed(pcm(noise(2.5, 500)))
    assert activity.spoken
    activity.feed(pcm(noise(2.5, 500, seed=3)))
    assert not activity.spoken


@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=40))
def test_how_it_is_cut_into_pieces_does_not_matter(cuts):
    sound = pcm(whispered(60)[RATE * 3 // 2 : RATE * 3])
    whole, pieces = Activity(), Activity()
    whole.feed(sound)
    places = sorted({0, len(sound), *(min(len(sound), sum(cuts[:n])) for n in range(len(cuts)))})
    for start, end in pairwise(places):
        pieces.feed(memoryview(sound)[start:end])
    assert whole.spoken == pieces.spoken


@settings(max_examples=100, deadline=None, database=None)
@given(st.lists(st.binary(max_size=2000), max_size=20))
def test_no_octets_are_too_odd_for_it(pieces):
    activity = Activity()
    for piece in pieces:
        activity.feed(piece)
    assert activity.spoken in (True, False)


def test_once_somebody_spoke_nothing_is_computed_any_more():
    activity = Activity()
    activity.feed(pcm(whispered(3000)))
    assert activity.spoken
    start = time.perf_counter()
    for _ in range(50_000):
        activity.feed(bytes(FRAME))
    assert time.perf_counter() - start < 0.5


def test_real_speech_is_speech_and_a_tone_of_a_key_is_not_long_enough():
    generator = random.Random(3)
    syllables = b"".join(
        struct.pack("<800h", *(int(generator.gauss(0, loud)) for _ in range(800)))
        for loud in (900, 80, 1500, 60, 700, 50)
    )
    assert spoken(bytes(16000) + syllables)
    assert not spoken(bytes(16000) + tone(697, 0.08) + bytes(64000))
