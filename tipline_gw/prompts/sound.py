"""What is done to a synthesised prompt before a telephone plays it, and the sounds that are made.

Everything leaves here as Asterisk's ``.sln``: signed linear 16-bit little-endian, 8 kHz, mono, no
header. A recording of the operator's never comes here: nothing is done to what people recorded.
numpy and soxr are imported where they are used, so that the daemon never loads them.
"""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING, Final

from tipline_gw.errors import PromptError
from tipline_gw.prompts.speech import Pcm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Signal = NDArray[np.float64]

RATE: Final = 8000
BYTES_A_SECOND: Final = RATE * 2

LEAD, TAIL = 0.01, 0.04
"""Seconds of quiet kept around a prompt, so that words do not run together."""

_BLOCK = 40
"""Samples judged together, 5 ms: shorter than any sound of speech that matters."""
_QUIET = 0.012
"""Of the peak: below it a block is quiet."""
_NOTHING = 1e-4
"""Of full scale: what moves less is no sound."""
_RMS = 10 ** (-16 / 20)
"""Loudness of the speaking parts, about -16 dB of full scale: as loud as a person on the line."""
_KNEE, _CEILING = 0.6, 0.97
"""Above the knee the limiter bends peaks, which never pass the ceiling."""
_RAMP = 0.005
_FULL = 32767
_FLAT = 4
"""So many samples at full scale in a row are a clipped peak, and not a lucky one."""


def prepared(pcm: Pcm, longest_pause: float) -> bytes:
    """Resampled, trimmed, pauses above ``longest_pause`` seconds shortened, levelled, limited.

    Raises PromptError where there is nothing to hear.
    """
    return _encoded(_framed(_limited(_levelled(_tightened(_resampled(pcm), longest_pause)))))


def tone() -> bytes:
    """The beep after which the caller speaks: a quarter of a second, 1000 Hz, no key's tone."""
    import numpy as np

    return _encoded(_ramped(0.25 * np.sin(2 * np.pi * 1000 * np.arange(RATE // 4) / RATE), 0.01))


def silence(seconds: float) -> bytes:
    return bytes(round(seconds * RATE) * 2)


def seconds(sln: bytes) -> float:
    return len(sln) / BYTES_A_SECOND


def clipped(sln: bytes) -> bool:
    """Whether peaks were cut off flat, which no later step mends."""
    samples, run = array("h", sln[: len(sln) // 2 * 2]), 0
    if sys.byteorder == "big":
        samples.byteswap()
    for sample in samples:
        run = run + 1 if sample in (_FULL, -_FULL, -_FULL - 1) else 0
        if run == _FLAT:
            return True
    return False


def _resampled(pcm: Pcm) -> Signal:
    """At 8 kHz, without a constant part, filled up to whole blocks."""
    import numpy as np
    import soxr

    wide = np.frombuffer(pcm.samples, dtype="<i2").astype(np.float64) / (_FULL + 1)
    if not wide.size or np.ptp(wide) < _NOTHING:
        raise PromptError("the synthesis gave only silence", "reword the prompt, or record it")
    narrow = soxr.resample(wide - wide.mean(), pcm.rate, RATE, quality="HQ")
    return np.pad(narrow, (0, -len(narrow) % _BLOCK))


def _tightened(signal: Signal, longest_pause: float) -> Signal:
    import numpy as np

    blocks = np.abs(signal).reshape(-1, _BLOCK).max(axis=1)
    loud = blocks >= _QUIET * np.max(blocks)
    first, last = np.flatnonzero(loud)[[0, -1]]
    keep, allowed, run = np.zeros(len(loud), dtype=bool), round(longest_pause * RATE / _BLOCK), 0
    for index in range(first, last + 1):
        run = 0 if loud[index] else run + 1
        keep[index] = run <= allowed
    return np.asarray(signal[np.repeat(keep, _BLOCK)])


def _levelled(signal: Signal) -> Signal:
    import numpy as np

    blocks = np.square(signal).reshape(-1, _BLOCK).mean(axis=1)
    speaking = blocks[blocks >= np.max(blocks) * 0.001]
    return np.asarray(signal * (_RMS / np.sqrt(speaking.mean())))


def _limited(signal: Signal) -> Signal:
    import numpy as np

    room = _CEILING - _KNEE
    size = np.abs(signal)
    bent = _KNEE + room * np.tanh((size - _KNEE) / room)
    return np.asarray(np.where(size > _KNEE, np.sign(signal) * bent, signal))


def _framed(signal: Signal) -> Signal:
    import numpy as np

    quiet = [np.zeros(round(length * RATE)) for length in (LEAD, TAIL)]
    return np.concatenate([quiet[0], _ramped(signal, _RAMP), quiet[1]])


def _ramped(signal: Signal, length: float) -> Signal:
    """Without it a cut edge is heard as a click."""
    import numpy as np

    ramp = np.linspace(0.0, 1.0, min(round(length * RATE), len(signal) // 2))
    shape = np.ones(len(signal))
    shape[: len(ramp)] = ramp
    shape[len(signal) - len(ramp) :] = ramp[::-1]
    return np.asarray(signal * shape)


def _encoded(signal: Signal) -> bytes:
    import numpy as np

    return np.clip(np.rint(signal * _FULL), -_FULL, _FULL).astype("<i2").tobytes()
