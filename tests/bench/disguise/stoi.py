"""Can it be understood? STOI, the short-time objective intelligibility of Taal, Hendriks,
Heusdens, Jensen (IEEE Trans. Audio, Speech, Language Processing 19(7), 2011): how alike the ups
and downs of 15 third-octave bands are in the clean and the changed signal. 1 is the same.

It knows nothing of formants that were moved on purpose, and counts that as damage.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RATE, FRAME, SIZE = 10000, 256, 512
BANDS, LOWEST = 15, 150.0
SEGMENT = 30
CLIP = 10 ** (15 / 20)
DYNAMIC = 40.0
_TINY = 1e-12

_WINDOW = np.hanning(FRAME + 2)[1:-1]


def _thirds() -> Floats:
    hertz = np.arange(SIZE // 2 + 1) * RATE / SIZE
    centres = LOWEST * 2 ** (np.arange(BANDS) / 3)
    inside = (hertz[:, None] >= centres * 2 ** (-1 / 6)) & (hertz[:, None] < centres * 2 ** (1 / 6))
    return inside.astype(float)


_THIRDS = _thirds()


def stoi(clean: NDArray[np.int16], changed: NDArray[np.int16], rate: int = 8000) -> float:
    x, y = (soxr.resample(each.astype(float), rate, RATE) for each in (clean, changed))
    x, y = _spoken(x, y)
    bands_x, bands_y = _bands(x), _bands(y)
    segments = range(len(bands_x) - SEGMENT + 1)
    return float(np.mean([_likeness(bands_x[m : m + SEGMENT], bands_y[m : m + SEGMENT])
                          for m in segments]))  # fmt: skip


def _frames(signal: Floats) -> Floats:
    return np.lib.stride_tricks.sliding_window_view(signal, FRAME)[:: FRAME // 2] * _WINDOW


def _spoken(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Both without the frames in which the clean one is 40 dB under its loudest."""
    frames_x, frames_y = _frames(x), _frames(y)
    energy = 20 * np.log10(np.linalg.norm(frames_x, axis=1) + _TINY)
    kept = energy > energy.max() - DYNAMIC
    return _laid(frames_x[kept]), _laid(frames_y[kept])


def _laid(frames: Floats) -> Floats:
    half = FRAME // 2
    out = np.zeros((len(frames) + 1) * half)
    for number, frame in enumerate(frames):
        out[number * half : number * half + FRAME] += frame
    return out


def _bands(signal: Floats) -> Floats:
    return np.sqrt(np.abs(np.fft.rfft(_frames(signal), SIZE)) ** 2 @ _THIRDS)


def _likeness(x: Floats, y: Floats) -> float:
    scaled = y * np.linalg.norm(x, axis=0) / (np.linalg.norm(y, axis=0) + _TINY)
    limited = np.minimum(scaled, x * (1 + CLIP))
    a, b = x - x.mean(axis=0), limited - limited.mean(axis=0)
    norms = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0) + _TINY
    return float(((a * b).sum(axis=0) / norms).mean())
