"""Writes down which prompts a caller heard, in order: ``said(prompts, report.heard)``.

Prompts reach the caller as they are but for their mu-law, so likeness sample by sample is certain.
A prompt is known by its first half second of sound, so that one cut short by a key is known too;
of two that begin alike the one that was followed for longer was played.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.system.sounds import RATE, samples

HEAD = RATE // 2
"""Samples a prompt is known by."""
BLOCK = RATE // 10
LIKE = 0.9
_FAINT = 30.0
"""Amplitude under which mu-law has no more to tell."""


@dataclass(frozen=True, slots=True)
class Said:
    """``at`` seconds into the call, for ``seconds``; ``whole``: to its end."""

    name: str
    at: float
    seconds: float
    whole: bool


def said(prompts: Path, pcm: bytes) -> list[Said]:
    """Every prompt of the folder ``prompts`` (``<prompts>/<language>``) that is in ``pcm``, in
    order, each stretch of sound counted once."""
    signal = samples(pcm)
    if len(signal) < HEAD:
        return []
    search = _Search(signal)
    found = [
        each
        for file in sorted(prompts.glob("*.sln"))
        for each in _places(search, file.stem, samples(file.read_bytes()))
    ]
    return _apart(found)


def names_said(prompts: Path, pcm: bytes) -> list[str]:
    return [each.name for each in said(prompts, pcm)]


class _Search:
    """Normalised cross-correlation with one signal, whose transform is made once."""

    def __init__(self, signal: np.ndarray) -> None:
        self.signal = signal
        self._length = 1 << (len(signal) + HEAD).bit_length()
        self._transform = np.fft.rfft(signal, self._length)
        self._squares = np.concatenate(([0.0], np.cumsum(signal**2)))

    def places(self, pattern: np.ndarray) -> list[int]:
        """Where ``pattern`` begins."""
        size = len(pattern)
        if size > len(self.signal):
            return []
        product = self._transform * np.conj(np.fft.rfft(pattern, self._length))
        raw = np.fft.irfft(product, self._length)[: len(self.signal) - size + 1]
        power = self._squares[size:] - self._squares[:-size]
        likely = raw / np.sqrt(np.maximum(power, size * _FAINT**2) * (pattern**2).sum())
        return _peaks(likely, size)


def _peaks(likely: np.ndarray, size: int) -> list[int]:
    peaks: list[int] = []
    for at in np.flatnonzero(likely > LIKE):
        if not peaks or at - peaks[-1] > size // 2:
            peaks.append(int(at))
        elif likely[at] > likely[peaks[-1]]:
            peaks[-1] = int(at)
    return peaks


def _places(search: _Search, name: str, prompt: np.ndarray) -> list[Said]:
    loud = np.flatnonzero(np.abs(prompt) > _FAINT)
    if not len(loud):
        return []  # a pause: nothing to know it by
    begin = int(loud[0])
    sound = prompt[begin : loud[-1] + 1]
    places = []
    for at in search.places(sound[:HEAD]):
        followed = _followed(search.signal[at:], sound)
        whole = followed > len(sound) - 2 * BLOCK
        places.append(Said(name, at / RATE, followed / RATE, whole))
    return places


def _followed(signal: np.ndarray, sound: np.ndarray) -> int:
    """For how many samples ``signal`` is ``sound``."""
    size = min(len(signal), len(sound))
    for at in range(0, size, BLOCK):
        ours, theirs = sound[at : at + BLOCK], signal[at : min(at + BLOCK, size)]
        ours = ours[: len(theirs)]
        power = float(np.sqrt((ours**2).sum() * (theirs**2).sum()))
        faint = (ours**2).mean() < _FAINT**2
        if not faint and float(ours @ theirs) < 0.7 * power:
            return at
    return size


def _apart(found: list[Said]) -> list[Said]:
    """Of those that claim the same stretch the one that was followed for longest."""
    kept: list[Said] = []
    for each in sorted(found, key=lambda said: -said.seconds):
        if not any(_overlap(each, other) for other in kept):
            kept.append(each)
    return sorted(kept, key=lambda said: said.at)


def _overlap(one: Said, other: Said) -> bool:
    end = min(one.at + one.seconds, other.at + other.seconds)
    return end - max(one.at, other.at) > 0.1
