import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.prompts.loudness import SILENT, integrated, k_filters, k_weighted

RATES = (8000, 16000, 22050, 44100, 48000, 96000)


def sine(seconds: float, level: float, rate: int, hertz: float = 997.0) -> np.ndarray:
    """``level``: of the peak, in dB of full scale."""
    moments = np.arange(round(seconds * rate)) / rate
    return np.asarray(10 ** (level / 20) * np.sin(2 * np.pi * hertz * moments))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("level", [0.0, -20.0, -40.0])
def test_a_sine_of_997_hertz_measures_3_01_below_its_peak(rate, level):
    assert integrated(sine(5, level, rate), rate) == pytest.approx(level - 3.01, abs=0.05)


def test_the_filters_at_48_kilohertz_are_those_of_the_recommendation():
    """ITU-R BS.1770-4, Annex 1, tables 1 and 2."""
    (shelf, shelf_under), (high_pass, high_pass_under) = k_filters(48000)
    assert shelf == pytest.approx((1.53512485958697, -2.69169618940638, 1.19839281085285), abs=1e-9)
    assert shelf_under == pytest.approx((1.0, -1.69065929318241, 0.73248077421585), abs=1e-9)
    assert high_pass == (1.0, -2.0, 1.0)
    assert high_pass_under == pytest.approx((1.0, -1.99004745483398, 0.99007225036621), abs=1e-9)


def test_filtering_by_fft_is_the_recursion_sample_by_sample():
    signal = np.random.default_rng(1).normal(0, 0.1, 4000)
    expected = signal
    for over, under in k_filters(8000):
        made = np.zeros(len(expected))
        for n in range(len(expected)):
            made[n] = sum(over[k] * expected[n - k] for k in range(3) if n >= k)
            made[n] -= sum(under[k] * made[n - k] for k in (1, 2) if n >= k)
        expected = made
    assert k_weighted(signal, 8000) == pytest.approx(expected, abs=1e-9)


def test_bass_counts_less_and_treble_more():
    bass, treble = (integrated(sine(3, -20, 48000, hertz), 48000) for hertz in (40, 6000))
    assert bass < -26
    assert treble == pytest.approx(-23.01 + 3.3, abs=0.3)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(10, -36.0), (60, -23.0), (10, -36.0)], -23.0),
        ([(10, -72.0), (10, -36.0), (60, -23.0), (10, -36.0), (10, -72.0)], -23.0),
        ([(20, -26.0), (20.1, -20.0), (20, -26.0)], -23.0),
    ],
)
def test_what_is_much_softer_than_the_rest_is_gated_away(parts, expected):
    """EBU Tech 3341, cases 3 to 5: two equal channels there, so one that is 3.01 dB louder here."""
    signal = np.concatenate([sine(length, level + 3.01, 8000, 1000) for length, level in parts])
    assert integrated(signal, 8000) == pytest.approx(expected, abs=0.1)


def test_pauses_do_not_make_a_voice_softer():
    spoken = sine(1, -20, 8000)
    paused = np.concatenate([np.concatenate([spoken, np.zeros(16000)]) for _ in range(3)])
    assert integrated(paused, 8000) == pytest.approx(-23.01, abs=1.6)


def test_a_sound_shorter_than_a_block_is_measured_too():
    assert integrated(sine(0.25, -20, 8000), 8000) == pytest.approx(-23.01, abs=0.1)


@pytest.mark.parametrize("length", [0, 1, 100, 8000])
def test_silence_has_no_loudness(length):
    assert integrated(np.zeros(length), 8000) == SILENT


@settings(max_examples=100, deadline=None, database=None)
@given(st.lists(st.floats(-1, 1, width=32), max_size=500), st.sampled_from(RATES))
def test_twice_as_high_is_six_decibels_louder_or_silent(values, rate):
    signal = np.array(values)
    once, twice = integrated(signal, rate), integrated(2 * signal, rate)
    assert not math.isnan(once)
    if once > -69:
        assert twice - once == pytest.approx(6.02, abs=0.01)
