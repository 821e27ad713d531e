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
"""On a line with jitter: what stays missing for so long does not come any more."""
_LEAST_FRAMES = 2
"""Nothing less is made up for then: jitter alone can look like one frame."""
CALM = 0.004
CALM_SECONDS = 0.5
"""On a line with jitter what is late is followed by what is less late. Where no batch comes sooner
than the one before, a frame that is missing from three batches is lost. Not from one: a machine
that was busy for a moment makes it good in the next, and silence that was put in stays in."""
_SLACK = 0.01
"""A batch may have been read just before its last frame came, or just after."""
_REMEMBERED = 25
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
        self._lag = 0.0
        self._lags: deque[tuple[float, float]] = deque()
        self._sooner: deque[bool] = deque(maxlen=_REMEMBERED)

    def missing(self, octets: int, ahead: int, now: float) -> int:
        """``octets``: of the piece that came at ``now``, which is counted from here on;
        ``ahead``: of those that came with it and follow."""
        self._received += octets / _OCTETS_A_SECOND
        if self._began is None:
            # What had gathered before the stream was read says nothing of its pace.
            self._began, self._last = now - self._received - ahead / _OCTETS_A_SECOND, now
            return 0
        fresh, self._last = now - self._last >= _SAME_BATCH, now
        if not fresh:
            return 0
        before, self._lag = self._lag, now - self._began - self._received - ahead / _OCTETS_A_SECOND
        self._sooner.append(before - self._lag > CALM)
        self._least = min(self._least, self._lag)
        behind = self._lag - self._least
        return self._make_up(behind if behind >= PAUSE_SECONDS else self._lasting(now))

    def _lasting(self, now: float) -> float:
        """What was missing during the whole of the last window."""
        window = CALM_SECONDS if self._calm else WINDOW_SECONDS
        self._lags.append((now, self._lag))
        while len(self._lags) > 1 and now - self._lags[1][0] >= window:
            self._lags.popleft()
        if now - self._lags[0][0] < window:
            return 0.0
        return min(lag for _, lag in self._lags) - self._least

    @property
    def _calm(self) -> bool:
        """No batch, or one, came sooner than the one before: what is late is not on its way."""
        return sum(self._sooner) <= 1

    def _make_up(self, behind: float) -> int:
        frames = int((behind - _SLACK) / FRAME_SECONDS)
        if frames < (1 if self._calm else _LEAST_FRAMES):
            return 0
        self._received += frames * FRAME_SECONDS
        self._lag -= frames * FRAME_SECONDS
        self._lags.clear()
        return frames * FRAME
