"""Who is speaking? A speaker verifier of the classic kind: MFCC, a universal background model, and
models of the speakers adapted from it (Reynolds, Quatieri, Dunn 2000), scored by the likelihood
ratio and normalised by strangers' models.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RATE, WINDOW, HOP, SIZE = 8000, 200, 80, 256
FILTERS, COEFFICIENTS = 24, 19
MIXTURES = 64
RELEVANCE = 4.0


def _mel(hertz: Floats) -> Floats:
    return np.asarray(1127 * np.log1p(hertz / 700))


def _filters() -> Floats:
    edges = np.linspace(*_mel(np.array([200.0, 3600.0])), FILTERS + 2)
    bins = _mel(np.arange(SIZE // 2 + 1) * RATE / SIZE)[:, None]
    rising = (bins - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - bins) / np.diff(edges)[1:]
    return np.clip(np.minimum(rising, falling), 0, None)


_FILTERS = _filters()
_COSINES = np.cos(
    np.pi * np.outer(np.arange(FILTERS) + 0.5, np.arange(1, COEFFICIENTS + 1)) / FILTERS
)


def mfcc(samples: NDArray[np.int16]) -> Floats:
    """(frames, coefficients) of all frames, the loudness not among them."""
    signal = np.append(0.0, samples[1:] - 0.97 * samples[:-1].astype(float))
    frames = np.lib.stride_tricks.sliding_window_view(signal, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hamming(WINDOW), SIZE)) ** 2
    return np.asarray(np.log(power @ _FILTERS + 1.0) @ _COSINES)


def features(samples: NDArray[np.int16]) -> Floats:
    """MFCC and their slopes where somebody speaks; the mean of the call, and so its line, taken
    off the slopes only: the mean is a mark of the voice as well."""
    coefficients = mfcc(samples)
    padded = np.pad(coefficients, ((2, 2), (0, 0)), mode="edge")
    slopes = (2 * padded[4:] + padded[3:-1] - padded[1:-3] - 2 * padded[:-4]) / 10
    return np.hstack([coefficients, slopes])[speaking(samples)]


def speaking(samples: NDArray[np.int16]) -> NDArray[np.bool_]:
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(float), WINDOW)[::HOP]
    loudness = 10 * np.log10((frames**2).mean(axis=1) + 1.0)
    return np.asarray(loudness > np.quantile(loudness, 0.95) - 25)


class Mixture(NamedTuple):
    """Diagonal Gaussians: ``weights`` (m,), ``means`` and ``variances`` (m, d)."""

    weights: Floats
    means: Floats
    variances: Floats

    def logs(self, x: Floats) -> Floats:
        """(frames, m): the log of each Gaussian's share of the density."""
        precision = 1 / self.variances
        square = (
            (x**2) @ precision.T
            - 2 * x @ (self.means * precision).T
            + (self.means**2 * precision).sum(axis=1)
        )
        constant = np.log(self.weights) - 0.5 * np.log(2 * np.pi * self.variances).sum(axis=1)
        return np.asarray(constant - 0.5 * square)


def _total(logs: Floats) -> Floats:
    top = logs.max(axis=1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(np.exp(logs - top).sum(axis=1)))


def background(x: Floats, mixtures: int = MIXTURES, rounds: int = 12, seed: int = 1) -> Mixture:
    """A universal background model by expectation-maximisation."""
    chance = np.random.default_rng(seed)
    least = x.var(axis=0) * 0.01
    model = Mixture(
        np.full(mixtures, 1 / mixtures),
        x[chance.choice(len(x), mixtures, replace=False)],
        np.tile(x.var(axis=0), (mixtures, 1)),
    )
    for _ in range(rounds):
        logs = model.logs(x)
        share = np.exp(logs - _total(logs)[:, None])
        count = share.sum(axis=0) + 1e-3
        means = share.T @ x / count[:, None]
        variances = share.T @ (x**2) / count[:, None] - means**2
        model = Mixture(count / count.sum(), means, np.maximum(variances, least))
    return model


def adapted(ubm: Mixture, x: Floats) -> Mixture:
    """The background model with its means drawn to what one speaker said."""
    logs = ubm.logs(x)
    share = np.exp(logs - _total(logs)[:, None])
    count = share.sum(axis=0)[:, None]
    heard = share.T @ x / np.maximum(count, 1e-9)
    pull = count / (count + RELEVANCE)
    return ubm._replace(means=pull * heard + (1 - pull) * ubm.means)


class Verifier:
    """Learns speech from ``strangers`` (the features of each), then scores."""

    def __init__(self, strangers: list[Floats]) -> None:
        self._ubm = background(np.vstack(strangers))
        self._cohort = [adapted(self._ubm, each) for each in strangers]

    def enrol(self, x: Floats) -> Mixture:
        return adapted(self._ubm, x)

    def scores(self, models: list[Mixture], x: Floats) -> Floats:
        """Of each model: by how many spreads of the strangers' models it fits better than they."""
        base = _total(self._ubm.logs(x)).mean()
        cohort = np.array([_total(each.logs(x)).mean() for each in self._cohort]) - base
        own = np.array([_total(each.logs(x)).mean() for each in models]) - base
        return np.asarray((own - cohort.mean()) / (cohort.std() + 1e-9))


class Outcome(NamedTuple):
    """``eer``: share of errors where both kinds are as frequent; 0.5 is guessing. ``linked``: share
    of true speakers found when one stranger in a hundred is taken for them."""

    eer: float
    linked: float


def outcome(scores: Floats, truth: list[int]) -> Outcome:
    """``scores`` (trials, speakers); ``truth``: who it was in each trial."""
    own = np.zeros(scores.shape, bool)
    own[np.arange(len(truth)), truth] = True
    same, other = np.sort(scores[own]), np.sort(scores[~own])
    limits = np.sort(scores.ravel())
    missed = np.searchsorted(same, limits) / len(same)
    taken = 1 - np.searchsorted(other, limits) / len(other)
    at = np.argmin(np.abs(missed - taken))
    return Outcome(
        float((missed[at] + taken[at]) / 2), float((same > np.quantile(other, 0.99)).mean())
    )
