"""Keeps a recording as long as the speech in it took. No I/O: it is told the time.

Why it exists: what a line loses, Asterisk hands on as if it had never been, and AudioSocket has no
time stamps. After a minute with one packet of twenty lost, speech is three seconds early; a
telephone that sends nothing while its caller is silent joins words that were said far apart. So
what is missing against the clock is made up for, by silence: nothing is invented.

It refuses to take anything out, and to trust a single late batch: what is late still comes. Speech
before which a pause seems to be is held until the next batch tells whether there was one, since
silence that was put between two syllables stays there.
"""

from __future__ import annotations

from collections import deque

from tipline_gw.voice.frames import FRAME, RATE, SAMPLE
from tipline_gw.voice.pump import SWEEP_SECONDS

PAUSE_SECONDS = 0.1
"""So far behind all at once, and a packet more, nothing was sent: more than a network's jitter,
less than the pause between two words. A packet more, since a batch may have been read just before
its last one came."""
WINDOW_SECONDS = 1.5
"""On a line with jitter: what stays missing for so long does not come any more."""
CALM = 0.004
CALM_SECONDS = 0.5
"""On a line with jitter what is late is followed by what is less late. Where no batch comes sooner
than the one before, a frame that is missing from three batches is lost. Not from one: a machine
that was busy for a moment makes it good in the next, and silence that was put in stays in."""
HELD_UP_SECONDS = 0.5
"""The most that a key may hold up what follows it; longer, and nothing was sent besides."""
_LONGEST_PACKET = 5 * FRAME
"""Octets. Nobody packs more."""
_REMEMBERED = 25
_SAME_BATCH = 0.005
_OCTETS_A_SECOND = RATE * SAMPLE


class Timeline:
    """``put`` gives back what goes to the recording now, in order. What it holds comes out of the
    next ``put``, of ``settle``, or of ``release``."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._received = 0.0
        """Seconds of audio, with what was made up for."""
        self._last = 0.0
        self._packet = FRAME / _OCTETS_A_SECOND
        """Seconds of audio in a packet of this line."""
        self._least = 0.0
        """The smallest lag there was: what the way itself takes."""
        self._lag = 0.0
        self._lags: deque[tuple[float, float]] = deque()
        self._sooner: deque[bool] = deque(maxlen=_REMEMBERED)
        self._doubt = 0.0
        """Seconds of the pause there may be before what is held; 0 while nothing is."""
        self._held: list[bytes] = []
        self._key = False
        """One was pressed since the last batch."""

    def put(self, pcm: bytes, ahead: int, now: float, packet: int = FRAME) -> list[bytes]:
        """``pcm`` came at ``now``, in packets of ``packet`` octets; ``ahead``: octets that came
        with it and follow."""
        self._packet = min(packet or FRAME, _LONGEST_PACKET) / _OCTETS_A_SECOND
        self._received += len(pcm) / _OCTETS_A_SECOND
        lag = now - self._received - ahead / _OCTETS_A_SECOND
        if self._began is None:
            # What had gathered before the stream was read says nothing of its pace.
            self._began, self._last = lag, now
            return [pcm]
        fresh, self._last = now - self._last >= _SAME_BATCH, now
        if not fresh:
            return self._on(pcm)
        self._sooner.append(self._lag - (lag - self._began) > CALM)
        self._lag = lag - self._began
        self._least = min(self._least, self._lag)
        if self._key:
            self._key = False
            self._count(min(self._behind, HELD_UP_SECONDS))
        return self._judged(now) + self._on(pcm)

    def settle(self) -> list[bytes]:
        """Nothing comes any more, or has not for some time. Part of what was missing may be at the
        end of what is held: it was read only then."""
        return self._release_after(self._doubt - SWEEP_SECONDS)

    def release(self) -> list[bytes]:
        """A key was pressed: there is no audio meanwhile, which is no pause."""
        self._key = True
        return self._let_go()

    def _let_go(self) -> list[bytes]:
        held, self._held, self._doubt = self._held, [], 0.0
        return held

    def _judged(self, now: float) -> list[bytes]:
        """At the first piece of a batch: what goes before it. It is held itself from ``_doubt``
        on."""
        before, more = [], self._behind - self._doubt
        if self._doubt and more >= self._pause:
            before = self.settle()  # the pause came after what is held
        elif self._doubt and (more > -self._pause or self._behind < self._pause):
            return self._release_after(min(self._doubt, self._behind))
        # Else what is late is on its way still.
        if self._behind >= self._pause:
            self._doubt = self._behind
            return before
        return before + self._silence(self._lasting(now))

    @property
    def _pause(self) -> float:
        return PAUSE_SECONDS + self._packet

    @property
    def _behind(self) -> float:
        return self._lag - self._least

    def _release_after(self, pause: float) -> list[bytes]:
        silence = self._silence(pause) if pause >= self._pause else []
        return silence + self._let_go()

    def _on(self, pcm: bytes) -> list[bytes]:
        if not self._doubt:
            return [pcm]
        self._held.append(pcm)
        return []

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

    def _silence(self, behind: float) -> list[bytes]:
        """Whole packets, and less than one is none: a batch may have been read just before its last
        one came, or just after."""
        packets = int(behind / self._packet - 0.5)
        if packets < 1:
            return []
        missing = packets * self._packet
        self._count(missing)
        return [bytes(round(missing * RATE) * SAMPLE)]

    def _count(self, seconds: float) -> None:
        """As if so much audio had come."""
        self._received += seconds
        self._lag -= seconds
        self._lags.clear()
