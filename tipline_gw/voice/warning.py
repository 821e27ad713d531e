"""The tone that says the time is nearly over, while the caller goes on speaking.

It goes out on the audio connection on which the recording comes in, one frame at a time and no
faster than sound, so that a telephone's buffer does not drop it. It never touches what is
recorded, and if it cannot be sent the recording goes on without it.
"""

from __future__ import annotations

import math
import sys
import time
from array import array
from functools import cache
from typing import Final

from tipline_gw.errors import VoiceError
from tipline_gw.voice.audiosocket import AudioStream
from tipline_gw.voice.frames import FRAME, FRAME_SECONDS, RATE

SECONDS_BEFORE: Final = 10.0
"""Time to finish a sentence."""

_HERTZ: Final = 440
"""Below all tones of a keypad, and no voice's own pitch for long."""
_LEVEL: Final = 0.25
_BEEP: Final = 0.16
_GAP: Final = 0.08
_RAMP: Final = 0.01


def warn_at(longest: float) -> float:
    """Seconds into a recording: ten before its end, or in its middle where it is a short one."""
    return max(longest - SECONDS_BEFORE, longest / 2)


class Warner:
    """Call ``tick`` with each frame that comes: from ``begin`` on it sends the tone alongside."""

    def __init__(self, stream: AudioStream) -> None:
        self._stream = stream
        self._left: list[memoryview] = []
        self._next = 0.0

    def begin(self) -> None:
        sound = tone()
        self._left = [memoryview(sound)[at : at + FRAME] for at in range(0, len(sound), FRAME)]
        self._stream.wake_every(1)
        self._next = time.monotonic()

    def tick(self) -> None:
        if not self._left or time.monotonic() < self._next:
            return
        self._next += FRAME_SECONDS
        try:
            self._stream.send_audio(self._left.pop(0))
        except VoiceError:
            self._left.clear()
        if not self._left:
            self._stream.wake_every()


@cache
def tone() -> bytes:
    """Two short beeps: whole frames of signed linear PCM, 16 bit, 8 kHz."""
    beep = [_sample(at) for at in range(int(_BEEP * RATE))]
    samples = array("h", [*beep, *([0] * int(_GAP * RATE)), *beep])
    if sys.byteorder == "big":
        samples.byteswap()
    sound = samples.tobytes()
    return sound.ljust(-(-len(sound) // FRAME) * FRAME, b"\0")


def _sample(at: int) -> int:
    edge = min(at, int(_BEEP * RATE) - at) / (_RAMP * RATE)
    return int(32767 * _LEVEL * min(1.0, edge) * math.sin(2 * math.pi * _HERTZ * at / RATE))
