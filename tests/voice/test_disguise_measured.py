"""That the disguise does what docs/disguise.md says, on a few voices; ``python -m tests.bench
disguise`` measures it on many."""

from functools import cache

import numpy as np
import pytest

from tests.bench.disguise import verifier, words
from tests.bench.disguise.corpus import SENTENCES, Samples, mu_law, spoken
from tests.bench.disguise.report import disguised, unchanged
from tests.bench.disguise.stoi import stoi

SPEAKERS = ("es-419+m1", "es-419+m7", "es-419+f2", "es-419+f5", "es-419+linda", "es-419+adam")
STRANGERS = (
    "es-419+m4",
    "es-419+f4",
    "es-419+Gene",
    "es-419+boris",
    "es-419+steph",
    "es-419+Mario",
)


@cache
def said(voice: str, first: int) -> Samples:
    return np.concatenate([spoken(text, voice) for text in SENTENCES[first : first + 2]])


@cache
def judge() -> verifier.Verifier:
    return verifier.Verifier([verifier.features(said(voice, 0)) for voice in STRANGERS])


def linked(change) -> verifier.Outcome:
    """Who of SPEAKERS is speaking, by other words of theirs that were not changed."""
    models = [judge().enrol(verifier.features(said(voice, 0))) for voice in SPEAKERS]
    scores = [
        judge().scores(models, verifier.features(change(said(voice, at), f"{voice}{at}".encode())))
        for voice in SPEAKERS
        for at in (2, 4)
    ]
    return verifier.outcome(np.array(scores), [number // 2 for number in range(2 * len(SPEAKERS))])


def test_a_speaker_is_known_by_the_voice_and_not_by_the_disguised_one():
    assert linked(unchanged).eer < 0.1
    assert linked(disguised).eer > 0.3


def test_words_stay_understandable():
    voice = SPEAKERS[0]
    assert words.recognised(voice, unchanged) > 0.9
    assert words.recognised(voice, disguised) > 0.7


def test_the_ups_and_downs_of_speech_stay():
    clean = said(SPEAKERS[2], 0)
    assert stoi(clean, disguised(clean, b"seed")) > 0.6


def test_pitch_is_that_of_the_draw_and_not_of_the_caller():
    low, high = (np.median(_pitches(spoken(SENTENCES[0], v))) for v in ("es-419+m3", "es-419+f2"))
    assert high / low > 1.3
    made = [
        np.median(_pitches(disguised(spoken(SENTENCES[0], v), b"seed")))
        for v in ("es-419+m3", "es-419+f2")
    ]
    assert abs(made[1] / made[0] - 1) < 0.1


def _pitches(speech: Samples) -> np.ndarray:
    """Hz of the frames that are clearly voiced."""
    frames = np.lib.stride_tricks.sliding_window_view(speech.astype(float), 400)[::160]
    power = np.abs(np.fft.rfft(frames * np.hanning(400), 1024)) ** 2
    likeness = np.fft.irfft(power * (np.fft.rfftfreq(1024, 1 / 8000) < 1000))
    lags = likeness[:, 20:115] / np.maximum(likeness[:, :1], 1)
    return 8000 / (20 + lags.argmax(axis=1)[lags.max(axis=1) > 0.5])


def test_stoi_of_a_signal_with_itself_is_one_and_falls_with_noise():
    clean = said(SPEAKERS[0], 0)
    chance = np.random.default_rng(1)
    noisy = [
        stoi(clean, mu_law(clean + chance.normal(0, clean.std() * share, len(clean))))
        for share in (0.3, 1.0, 3.0)
    ]
    assert stoi(clean, clean) == pytest.approx(1.0)
    assert 1 > noisy[0] > noisy[1] > noisy[2]
    assert noisy[2] < 0.6


def test_the_error_rate_of_a_perfect_and_of_a_guessing_verifier():
    truth = list(range(40))
    chance = np.random.default_rng(2)
    assert verifier.outcome(np.eye(40) + chance.normal(0, 0.01, (40, 40)), truth).eer == 0
    assert abs(verifier.outcome(chance.normal(0, 1, (40, 40)), truth).eer - 0.5) < 0.1
