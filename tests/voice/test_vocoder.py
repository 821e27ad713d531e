import numpy as np
import pytest

from tipline_gw.voice.frames import RATE
from tipline_gw.voice.vocoder import (
    BANDS,
    BINS,
    BLOCK,
    CENTRES,
    FLOOR,
    FRAMES,
    FREQUENCIES,
    HEARD,
    HOP,
    SILENT,
    SIZE,
    Sound,
    analyse,
    sound,
)

CHANCE = np.random.default_rng(5)
TIME = np.arange(HEARD) / RATE


def test_white_noise_has_its_power_in_every_band_and_no_voice():
    levels, voiced = analyse(CHANCE.normal(0, 1000, HEARD))
    assert levels.shape == (FRAMES, BANDS) and voiced.shape == (FRAMES,)
    assert abs(levels.mean() - 60) < 2
    assert voiced.mean() < 0.3


@pytest.mark.parametrize("hertz", [450.0, 1090.0, 2710.0])
def test_a_tone_is_loudest_in_its_band(hertz):
    levels = analyse(8000 * np.sin(2 * np.pi * hertz * TIME)).levels
    assert (CENTRES[levels.argmax(axis=1)] == hertz).all()


@pytest.mark.parametrize("hertz", [80.0, 120.0, 240.0, 390.0])
def test_pulses_of_any_voice_are_voiced_and_their_pitch_is_not_told(hertz):
    pulses = np.diff(np.floor(TIME * hertz), prepend=0.0) * 5000
    speech = analyse(pulses)
    assert speech.voiced.min() > 0.6
    assert speech._fields == ("levels", "voiced")


def test_nothing_is_silent_in_every_band():
    assert (analyse(np.zeros(HEARD)).levels == FLOOR).all()


def _sounding(levels: np.ndarray, hiss: np.ndarray) -> np.ndarray:
    return sound(
        Sound(levels, np.zeros((FRAMES, BINS)), np.ones(BINS, complex), np.zeros_like(hiss), hiss)
    )


def test_a_level_is_heard_as_that_level():
    hiss = CHANCE.normal(0, 1, BLOCK + HOP)
    laid = _sounding(np.full((FRAMES, BINS), 60.0), hiss)
    middle = laid[SIZE // 2 : SIZE // 2 + BLOCK - HOP]
    assert abs(10 * np.log10((middle**2).mean()) - 60) < 1
    assert np.allclose(middle, 1000 * hiss[HOP:BLOCK])


def test_a_silent_band_is_not_heard():
    levels = np.where(FREQUENCIES < 2000, 60.0, SILENT)[None, :].repeat(FRAMES, axis=0)
    laid = _sounding(levels, CHANCE.normal(0, 1, BLOCK + HOP))
    power = np.abs(np.fft.rfft(laid * np.hanning(len(laid)))) ** 2
    high = np.fft.rfftfreq(len(laid), 1 / RATE) > 2300
    assert power[high].mean() < power[~high].mean() / 1e4
