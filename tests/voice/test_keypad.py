import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline_gw.voice.channel import KEYS
from tipline_gw.voice.keypad import (
    AGAIN_SECONDS,
    CONFIRM_SECONDS,
    DOUBLE_SECONDS,
    Keypad,
    StopKey,
    loudness,
)

RATE = 8000
TICK = 0.02


def pressed(*presses: tuple[str, float]) -> str:
    keypad = Keypad()
    return "".join(keypad.press(key, at) for key, at in presses)


def speech(seconds: float, seed: int = 1) -> bytes:
    """Noise in syllables of 150 ms, the mouth closed for the last 40 of each."""
    random = np.random.default_rng(seed)
    count = int(seconds * RATE)
    loud = np.repeat(random.uniform(0.2, 1.0, count // 1200 + 1), 1200)[:count]
    loud = np.where(np.arange(count) % 1200 < 880, loud, 0.02)
    return bytes((random.normal(0, 4000, count) * loud).clip(-32000, 32000).astype("<i2"))


def engine(seconds: float) -> bytes:
    return bytes(np.random.default_rng(7).normal(0, 1500, int(seconds * RATE)).astype("<i2"))


def told(stop_key: StopKey, pcm: bytes) -> bool:
    """As it comes, in pieces of 200 ms."""
    heard = [stop_key.heard(pcm[at : at + 3200]) for at in range(0, len(pcm), 3200)]
    return any(heard)


def test_the_same_key_again_at_once_is_one_press() -> None:
    assert pressed(("1", 5.0), ("1", 5.0 + DOUBLE_SECONDS - 0.01)) == "1"


def test_a_key_that_echoes_on_and_on_is_one_press() -> None:
    assert pressed(*(("7", 5.0 + n * 0.1) for n in range(8))) == "7"


def test_a_key_pressed_twice_is_two() -> None:
    assert pressed(("1", 5.0), ("1", 5.0 + DOUBLE_SECONDS + 0.01)) == "11"


@given(st.lists(st.sampled_from(KEYS), max_size=20))
def test_different_keys_are_never_dropped_however_fast(keys: list[str]) -> None:
    apart = [key for at, key in enumerate(keys) if at == 0 or keys[at - 1] != key]
    assert pressed(*((key, 0.01 * at) for at, key in enumerate(apart))) == "".join(apart)


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.floats(0, 2)), max_size=30))
def test_what_comes_out_was_pressed_and_each_change_of_key_comes_out(
    presses: list[tuple[str, float]],
) -> None:
    now, keypad, last = 0.0, Keypad(), ""
    for key, passed in presses:
        now += passed
        out = keypad.press(key, now)
        assert out in ("", key)
        assert out or key == last
        last = key


def test_a_hash_after_quiet_ends_at_once() -> None:
    stop_key = StopKey()
    told(stop_key, speech(3.0) + bytes(int(0.5 * RATE) * 2))
    assert stop_key.pressed(10.0)


def test_a_hash_in_the_middle_of_a_sentence_ends_nothing() -> None:
    stop_key = StopKey()
    told(stop_key, speech(3.0))
    assert not stop_key.pressed(10.0)
    assert not told(stop_key, speech(20.0, seed=2))


def test_a_hash_right_at_the_end_of_a_sentence_ends_when_nothing_follows() -> None:
    stop_key = StopKey()
    told(stop_key, speech(3.0))
    assert not stop_key.pressed(10.0)
    quiet = bytes(int(CONFIRM_SECONDS * RATE) * 2)
    assert not stop_key.heard(quiet[:-3200])
    assert stop_key.heard(quiet[-3200:])


def test_a_second_hash_ends_whatever_is_heard() -> None:
    stop_key = StopKey()
    told(stop_key, speech(3.0))
    assert not stop_key.pressed(10.0)
    told(stop_key, speech(2.0, seed=3))
    assert stop_key.pressed(12.0)


def test_two_that_are_far_apart_are_each_for_themselves() -> None:
    stop_key = StopKey()
    told(stop_key, speech(3.0))
    assert not stop_key.pressed(10.0)
    told(stop_key, speech(12.0, seed=3))
    assert not stop_key.pressed(10.0 + AGAIN_SECONDS + 1)


def test_beside_an_engine_one_press_is_enough() -> None:
    stop_key = StopKey()
    told(stop_key, engine(5.0))
    assert stop_key.pressed(10.0)


def test_a_telephone_that_sends_nothing_has_confirmed_it_in_time() -> None:
    stop_key = StopKey()
    told(stop_key, speech(3.0))
    assert not stop_key.idle(9.0)
    assert not stop_key.pressed(10.0)
    assert not stop_key.idle(10.0 + CONFIRM_SECONDS / 2)
    assert stop_key.idle(10.0 + CONFIRM_SECONDS)


def test_with_nothing_heard_yet_a_hash_ends() -> None:
    assert StopKey().pressed(1.0)


@pytest.mark.parametrize("size", [1, 7, 320, 3200, 8192])
def test_the_size_of_the_pieces_makes_no_difference(size: int) -> None:
    stop_key = StopKey()
    pcm = speech(3.0) + bytes(int(0.5 * RATE) * 2)
    for at in range(0, len(pcm), size):
        stop_key.heard(pcm[at : at + size])
    assert stop_key.pressed(10.0)


def test_no_more_is_remembered_than_is_needed() -> None:
    stop_key = StopKey()
    told(stop_key, speech(60.0))
    assert sum(map(len, stop_key._recent)) <= 2 * 16000 + 3200


@given(st.binary(max_size=2000))
def test_any_octets_have_a_loudness(pcm: bytes) -> None:
    levels = loudness(pcm)
    assert len(levels) == len(pcm) // 320
    assert np.isfinite(levels).all()
