"""Which keys a caller pressed, of those that the line says were pressed. No I/O.

Why it exists: lines double keys. A gateway that listens for tones hears one press as two when the
tone tears; a lost end of an RFC 4733 event makes it begin again. And they invent keys: where keys
are sounds, a voice can sound like one ("talk-off"), and a ``#`` that nobody pressed would cut a
tip off in the middle of a sentence.

It refuses to guess at the other side of the mistake: a key that the line lost stays lost, and the
menu asks again.
"""

from __future__ import annotations

import sys
from array import array
from collections import deque
from operator import mul

from tipline_gw.voice.frames import FRAME, RATE, SAMPLE

DOUBLE_SECONDS = 0.2
"""The same key again sooner than this after it was reported is the same press. Asterisk reports a
key when it ends, and none that begins less than 45 ms after the last one ended; a torn tone's
second half, or an event begun anew, ends within some 150 ms more. A finger taps a key five times a
second at the very most, and nobody dials so. Of different keys none is ever dropped."""

CONFIRM_SECONDS = 0.8
"""So long nothing may be said after a ``#`` that came in the middle of speech: who speaks on did
not press it. Pauses between words are shorter; who pressed it waits."""
BEFORE_SECONDS = 0.4
"""A caller who presses a key stops speaking, takes the telephone from the ear and finds the key:
if it was quiet for so long before a ``#``, somebody pressed it."""
AGAIN_SECONDS = 10.0
"""A second ``#`` within this ends a recording at once: in a loud place nothing is ever quiet."""

_CONFIRM = int(CONFIRM_SECONDS * RATE) * SAMPLE
_LEVEL = FRAME // SAMPLE
"""Samples that one loudness is told of."""
_REMEMBERED = 2 * RATE * SAMPLE
_LOUDER = 2.0
"""6 dB over the noise of the place is a voice."""
_FAINT = 60.0
"""Under this amplitude (-55 dBm0) nobody speaks."""
_FEW = 0.25
"""The share of a stretch that may be loud, and it is quiet all the same: a bump, a cough."""


class Keypad:
    """The keys of one call, with the time of each in seconds of any clock."""

    def __init__(self) -> None:
        self._last = ""
        self._at = 0.0

    def press(self, key: str, now: float) -> str:
        """``key``, or nothing if it is the one before once more."""
        double = key == self._last and now - self._at < DOUBLE_SECONDS
        self._last, self._at = key, now
        return "" if double else key


class StopKey:
    """Whether a ``#`` ends a recording. Losing the end of a tip is worse than a second press, so
    one that comes into speech has to be followed by quiet, or by another one.

    ``heard`` is told all that is recorded, ``pressed`` each ``#``, ``idle`` that nothing comes;
    each says whether it is over. Nothing is computed of speech before a ``#`` comes.
    """

    def __init__(self) -> None:
        self._recent: deque[bytes | memoryview] = deque()
        self._octets = 0
        self._pressed_at: float | None = None
        self._doubted = 0
        """Octets still to be heard before it is known whether the last one was pressed."""

    @property
    def doubted(self) -> bool:
        """A ``#`` came and is not known yet to have been pressed."""
        return bool(self._doubted)

    def pressed(self, now: float) -> bool:
        before, self._pressed_at = self._pressed_at, now
        if before is not None and now - before < AGAIN_SECONDS:
            return True
        self._doubted = 0 if self._quiet(BEFORE_SECONDS) else _CONFIRM
        return not self._doubted

    def heard(self, pcm: bytes | memoryview) -> bool:
        self._remember(pcm)
        if not self._doubted:
            return False
        self._doubted = max(0, self._doubted - len(pcm))
        return not self._doubted and self._quiet(CONFIRM_SECONDS)

    def idle(self, now: float) -> bool:
        """A telephone that sends nothing says so that nobody speaks."""
        waited = self._pressed_at is not None and now - self._pressed_at >= CONFIRM_SECONDS
        return bool(self._doubted) and waited

    def _remember(self, pcm: bytes | memoryview) -> None:
        self._recent.append(pcm)
        self._octets += len(pcm)
        while self._octets - len(self._recent[0]) >= _REMEMBERED:
            self._octets -= len(self._recent.popleft())

    def _quiet(self, seconds: float) -> bool:
        """Nobody spoke in the last ``seconds``, as against the quietest of the last two."""
        levels = loudness(b"".join(self._recent))
        last = levels[-round(seconds * RATE / _LEVEL) :]
        if not last:
            return True
        noise = max(_FAINT / _LOUDER, sorted(levels)[len(levels) // 10])
        return sum(level > _LOUDER * noise for level in last) <= _FEW * len(last)


def loudness(pcm: bytes) -> list[float]:
    """The root mean square of each whole 20 ms. Standard library only, like the judge of silence
    (:mod:`activity`): a ``#`` is rare, numpy's 20 MB would stay."""
    return [
        _mean_square(pcm[at : at + FRAME]) ** 0.5 for at in range(0, len(pcm) - FRAME + 1, FRAME)
    ]


def _mean_square(frame: bytes) -> float:
    samples = array("h", frame)
    if sys.byteorder == "big":
        samples.byteswap()
    return float(sum(map(mul, samples, samples))) / len(samples)
