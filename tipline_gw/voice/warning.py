"""The tone that says the time is nearly over, while the caller goes on speaking.

It goes out on the audio connection on which the recording comes in, one frame at a time at the
pace of sound, so that a telephone's buffer does not drop it. It never touches what is
recorded, and if it cannot be sent the recording goes on without it.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from array import array
from contextlib import suppress
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
    """Sends the tone once, in a thread of its own: whoever takes the recording in may share its
    thread with other recordings, and is woken too seldom for the pace of sound."""

    def __init__(self, stream: AudioStream) -> None:
        self._stream = stream
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        thread = threading.Thread(target=self._send, name="warning", daemon=True)
        with suppress(RuntimeError):  # no more threads: it goes on without the tone
            thread.start()
            self._thread = thread

    def stop(self) -> None:
        """Nothing is sent any more when it returns."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _send(self) -> None:
        sound, due = tone(), time.monotonic()
        for at in range(0, len(sound), FRAME):
            if self._over.wait(max(0.0, due - time.monotonic())):
                return
            try:
                self._stream.send_beside(sound[at : at + FRAME])
            except VoiceError:
                return
            due += FRAME_SECONDS


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
