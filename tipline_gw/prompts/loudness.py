"""How loud a sound is to people: the gated loudness of ITU-R BS.1770-4, for one channel.

The level of the samples says little: a voice with long pauses or much bass measures as another one
does and sounds softer. Imports numpy, so nothing that the daemon loads at its start imports this.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]
"""One channel, full scale at 1."""
_Section = tuple[tuple[float, float, float], tuple[float, float, float]]

SILENT: Final = -math.inf

_OFFSET: Final = -0.691
"""Annex 1, equation 2: makes a full-scale sine of 997 Hz -3.01 LKFS."""
_BLOCK, _STEP = 0.4, 0.1
"""Seconds: gating blocks overlap by three quarters (Annex 1, equation 3)."""
_ABSOLUTE_GATE, _RELATIVE_GATE = -70.0, -10.0
_SHELF: Final = (1681.974450955533, 3.999843853973347, 0.7071752369554196)
_HIGH_PASS: Final = (38.13547087602444, 0.5003270373238773)
"""Hz, dB and Q of the analogue filters that the tables of Annex 1 are for 48 kHz; the bilinear
transform gives the same response at any other rate."""


def integrated(signal: Signal, rate: int) -> float:
    """LKFS (the same as LUFS); ``SILENT`` where nothing is above the absolute gate.

    What is shorter than a block is measured as one, because a spoken digit is.
    """
    powers = _powers(k_weighted(signal, rate), rate)
    heard = powers[_loudness(powers) > _ABSOLUTE_GATE]
    if not heard.size:
        return SILENT
    threshold = float(_loudness(heard.mean())) + _RELATIVE_GATE
    return float(_loudness(heard[_loudness(heard) > threshold].mean()))


def k_weighted(signal: Signal, rate: int) -> Signal:
    """Annex 1, figures 2 and 4. By FFT: both filters have died away within the second of silence
    that is put after the signal."""
    if not len(signal):
        return signal
    size = 1 << (len(signal) + rate - 1).bit_length()
    delay = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    response = np.ones_like(delay)
    for over, under in k_filters(rate):
        response *= np.polyval(over[::-1], delay) / np.polyval(under[::-1], delay)
    return np.fft.irfft(np.fft.rfft(signal, size) * response, size)[: len(signal)]


def k_filters(rate: int) -> tuple[_Section, _Section]:
    """The two sections as coefficients of z^0, z^-1, z^-2: numerator and denominator."""
    return _shelf(rate), _high_pass(rate)


def _shelf(rate: int) -> _Section:
    frequency, gain, quality = _SHELF
    k = math.tan(math.pi * frequency / rate)
    high = 10 ** (gain / 20)
    middle = high**0.4996667741545416
    a0 = 1 + k / quality + k * k
    over = (
        (high + middle * k / quality + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - middle * k / quality + k * k) / a0,
    )
    return over, (1.0, 2 * (k * k - 1) / a0, (1 - k / quality + k * k) / a0)


def _high_pass(rate: int) -> _Section:
    frequency, quality = _HIGH_PASS
    k = math.tan(math.pi * frequency / rate)
    a0 = 1 + k / quality + k * k
    return (1.0, -2.0, 1.0), (1.0, 2 * (k * k - 1) / a0, (1 - k / quality + k * k) / a0)


def _powers(weighted: Signal, rate: int) -> Signal:
    """The mean square of each gating block."""
    block, step = round(_BLOCK * rate), round(_STEP * rate)
    if len(weighted) < block:
        return np.square(weighted).mean(keepdims=True) if len(weighted) else np.zeros(0)
    sums = np.concatenate(([0.0], np.cumsum(np.square(weighted))))
    begins = np.arange(0, len(weighted) - block + 1, step)
    return np.asarray(sums[begins + block] - sums[begins]) / block


def _loudness(power: Signal | float) -> Signal:
    return np.asarray(_OFFSET + 10 * np.log10(np.maximum(power, 1e-20)))
