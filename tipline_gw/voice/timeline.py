"""Keeps a recording as long as the speech in it took. No I/O: it is told the time.

Why it exists: what a line loses, Asterisk hands on as if it had never been, and AudioSocket has no
time stamps. After a minute with one packet of twenty lost, speech is three seconds early; a
telephone that sends nothing while its caller is silent joins words that were said far apart. So
what is missing against the clock is made up for, by silence: nothing is invented.

It refuses to take anything out, and to trust a single late batch: what is late still comes.
"""

from __future__ import annotations

from collections import deque

from tipline_gw.voice.frames import FRAME, FRAME_SECONDS, RATE, SAMPLE

PAUSE_SECONDS = 0.12
"""So far behind all at once, nothing was sent: more than a network's jitter, less than the pause
between two words."""
WINDOW_SECONDS = 1.5
"""What stays missing for so long does not come any more."""
_LEAST_FRAMES = 2
"""Nothing less is made up for: jitter alone can look like one frame."""
_SAME_BATCH = 0.005
_OCTETS_A_SECOND = RATE * SAMPLE


class Timeline:
    """``missing`` says before each piece of audio how many octets of silence go in front of it."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._received = 0.0
        """Seconds of audio, with what was made up for."""
        self._last = 0.0
        self._least = 0.0
        """The smallest lag there was: what the way itself takes."""
        self._lags: deque[tuple[float, float]] = deque()

    def missing(self, octets: int, now: float) -> int:
        """``octets``: of the piece that came at ``now``, which is counted from here on."""
        if self._began is None:
            # What had gathered before the stream was read says nothing of its pace.
            self._began = self._last = now
            return 0
        fresh = now - self._last >= _SAME_BATCH
        self._last = now
        self._received += octets / _OCTETS_A_SECOND
        lag = now - self._began - self._received
        self._least = min(self._least, lag)
        behind = lag - self._least
        if not fresh or behind < PAUSE_SECONDS:
            behind = self._lasting(lag, now)
        return self._make_up(behind)

    def _lasting(self, lag: float, now: float) -> float:
        """What was missing during the whole of the last window."""
        self._lags.append((now, lag))
        while len(self._lags) > 1 and now - self._lags[1][0] >= WINDOW_SECONDS:
            self._lags.popleft()
        if now - self._lags[0][0] < WINDOW_SECONDS:
            return 0.0
        return min(lag for _, lag in self._lags) - self._least

    def _make_up(self, behind: float) -> int:
        frames = int(behind / FRAME_SECONDS + 1e-6)
        if frames < _LEAST_FRAMES:
            return 0
        self._received += frames * FRAME_SECONDS
        self._lags.clear()
        return frames * FRAME
