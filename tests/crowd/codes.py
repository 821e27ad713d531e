"""Speech that says of each 20 ms who spoke it and which one it is.

A frame is 160 octets of mu-law: eight that carry the call's number and the frame's, then noise in
syllables, so that nobody takes it for silence. Every octet of mu-law is one linear value (ITU-T
G.711) and comes back from a recording exactly: what was kept is compared sample by sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tipline_gw.demo.rtp_phone import SAMPLES, decode

FRAME = 2 * SAMPLES
"""Octets of a frame as it is kept: signed linear, 16 bit."""
BASE = 127
"""An octet carries a digit of this base; the 128th would be a second zero of mu-law."""
MOST = BASE * BASE
"""Calls, and frames of a call: 322 s."""

_HEAD = 8
_PERIOD = 101
_SYLLABLE = 9
_SIGN = 0x80


def _noise() -> list[bytes]:
    random = np.random.default_rng(20260305)
    frames = []
    for at in range(_PERIOD):
        # The lower the octet, the louder: 0x80 is full scale, 0xfe next to nothing.
        quietest = 40 + 60 * (at // _SYLLABLE % 2)
        octets = random.integers(quietest - 30, quietest, SAMPLES - _HEAD)
        frames.append((octets | _SIGN * random.integers(0, 2, len(octets))).astype(np.uint8))
    return [bytes(frame) for frame in frames]


_NOISE = _noise()


def frame(call: int, number: int) -> bytes:
    """The mu-law of one frame; ``call`` and ``number`` are below ``MOST``."""
    digits = (*divmod(call, BASE), *divmod(number, BASE))
    positive = bytes(_SIGN | digit for digit in digits)
    return positive + bytes(digits) + _NOISE[number % _PERIOD]


@dataclass(frozen=True)
class Kept:
    """What a recording has of one call: ``numbers`` of the frames that are in it to the last
    sample, in their order; ``foreign``: frames that are neither that nor silence."""

    call: int | None
    numbers: list[int]
    foreign: int

    def lacks(self, count: int) -> int:
        """How many of the frames 0 to ``count`` - 1 are missing, doubled or out of order."""
        expected = list(range(count))
        if self.numbers == expected:
            return 0
        return max(1, len(set(expected) - set(self.numbers)))


def read(pcm: bytes) -> Kept:
    """``pcm`` as it came out of the store, from its first sample on."""
    call, numbers, foreign = None, [], 0
    for start in range(0, len(pcm) - len(pcm) % FRAME, FRAME):
        one = pcm[start : start + FRAME]
        said = _said(one)
        if said is not None and call in (None, said[0]):
            call = said[0]
            numbers.append(said[1])
        elif any(one):
            foreign += 1
    return Kept(call, numbers, foreign + any(pcm[len(pcm) - len(pcm) % FRAME :]))


_DIGITS = {decode(bytes((_SIGN | digit,))): digit for digit in range(BASE)}


def _said(pcm: bytes) -> tuple[int, int] | None:
    digits = [_DIGITS.get(pcm[at : at + 2]) for at in range(0, _HEAD, 2)]
    if None in digits:
        return None
    first, second, third, fourth = (digit or 0 for digit in digits)
    call, number = first * BASE + second, third * BASE + fourth
    return (call, number) if pcm == decode(frame(call, number)) else None
