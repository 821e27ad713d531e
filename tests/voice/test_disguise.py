import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.voice.disguise import DELAY_SECONDS, Disguise
from tipline_gw.voice.frames import FRAME, RATE, SAMPLE

CHANCE = np.random.default_rng(11)
NOISE = CHANCE.normal(0, 3000, RATE).astype("<i2").tobytes()
TIME = np.arange(RATE) / RATE


def whole(pcm: bytes, seed: bytes | None = b"seed") -> bytes:
    disguise = Disguise(seed)
    return disguise.feed(pcm) + disguise.flush()


def samples(pcm: bytes) -> np.ndarray:
    return np.frombuffer(pcm, "<i2").astype(float)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, len(NOISE)), max_size=12))
def test_however_it_is_cut_the_result_is_the_same(cuts):
    disguise = Disguise(b"seed")
    edges = [0, *sorted(cuts), len(NOISE)]
    done = b"".join(disguise.feed(memoryview(NOISE)[a:b]) for a, b in pairwise(edges))
    assert done + disguise.flush() == whole(NOISE)


@pytest.mark.parametrize("count", [0, 1, 2, 159, 160, 255, 256, 257, 640, 641, 944, 5000, 8000])
def test_as_many_samples_come_out_as_went_in(count):
    assert len(whole(NOISE[: count * SAMPLE])) == count * SAMPLE


def test_half_a_sample_at_the_end_is_dropped():
    assert whole(NOISE[:4001]) == whole(NOISE[:4000])


def test_no_more_is_held_back_than_stated():
    disguise = Disguise(b"seed")
    fed = given = 0
    for at in range(0, len(NOISE), FRAME):
        fed += FRAME
        given += len(disguise.feed(NOISE[at : at + FRAME]))
        assert fed - given <= DELAY_SECONDS * RATE * SAMPLE
    assert DELAY_SECONDS < 0.12


def test_what_it_keeps_does_not_grow_with_the_call():
    disguise = Disguise(b"seed")
    for _ in range(20):
        disguise.feed(NOISE)
    assert disguise._heard.size < 1000 and disguise._laid.size < 1000


def test_two_disguises_of_the_same_words_differ():
    one, other = samples(whole(NOISE, None)), samples(whole(NOISE, None))
    assert np.corrcoef(one, other)[0, 1] < 0.2


def test_nothing_of_the_wave_is_left():
    assert abs(np.corrcoef(samples(NOISE), samples(whole(NOISE)))[0, 1]) < 0.1


def test_silence_stays_silence():
    assert whole(bytes(RATE * SAMPLE)) == bytes(RATE * SAMPLE)


def test_a_pause_between_words_stays_a_pause():
    gap = samples(whole(NOISE + bytes(len(NOISE)) + NOISE))[RATE : 2 * RATE]
    assert not gap[800:-800].any()


@pytest.mark.parametrize("loud", [30, 300, 3000, 9000])
def test_a_whisper_stays_low_and_a_shout_loud(loud):
    spoken = CHANCE.normal(0, loud, RATE).clip(-32768, 32767).astype("<i2").tobytes()
    made = samples(whole(spoken))
    assert loud / 4 < made.std() < loud * 4


SQUARE = np.where(np.sin(2 * np.pi * 200 * TIME) > 0, 32767, -32768)
HOSTILE = {
    "full-scale square": SQUARE,
    "steady full scale": np.full(RATE, -32768),
    "full-scale noise": CHANCE.integers(-32768, 32768, RATE),
    "one click": np.where(np.arange(RATE) == 4000, 32767, 0),
    "smallest step": CHANCE.integers(-1, 2, RATE),
    "keys": 9000 * (np.sin(2 * np.pi * 770 * TIME) + np.sin(2 * np.pi * 1336 * TIME)),
    "highest tone": 32767 * np.where(np.arange(RATE) % 2, 1, -1),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_sound_is_too_much(name, recwarn):
    pcm = np.asarray(HOSTILE[name]).astype("<i2").tobytes()
    made = samples(whole(pcm))
    assert len(made) == RATE
    assert not recwarn.list
    jumps = np.abs(np.diff(made))
    assert jumps.max() < 65000  # what wraps around jumps from one end of the scale to the other


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=6000))
def test_any_octets_are_sound(octets):
    assert len(whole(octets)) == len(octets) // SAMPLE * SAMPLE


def test_after_its_end_nothing_is_left_of_what_was_drawn():
    disguise, same = Disguise(b"seed"), Disguise(b"seed")
    disguise.feed(NOISE)
    disguise.flush()
    same.feed(NOISE)
    assert (disguise._draws.uniform(8) != same._draws.uniform(8)).any()
    assert not disguise._mask._secret._middle.any()
    assert not disguise._heard.size and not disguise._laid.size


def test_ending_it_twice_gives_nothing_more():
    disguise = Disguise(b"seed")
    disguise.feed(NOISE)
    disguise.flush()
    assert disguise.flush() == b""


def test_a_call_without_it_does_not_load_it():
    code = (
        "import sys, tipline_gw.daemon;"
        "sys.exit(any(name in sys.modules for name in"
        " ('tipline_gw.voice.disguise', 'tipline_gw.voice.vocoder')))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
