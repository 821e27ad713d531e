"""Chance for the disguise: drawn once from the operating system, used once, and gone.

It exists because what the disguise drew is the key to it. A numpy generator could be run
backwards from what is heard of its noise; this is a hash chain, in which no key leads back to
the one before. It refuses to be copied, pickled or shown.
"""

from __future__ import annotations

import os
from hashlib import shake_256
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

KEY = 32
"""Octets of a key."""

_WORD = np.dtype("<u2")
_HALF = 2.0**15

Floats = NDArray[np.float64]


class Draws:
    """Uniform numbers from ``seed``, or from the operating system."""

    def __init__(self, seed: bytes | None = None) -> None:
        self._key = bytearray(os.urandom(KEY) if seed is None else shake_256(seed).digest(KEY))

    def uniform(self, count: int) -> Floats:
        """``count`` numbers from -1 up to 1, of 16 bits each."""
        drawn = shake_256(self._key).digest(KEY + count * _WORD.itemsize)
        self._key[:] = drawn[:KEY]
        words = np.frombuffer(drawn, _WORD, count, KEY)
        return (words.astype(np.float64) + 0.5) / _HALF - 1.0

    def forget(self) -> None:
        """Overwrites the key; what was drawn cannot be drawn again."""
        self._key[:] = os.urandom(KEY)

    def __reduce__(self) -> NoReturn:
        raise TypeError("the draws of a disguise are not to be kept")
