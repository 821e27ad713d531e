"""What an attacker does with recordings of known people, and one of an unknown caller."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from tests.bench.disguise import neural, verifier
from tests.bench.disguise.corpus import RATE, Samples
from tests.bench.disguise.verifier import Floats, Outcome

Voices = list[list[Samples]]
"""For each speaker, recordings."""
Change = Callable[[Samples, bytes], Samples]
"""A recording and a seed, to the recording changed."""


class Method(Protocol):
    """``verifier`` or ``neural``."""

    features: Callable[[Samples], Floats]
    Verifier: Any


METHODS: dict[str, Any] = {"MFCC-GMM": verifier, "GE2E": neural}


def methods() -> dict[str, Any]:
    return {name: method for name, method in METHODS.items()
            if method is not neural or neural.weights() is not None}  # fmt: skip


def changed(voices: Voices, change: Change, draws: int = 1) -> Voices:
    """Every recording ``draws`` times, each time with values of its own."""
    return [
        [
            change(recording, f"{who}/{which}/{draw}".encode())
            for which, recording in enumerate(each)
            for draw in range(draws)
        ]
        for who, each in enumerate(voices)
    ]


def linking(
    method: Any, strangers: Voices, known: Voices, callers: Voices,
    undo: Callable[[Samples], Iterable[Samples]] = lambda recording: (recording,),
) -> Outcome:  # fmt: skip
    """How well ``method`` tells which of the ``known`` each of the ``callers`` is.

    ``undo``: what the attacker makes of a recording before comparing; of several tries, each
    known speaker counts with the one that fits best.
    """
    judge = method.Verifier([_all(method, each) for each in strangers])
    models = [judge.enrol(_all(method, each)) for each in known]
    scores, truth = [], []
    for who, each in enumerate(callers):
        for recording in each:
            tries = [judge.scores(models, _features(method, x)) for x in undo(recording)]
            scores.append(np.max(tries, axis=0))
            truth.append(who)
    return verifier.outcome(np.array(scores), truth)


def _all(method: Any, recordings: list[Samples]) -> Floats:
    return np.vstack([_features(method, each) for each in recordings])


def _features(method: Any, samples: Samples) -> Floats:
    return _remembered(method.__name__, samples.tobytes())


@cache
def _remembered(method: str, samples: bytes) -> Floats:
    """The same recordings are compared with in every attack."""
    features: Callable[[Samples], Floats] = sys.modules[method].features
    return features(np.frombuffer(samples, np.int16))


def shifted(recording: Samples, factor: float) -> Samples:
    """Pitch and formants ``factor`` times as high, as a tape that runs faster: the plain pitch
    shift, but for its time, which the verifiers do not look at."""
    return _pcm(soxr.resample(recording.astype(np.float64), RATE * factor, RATE))


def _pcm(samples: NDArray[np.float64]) -> Samples:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


FACTORS = tuple(float(factor) for factor in np.geomspace(0.83, 1.2, 5))


def every_shift_back(recording: Samples) -> Iterable[Samples]:
    """The search of an attacker who knows that the voice was moved, but not how far."""
    return (shifted(recording, factor) for factor in FACTORS)
