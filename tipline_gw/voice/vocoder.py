"""Takes speech apart into what is said and how it sounds, and keeps the first only.

It exists for the disguise. What ``analyse`` gives is all that is ever known of a voice from
there on: for each hundredth of a second the level in a few broad bands, and how much of it is
voiced. It refuses to hand on the wave itself, its phase, or its pitch.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tipline_gw.voice.draws import Floats
from tipline_gw.voice.frames import RATE

Complex = NDArray[np.complex128]

HOP: Final = RATE // 100
"""Samples between two frames: 10 ms, shorter than any sound of speech but a burst."""
WINDOW: Final = 256
"""Samples of a frame that is looked at: 32 ms, two periods of the lowest voice."""
SIZE: Final = 512
"""Points of the transform: room for the echo of a frame in its own spectrum."""
BINS: Final = SIZE // 2 + 1

FRAMES: Final = 8
"""Frames that are worked on at once. Always as many, so that how the speech was cut on its way
cannot change a single bit of the result; so many, because numpy's cost is by the call."""
BLOCK: Final = FRAMES * HOP
HEARD: Final = BLOCK - HOP + WINDOW
"""Samples in which the frames of a block lie."""

FREQUENCIES: Final = np.arange(BINS) * (RATE / SIZE)

CENTRES: Final = np.array(
    [
        150,
        300,
        450,
        600,
        760,
        920,
        1090,
        1270,
        1460,
        1670,
        1900,
        2150,
        2420,
        2710,
        3030,
        3380,
        3750,
    ],
    float,
)
"""Hz. Neighbours are further apart than the harmonics of most voices, so that a band cannot say
what the pitch was, and near enough to tell one vowel from another."""
BANDS: Final = len(CENTRES)

QUIET: Final = 0.05
"""Power of a sample under which a band counts as silent: half of the smallest step is 0.08."""
FLOOR: Final = float(10 * np.log10(QUIET))
SILENT: Final = -60.0
"""dB of a band that is not to be heard at all."""

_HANN: Final = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)
_CROSS: Final = 0.5 - 0.5 * np.cos(np.pi * (np.arange(2 * HOP) + 0.5) / HOP)
"""Neighbouring frames of the new voice are laid over one another with this; it adds up to one."""


_EACH: Final = HOP * np.arange(FRAMES)[:, None]
_LOOKED_AT: Final = _EACH + np.arange(WINDOW)
_LAID_OVER: Final = _EACH + np.arange(2 * HOP)
_MIDDLE: Final = slice(SIZE // 2 - HOP, SIZE // 2 + HOP)


def _triangles() -> Floats:
    """(BINS, BANDS): how much of each bin counts in each band; each band's weights add up to 1."""
    edges = np.concatenate(([0.0], CENTRES, [RATE / 2]))
    rising = (FREQUENCIES[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - FREQUENCIES[:, None]) / (edges[2:] - edges[1:-1])
    weights = np.clip(np.minimum(rising, falling), 0.0, None)
    return np.asarray(weights / weights.sum(axis=0))


_WEIGHTS: Final = _triangles() / (_HANN**2).sum()
_LAGS: Final = slice(RATE // 400, RATE // 70)
"""Periods of a voice: 400 Hz down to 70 Hz."""
_LOW: Final = np.where(FREQUENCIES < 1100, 1.0, 0.0) * (FREQUENCIES > 60)
"""The pitch is looked for below 1100 Hz, where a telephone carries it and hiss does not."""
_OVERLAP: Final = np.fft.irfft(np.abs(np.fft.rfft(_HANN, SIZE)) ** 2)[_LAGS]
_OVERLAP_SHARE: Final = _OVERLAP / (_HANN**2).sum()


class Speech(NamedTuple):
    """What is known of FRAMES frames: ``levels`` (FRAMES, BANDS) in dB of the power of a sample,
    ``voiced`` (FRAMES,) from 0 to 1."""

    levels: Floats
    voiced: Floats


def analyse(samples: Floats) -> Speech:
    """FRAMES frames, HOP apart, of HEARD samples."""
    spectrum = np.fft.rfft(samples[_LOOKED_AT] * _HANN, SIZE)
    power = spectrum.real**2 + spectrum.imag**2
    levels = 10 * np.log10(np.maximum(power @ _WEIGHTS, QUIET))
    return Speech(levels, _voicing(power))


def _voicing(power: Floats) -> Floats:
    likeness = np.fft.irfft(power * _LOW)
    best = (likeness[:, _LAGS] / _OVERLAP_SHARE).max(axis=1)
    share = best / np.maximum(likeness[:, 0], 1e-9)
    return np.asarray(np.clip((share - 0.45) / 0.3, 0.0, 1.0))


class Sound(NamedTuple):
    """How FRAMES frames are to sound: ``levels`` (FRAMES, BINS) in dB, ``voiced`` (FRAMES, BINS)
    from 0 to 1, ``phase`` (BINS,), and the sources ``buzz`` and ``hiss`` of power 1, BLOCK + HOP
    samples each."""

    levels: Floats
    voiced: Floats
    phase: Complex
    buzz: Floats
    hiss: Floats


def sound(how: Sound) -> Floats:
    """The frames laid over one another: BLOCK - HOP + SIZE samples, of which the first frame has
    its middle at SIZE / 2."""
    gain = 10 ** (how.levels / 20) * (how.levels > SILENT)
    shaped = _spectrum(how.buzz) * np.sqrt(how.voiced)
    shaped += _spectrum(how.hiss) * np.sqrt(1 - how.voiced)
    frames = np.fft.irfft(shaped * (gain * how.phase))
    laid = np.zeros(BLOCK - HOP + SIZE)
    for number, frame in enumerate(frames):
        laid[number * HOP : number * HOP + SIZE] += frame
    return laid


def _spectrum(source: Floats) -> Complex:
    frames = np.zeros((FRAMES, SIZE))
    frames[:, _MIDDLE] = source[_LAID_OVER] * _CROSS
    return np.fft.rfft(frames)
