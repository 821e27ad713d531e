import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.prompts.voices import samples
from tests.prompts.wavs import voice
from tests.system.sounds import likeness
from tipline_gw.errors import PromptError
from tipline_gw.prompts import shaping, sound
from tipline_gw.prompts.loudness import integrated
from tipline_gw.prompts.speech import Pcm, espeak

RATES = (8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000, 192000)


def spoken(rate: int = 48000) -> np.ndarray:
    pcm = espeak("Hable después del tono. Al terminar, cuelgue.", "es-419", 165)
    signal = np.frombuffer(pcm.samples, dtype="<i2") / 32768
    import soxr

    return np.asarray(soxr.resample(signal, pcm.rate, rate))


def room(seconds: float, rate: int = 48000, level: float = 0.001) -> np.ndarray:
    return np.random.default_rng(7).normal(0, level, round(seconds * rate))


@pytest.mark.parametrize("rate", RATES)
def test_a_recording_of_any_rate_leaves_at_eight_kilohertz_and_minus_16_lufs(rate):
    made = shaping.recorded(voice(rate=rate), rate)
    assert sound.seconds(made) == pytest.approx(1.5, abs=0.2)
    assert shaping.measured(made) == pytest.approx(-16, abs=0.2)


@pytest.mark.parametrize("height", [0.001, 0.01, 0.1, 0.99])
def test_a_recording_of_any_loudness_leaves_as_loud_as_the_synthetic_voice(height):
    synthetic = shaping.synthetic(espeak("Hable al tono.", "es-419", 165), 0.3)
    made = shaping.recorded(spoken() * height, 48000)
    assert shaping.measured(made) == pytest.approx(shaping.measured(synthetic), abs=0.3)


def test_it_is_still_the_same_speech():
    made = shaping.recorded(spoken(), 48000)
    before = (spoken(8000) * 20000).astype("<i2").tobytes()
    assert likeness(made[1600:-1600], before) > 0.9


def test_no_peak_between_the_samples_passes_the_ceiling():
    spiky = voice() + np.where(np.random.default_rng(2).random(72000) > 0.9995, 0.9, 0)
    for signal in (spiky, np.random.default_rng(1).laplace(0, 0.05, 48000), voice(height=4.0)):
        made = samples(shaping.recorded(signal, 48000))
        assert shaping.true_peak(made) <= shaping.CEILING * 1.01
        assert not sound.clipped(shaping.recorded(signal, 48000))


def test_the_true_peak_of_a_sine_is_found_between_its_samples():
    """A quarter of the rate at 45 degrees: every sample is 3 dB below the peak."""
    sine = np.sin(np.pi / 2 * np.arange(4000) + np.pi / 4)
    assert np.abs(sine).max() < 0.71
    assert shaping.true_peak(sine) == pytest.approx(1.0, abs=0.05)


def test_the_silence_of_a_room_is_trimmed_at_both_ends():
    signal = np.concatenate([room(1.2), spoken() + room(len(spoken()) / 48000), room(2.5)])
    made = shaping.recorded(signal, 48000)
    assert sound.seconds(made) == pytest.approx(len(spoken()) / 48000, abs=0.25)


def test_the_click_of_a_mouse_before_the_words_is_trimmed_away():
    signal = np.concatenate([room(1.0), spoken(), room(0.5)])
    signal[4800:5000] += 0.5
    made = shaping.recorded(signal, 48000)
    assert sound.seconds(made) == pytest.approx(len(spoken()) / 48000, abs=0.25)


def test_a_soft_beginning_is_not_cut_off():
    """An f before a word is thirty times softer than its vowel."""
    hiss = room(0.12, level=0.02)
    signal = np.concatenate([np.zeros(24000), hiss, voice(0.8, height=0.6), np.zeros(24000)])
    made = shaping.recorded(signal, 48000)
    assert sound.seconds(made) >= 0.9


def test_the_speakers_own_pauses_are_left_alone():
    signal = np.concatenate([voice(0.5), np.zeros(48000), voice(0.5)])
    assert sound.seconds(shaping.recorded(signal, 48000)) == pytest.approx(2.05, abs=0.2)


def test_a_constant_part_and_hum_below_the_voice_are_taken_out():
    moments = np.arange(72000) / 48000
    made = samples(shaping.recorded(voice() + 0.2 + 0.1 * np.sin(2 * np.pi * 45 * moments), 48000))
    assert abs(made.mean()) < 0.001
    spectrum = np.abs(np.fft.rfft(made * np.hanning(len(made))))
    hertz = np.fft.rfftfreq(len(made), 1 / 8000)
    low, middle = (spectrum[(hertz > a) & (hertz < b)].max() for a, b in ((35, 55), (140, 160)))
    assert low < middle / 30


def test_nothing_above_the_band_is_folded_down():
    moments = np.arange(72000) / 48000
    clean = shaping.recorded(voice(), 48000)
    shrill = shaping.recorded(voice() + 0.1 * np.sin(2 * np.pi * 7000 * moments), 48000)
    assert likeness(clean[2000:-2000], shrill) > 0.99


def test_a_short_digit_is_as_loud_as_the_rest():
    made = shaping.synthetic(espeak("dos", "es-419", 165), 0.3)
    assert sound.seconds(made) < 0.5
    assert shaping.measured(made) == pytest.approx(-16, abs=0.3)


@pytest.mark.parametrize("signal", [np.zeros(0), np.zeros(4800), np.full(4800, 0.3)])
def test_silence_is_refused(signal):
    with pytest.raises(PromptError, match="only silence"):
        shaping.recorded(signal, 48000)


@settings(max_examples=120, deadline=None, database=None)
@given(st.lists(st.floats(-4, 4, width=32), max_size=400), st.sampled_from(RATES))
def test_any_recording_becomes_a_prompt_or_is_refused(values, rate):
    try:
        made = shaping.recorded(np.array(values), rate)
    except PromptError:
        return
    assert not sound.clipped(made)
    assert np.abs(samples(made)).max() <= shaping.CEILING * 1.01


def test_a_prompt_of_pcm_and_one_of_samples_measure_the_same():
    pcm = (voice(rate=8000) * 32767).astype("<i2").tobytes()
    assert shaping.measured(pcm) == pytest.approx(integrated(voice(rate=8000), 8000), abs=0.01)
    assert Pcm(8000, pcm).rate == 8000
