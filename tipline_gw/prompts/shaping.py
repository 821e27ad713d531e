"""What is done to a voice before a telephone plays it, be it synthesised or recorded.

Both leave as Asterisk's ``.sln`` (see ``sound``), equally loud, between the same band edges, with
no peak that a later step could clip. Imports numpy and soxr, so nothing that the daemon loads at
its start imports this.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr

from tipline_gw.errors import PromptError
from tipline_gw.prompts import loudness
from tipline_gw.prompts.loudness import Signal
from tipline_gw.prompts.sound import FULL, LEAD, RATE, TAIL, TARGET_LUFS
from tipline_gw.prompts.speech import Pcm

CEILING: Final = 10 ** (-1 / 20)
"""Of full scale, -1 dB: no true peak (ITU-R BS.1770-4, Annex 2) passes it."""
MOST_DRIVE: Final = 9.0
"""dB by which the limiter may be driven to make a voice with high peaks loud. Beyond that it
would sound crushed, and stays softer."""

_BLOCK = 40
"""Samples judged together, 5 ms: shorter than any sound of speech that matters."""
_QUIET = 0.012
"""Of the peak: below it a block is quiet. What is synthesised has no noise."""
_NOTHING = 1e-4
"""Of full scale: what moves less is no sound."""
_RAMP = 0.005
_OVERSAMPLED = 4
_LOOK_AHEAD = 40
"""Samples, 5 ms: how long before a peak the limiter turns down."""
_BAND: Final = ((40.0, 120.0), (3500.0, 3900.0))
"""Hz between which each edge rises and falls. A line passes 300 to 3400; hum and the rumble of a
hand on the microphone would only take the room of the voice."""
_ONSET, _DECAY = 0.03, 0.08
"""Seconds kept around a recorded voice: an f or an s begins and ends below any threshold."""
_CLICK_BLOCKS = 4
"""Shorter sounds (20 ms) at the edges are a mouse, not a voice."""


def synthetic(pcm: Pcm, longest_pause: float) -> bytes:
    """Trimmed, pauses above ``longest_pause`` seconds shortened, and levelled.

    Raises PromptError where there is nothing to hear.
    """
    wide = np.frombuffer(pcm.samples, dtype="<i2").astype(np.float64) / (FULL + 1)
    if not _sounds(wide):
        raise PromptError("the synthesis gave only silence", "reword the prompt, or record it")
    return _finished(_tightened(_narrowed(wide, pcm.rate), longest_pause))


def recorded(signal: Signal, rate: int) -> bytes:
    """Trimmed at both ends and levelled; the pauses within are the speaker's own.

    Raises PromptError where there is nothing to hear.
    """
    if not _sounds(signal):
        raise PromptError("it holds only silence", "record it again, nearer to the microphone")
    return _finished(_trimmed(_banded(_narrowed(signal, rate))))


def tone() -> bytes:
    """The beep after which the caller speaks: a quarter of a second, 1000 Hz, no key's tone."""
    beep = 0.25 * np.sin(2 * np.pi * 1000 * np.arange(RATE // 4) / RATE)
    return _encoded(_ramped(beep, 0.01))


def measured(sln: bytes) -> float:
    """The loudness of a prompt in LUFS; ``loudness.SILENT`` where there is none."""
    samples = np.frombuffer(sln[: len(sln) // 2 * 2], dtype="<i2").astype(np.float64)
    return loudness.integrated(samples / FULL, RATE)


def true_peak(signal: Signal) -> float:
    """Of full scale, between the samples too (ITU-R BS.1770-4, Annex 2)."""
    return float(_peaks(signal).max(initial=0.0))


def _sounds(signal: Signal) -> bool:
    return bool(signal.size and np.ptp(signal) >= _NOTHING)


def _finished(signal: Signal) -> bytes:
    return _encoded(_levelled(_framed(signal)))


def _narrowed(signal: Signal, rate: int) -> Signal:
    """At 8 kHz, without a constant part, filled up to whole blocks."""
    narrow = soxr.resample(signal - signal.mean(), rate, RATE, quality="HQ")
    return np.pad(narrow, (0, -len(narrow) % _BLOCK))


def _banded(signal: Signal) -> Signal:
    size = len(signal) + RATE // 4
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    low, high = (np.clip((hertz - a) / (b - a), 0, 1) for a, b in _BAND)
    edges = np.sin(np.pi / 2 * low) ** 2 * np.cos(np.pi / 2 * high) ** 2
    return np.asarray(np.fft.irfft(np.fft.rfft(signal, size) * edges, size)[: len(signal)])


def _tightened(signal: Signal, longest_pause: float) -> Signal:
    blocks = np.abs(signal).reshape(-1, _BLOCK).max(axis=1)
    loud = blocks >= _QUIET * np.max(blocks)
    first, last = np.flatnonzero(loud)[[0, -1]]
    keep, allowed, run = np.zeros(len(loud), dtype=bool), round(longest_pause * RATE / _BLOCK), 0
    for index in range(first, last + 1):
        run = 0 if loud[index] else run + 1
        keep[index] = run <= allowed
    return np.asarray(signal[np.repeat(keep, _BLOCK)])


def _trimmed(signal: Signal) -> Signal:
    """From the first to the last sound that stands out of the noise of the room."""
    levels = np.sqrt(np.square(signal).reshape(-1, _BLOCK).mean(axis=1))
    voice, room = np.percentile(levels, (95, 10))
    loud = levels >= np.clip(room * 3, voice * 0.01, voice * 0.1)
    lasting = np.convolve(loud, np.ones(_CLICK_BLOCKS), "valid") >= _CLICK_BLOCKS - 0.5
    found = np.flatnonzero(lasting)
    if not found.size:
        return signal
    first = found[0] * _BLOCK - round(_ONSET * RATE)
    last = (found[-1] + _CLICK_BLOCKS) * _BLOCK + round(_DECAY * RATE)
    return signal[max(first, 0) : last]


def _levelled(signal: Signal) -> Signal:
    """As loud as ``TARGET_LUFS``: a limiter takes loudness away, so it is approached."""
    found = loudness.integrated(signal, RATE)
    if found == loudness.SILENT:
        return _limited(signal)
    gain = TARGET_LUFS - found
    most = gain + MOST_DRIVE
    made = _limited(signal * _factor(gain))
    for _ in range(5):
        gain = min(gain + TARGET_LUFS - loudness.integrated(made, RATE), most)
        made = _limited(signal * _factor(gain))
    return made


def _limited(signal: Signal) -> Signal:
    """Turned down around each peak above the ceiling, gently, beginning before it."""
    needed = np.minimum(1.0, CEILING / np.maximum(_peaks(signal), CEILING))
    padded = np.pad(needed, 2 * _LOOK_AHEAD, constant_values=1.0)
    span = 2 * _LOOK_AHEAD + 1
    lowest = np.lib.stride_tricks.sliding_window_view(padded, span).min(axis=1)
    window = np.hanning(span + 2)[1:-1]
    gain = np.convolve(lowest, window / window.sum(), "valid")
    made = signal * gain
    # Between the samples the product may still pass it by a hair.
    return np.asarray(made * min(1.0, CEILING / max(true_peak(made), 1e-9)))


def _peaks(signal: Signal) -> Signal:
    """The highest value around each sample, between the samples too."""
    if not len(signal):
        return np.zeros(0)
    wide = np.asarray(soxr.resample(signal, RATE, RATE * _OVERSAMPLED, quality="HQ"))
    wide = np.resize(np.abs(wide), len(signal) * _OVERSAMPLED).reshape(-1, _OVERSAMPLED)
    between = wide.max(axis=1)
    return np.asarray(np.maximum(np.maximum(between, np.roll(between, 1)), np.abs(signal)))


def _factor(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def _framed(signal: Signal) -> Signal:
    quiet = [np.zeros(round(length * RATE)) for length in (LEAD, TAIL)]
    return np.concatenate([quiet[0], _ramped(signal, _RAMP), quiet[1]])


def _ramped(signal: Signal, length: float) -> Signal:
    """Without it a cut edge is heard as a click."""
    ramp = np.linspace(0.0, 1.0, min(round(length * RATE), len(signal) // 2))
    shape = np.ones(len(signal))
    shape[: len(ramp)] = ramp
    shape[len(signal) - len(ramp) :] = ramp[::-1]
    return np.asarray(signal * shape)


def _encoded(signal: Signal) -> bytes:
    return np.clip(np.rint(signal * FULL), -FULL, FULL).astype("<i2").tobytes()
