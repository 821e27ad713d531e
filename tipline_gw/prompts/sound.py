"""The sound files of prompts as they lie on the disk, as far as plain arithmetic goes.

They are Asterisk's ``.sln``: signed linear 16-bit little-endian, 8 kHz, mono, no header. What
needs numpy is in ``shaping``, so that the daemon does not load it at its start.
"""

from __future__ import annotations

import sys
from array import array
from typing import Final

RATE: Final = 8000
BYTES_A_SECOND: Final = RATE * 2
FULL: Final = 32767
"""Full scale."""

TARGET_LUFS: Final = -16.0
"""How loud a prompt is made: as loud as a person who speaks into the telephone."""
LEAD, TAIL = 0.01, 0.04
"""Seconds of quiet kept around a prompt, so that words do not run together."""

_FLAT = 4
"""So many samples at full scale in a row are a clipped peak, and not a lucky one."""


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
        run = run + 1 if sample in (FULL, -FULL, -FULL - 1) else 0
        if run == _FLAT:
            return True
    return False
