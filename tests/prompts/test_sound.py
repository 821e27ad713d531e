import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.prompts.voices import hum, quiet, samples
from tipline_gw.errors import PromptError
from tipline_gw.prompts import shaping, sound
from tipline_gw.prompts.speech import Pcm


def rms(values: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.square(values).mean())))


def test_a_prompt_leaves_at_eight_kilohertz_with_its_length_kept():
    assert sound.seconds(shaping.synthetic(hum(1.0), 0.3)) == pytest.approx(1.05, abs=0.02)


def test_silence_around_the_words_is_trimmed_to_a_little():
    spoken = Pcm(22050, quiet(0.7) + hum(1.0).samples + quiet(2.0))
    assert sound.seconds(shaping.synthetic(spoken, 0.3)) == pytest.approx(1.05, abs=0.03)


@pytest.mark.parametrize("longest", [0.1, 0.35])
def test_a_long_pause_is_shortened_to_the_longest_allowed(longest):
    spoken = Pcm(22050, hum(0.5).samples + quiet(1.5) + hum(0.5).samples)
    assert sound.seconds(shaping.synthetic(spoken, longest)) == pytest.approx(
        1.05 + longest, abs=0.03
    )


def test_a_short_pause_is_left_as_it_is():
    spoken = Pcm(22050, hum(0.5).samples + quiet(0.08) + hum(0.5).samples)
    assert sound.seconds(shaping.synthetic(spoken, 0.3)) == pytest.approx(1.13, abs=0.03)


@pytest.mark.parametrize("height", [0.001, 0.05, 0.9])
def test_quiet_and_loud_voices_leave_equally_loud(height):
    made = samples(shaping.synthetic(hum(1.0, height=height), 0.3))
    assert rms(made[200:-500]) == pytest.approx(-16, abs=0.7)


def test_a_voice_with_high_peaks_is_limited_and_never_clipped():
    rate = np.random.default_rng(1)
    wave = rate.laplace(0, 0.05, 22050).clip(-1, 1)
    made = shaping.synthetic(Pcm(22050, (wave * 32767).astype("<i2").tobytes()), 0.3)
    assert np.abs(samples(made)).max() <= 0.97
    assert not sound.clipped(made)


def test_a_prompt_begins_and_ends_in_silence_so_that_nothing_clicks():
    made = samples(shaping.synthetic(hum(0.4), 0.3))
    assert not made[: round(sound.LEAD * sound.RATE)].any()
    assert not made[-round(sound.TAIL * sound.RATE) :].any()


@pytest.mark.parametrize("nothing", [b"", quiet(1.0), b"\x07\x00" * 4000])
def test_silence_is_refused(nothing):
    with pytest.raises(PromptError, match="silence"):
        shaping.synthetic(Pcm(22050, nothing), 0.3)


@settings(max_examples=200, deadline=None, database=None)
@given(
    st.lists(st.integers(-32768, 32767), max_size=600),
    st.sampled_from([8000, 16000, 22050]),
    st.floats(0, 0.5),
)
def test_any_sound_becomes_a_prompt_or_is_refused(values, rate, pause):
    pcm = Pcm(rate, np.array(values, dtype="<i2").tobytes())
    try:
        made = shaping.synthetic(pcm, pause)
    except PromptError:
        return
    assert len(made) % 2 == 0
    assert not sound.clipped(made)
    assert sound.seconds(made) <= len(values) / rate + 0.06


def test_the_tone_is_a_kilohertz_and_not_a_key():
    made = samples(shaping.tone())
    assert len(made) == 2000
    assert np.abs(np.fft.rfft(made)).argmax() * 4 == 1000
    assert made[0] == made[-1] == 0


def test_a_pause_is_silence_of_its_length():
    assert sound.silence(0.5) == bytes(8000)


def test_four_samples_in_a_row_at_full_scale_are_clipped():
    full, less = b"\xff\x7f", b"\xfe\x7f"
    assert sound.clipped(less + full * 4)
    assert sound.clipped(b"\x00\x80" * 4)
    assert not sound.clipped((full * 3 + less) * 100)


def test_the_daemon_side_of_the_prompts_loads_no_numpy():
    code = (
        "import sys, tipline_gw.ivr.dialog, tipline_gw.prompts.build, tipline_gw.prompts.catalogue;"
        "tipline_gw.prompts.build.check;"
        "sys.exit(bool({'numpy', 'soxr'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
