"""Whether anybody spoke: so that a dead line is not stored as a tip.

Deliberately forgiving. Who hides and whispers is heard; only a line that is dead, or hums or
hisses the same all the time, is silence, and where there is doubt somebody spoke. It measures how
much the signal moves from sample to sample, which hum does little and a whisper much, and looks
for moments that move more than the line itself. Nothing of the audio is kept.

Nothing is computed any more once somebody has spoken, which is after half a second of most
recordings; a silent one costs half a millisecond a second.
"""

from __future__ import annotations

import sys
from array import array
from operator import sub
from typing import Final

from tipline_gw.voice.frames import FRAME, SAMPLE

_DEAD: Final = 6.0
"""Mean step from sample to sample, of 32768: what G.711 makes of a line that says nothing."""
_RATIO: Final = 1.4
"""Over the quietest fifth of a second so far: a whisper as loud as the noise of its line."""
_ENOUGH: Final = 6
"""Such frames of 20 ms, close to one another: the shortest word. A click on the line is one."""
_FORGOTTEN: Final = 0.1
"""Of one is forgotten by each frame that is none."""
_WINDOW: Final = 10
_DOUBT: Final = 150
"""Frames, three seconds: a noise that is always the same may be a voice so far."""


class Activity:
    """``feed`` a recording as it comes, signed linear 16 bit at 8 kHz, in pieces of any length;
    ``spoken`` says at any time whether there was speech so far."""

    def __init__(self) -> None:
        self._rest = b""
        self._heard = False
        self._frames = 0
        self._noisy = 0
        self._window: list[float] = []
        self._floor = float("inf")
        self._lasting = 0.0
        """The most movement that lasted for so many frames: a word may come before the floor."""
        self._score = 0.0

    @property
    def spoken(self) -> bool:
        return self._heard or (self._frames < _DOUBT and self._noisy >= _ENOUGH)

    def feed(self, pcm: bytes | bytearray | memoryview) -> None:
        if self._heard:
            return
        data = self._rest + bytes(pcm)
        whole = len(data) - len(data) % FRAME
        for start in range(0, whole, FRAME):
            self._judge(_movement(data[start : start + FRAME]))
        self._rest = b"" if self._heard else data[whole:]

    def _judge(self, level: float) -> None:
        self._frames += 1
        self._noisy += level > _DEAD
        self._window.append(level)
        if len(self._window) < _WINDOW:
            return
        self._floor = max(_DEAD, min(self._floor, sum(self._window) / _WINDOW))
        if self._frames > _WINDOW:
            # Before that it may be the echo of our own tone.
            self._lasting = max(self._lasting, sorted(self._window)[-_ENOUGH])
        self._heard = self._lasting > self._floor * _RATIO
        for each in self._window:
            loud = each > self._floor * _RATIO
            self._score = self._score + 1 if loud else max(0.0, self._score - _FORGOTTEN)
            self._heard = self._heard or self._score >= _ENOUGH
        self._window.clear()


def _movement(frame: bytes) -> float:
    """The mean step from one sample to the next: without a constant part, and hum counts little."""
    samples = array("h", frame)
    if sys.byteorder == "big":
        samples.byteswap()
    steps: int = sum(map(abs, map(sub, samples[1:], samples)))
    return steps / (FRAME // SAMPLE - 1)
