"""The new voice's own sound, before it is formed into words: a buzz and a hiss.

It exists so that nothing of the caller's throat is heard. It is made from what was drawn alone,
and refuses to be told anything about the caller.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tipline_gw.voice.draws import Draws, Floats
from tipline_gw.voice.frames import RATE
from tipline_gw.voice.vocoder import BLOCK, FRAMES, HOP

JITTER: Final = 0.03
"""Share by which the pitch strays from one frame to the next, so that it does not sing."""

_POWER: Final = 1 / 3
"""Of uniform numbers from -1 to 1."""


class Source:
    """Buzz and hiss of power 1 without end, in pieces that overlap by a frame."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self._turn = 0.0
        self._buzz = np.zeros(HOP)
        self._hiss = np.zeros(HOP)

    def next(self, pitch: float) -> tuple[Floats, Floats]:
        """Two sources of BLOCK + HOP samples at ``pitch`` Hz; the first HOP of them are the last of
        the piece before."""
        drawn = self._draws.uniform(BLOCK + FRAMES)
        hiss = drawn[:BLOCK] / np.sqrt(_POWER)
        pace = np.repeat(pitch / RATE * (1 + JITTER * drawn[BLOCK:]), HOP)
        self._buzz = np.concatenate((self._buzz[-HOP:], self._pulses(pace)))
        self._hiss = np.concatenate((self._hiss[-HOP:], hiss))
        return self._buzz, self._hiss

    def _pulses(self, pace: Floats) -> Floats:
        """One sample for every whole turn, the higher the rarer they are."""
        turns = np.cumsum(pace)
        turns += self._turn
        whole = np.floor(turns)
        struck = np.diff(whole, prepend=0.0) / np.sqrt(pace)
        self._turn = float(turns[-1] - whole[-1])
        return np.asarray(struck)

    def forget(self) -> None:
        for kept in (self._buzz, self._hiss):
            kept.fill(0.0)
        self._turn = 0.0
