"""Where connections wait until they have shown what they are: all of them in one thread.

Why it exists: neither protocol served here knows authentication, so a place and a thread for
every connection would be gone as soon as somebody on this machine opens enough of them and says
nothing, or an octet a second. Here nobody has a place before the first words are right and whole.
Until then a connection costs a descriptor and a deadline; when there are too many, the oldest
goes first: a call, whose words come at once, is never among the oldest.

What was said is read, because a kernel is slow to acknowledge what lies there unread, and Asterisk,
which writes its environment line by line, waits for that: every caller would hear the line 40 ms
later. It lies in one buffer a connection, which goes on to who serves it, or is overwritten: there
may be a caller's number in it.
"""

from __future__ import annotations

import errno
import resource
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum
from itertools import takewhile
from threading import Lock

import structlog

from tipline_gw.boundary.octets import wipe

_log = structlog.get_logger()

CROWD = 512
"""Connections that may wait. A call waits for a millisecond: fifty a second are none at all."""
LOOK = 8192
"""Octets of the longest first words: an AGI environment has some 700."""
_ACCEPTED_A_TURN = 64
_SAY_SECONDS = 60.0
_BREATH = 0.05
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_ENDED = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
_EVENTS = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET


class Verdict(Enum):
    """On the octets that a connection began with."""

    WAIT = "wait"
    ADMIT = "admit"
    REFUSE = "refuse"


Judge = Callable[[bytearray, int], Verdict]
"""Told the buffer and how many octets of it have come; must copy none of them."""


class Reason(StrEnum):
    """Why a connection was turned away. ``NO_PLACE``: it was right, and all places are taken.
    ``CROWDED``: it had said nothing right yet, and others came."""

    MALFORMED = "malformed"
    LATE = "late"
    CROWDED = "crowded"
    NO_PLACE = "no-place"


class TurnedAway:
    """Counts them. The log is told once a minute how many there are, not of each: who floods a
    port must not flood the disk."""

    def __init__(self, room: str) -> None:
        self._room = room
        self._lock = Lock()
        self._counts = dict.fromkeys(Reason, 0)
        self._say_at = dict.fromkeys(Reason, 0.0)

    def __getitem__(self, reason: Reason) -> int:
        return self._counts[reason]

    def add(self, reason: Reason) -> None:
        now = time.monotonic()
        with self._lock:
            self._counts[reason] += 1
            count = self._counts[reason]
            if now < self._say_at[reason]:
                return
            self._say_at[reason] = now + _SAY_SECONDS
        _log.warning("turned-away", room=self._room, reason=reason.value, count=count)


@dataclass(slots=True)
class _Waiting:
    connection: socket.socket
    until: float
    buffer: bytearray
    size: int = 0

    @property
    def said(self) -> memoryview:
        return memoryview(self.buffer)[: self.size]

    def listen(self) -> bool:
        """Takes what lies there; False at the end. Raises BlockingIOError, OSError."""
        with memoryview(self.buffer) as buffer, buffer[self.size :] as free:
            received = self.connection.recv_into(free)
        self.size += received
        return received > 0


class Lobby:
    """``turn`` accepts, looks and drops, again and again, in the one thread that uses it.
    ``admit`` gets each connection that ``judge`` admits, blocking, and what it said so far, which
    is to be wiped."""

    def __init__(
        self,
        listening: socket.socket,
        judge: Judge,
        admit: Callable[[socket.socket, memoryview], None],
        seconds: float,
        turned_away: TurnedAway,
    ) -> None:
        self._listening = listening
        self._judge = judge
        self._admit = admit
        self._seconds = seconds
        self._turned_away = turned_away
        # Where few files may be open, most of them are for calls and for the store.
        self._most = min(CROWD, max(1, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 8))
        self._waiting: dict[int, _Waiting] = {}
        """By descriptor, the oldest first."""
        self._poll = select.epoll()
        listening.setblocking(False)
        self._poll.register(listening, select.EPOLLIN)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def turn(self) -> None:
        """Waits until there is something to do, does it once. OSError: nothing listens here."""
        events = dict(self._poll.poll(self._patience()))
        knocked = events.pop(self._listening.fileno(), 0)
        for descriptor, what in events.items():
            self._look(descriptor, bool(what & _ENDED))
        self._drop_late()
        # Last: a descriptor that was dropped above may come again, for somebody else.
        if knocked:
            self._accept()

    def close(self) -> None:
        for descriptor in list(self._waiting):
            self._close(descriptor)
        self._poll.close()

    # Coming in.

    def _accept(self) -> None:
        for _ in range(_ACCEPTED_A_TURN):
            try:
                connection, _ = self._listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._make_room()
                elif error.errno == errno.EINVAL:
                    raise  # shut: it listens no more
                return
            self._receive(connection)

    def _receive(self, connection: socket.socket) -> None:
        if self.waiting >= self._most:
            self._drop_oldest()
        connection.setblocking(False)
        descriptor = connection.fileno()
        until = time.monotonic() + self._seconds
        self._waiting[descriptor] = _Waiting(connection, until, bytearray(LOOK))
        self._poll.register(descriptor, _EVENTS)

    def _make_room(self) -> None:
        """No descriptor is left for who comes next: one that waits gives its own."""
        if self.waiting:
            self._drop_oldest()
        else:
            time.sleep(_BREATH)

    # Waiting.

    def _look(self, descriptor: int, ended: bool) -> None:
        waiting = self._waiting[descriptor]
        verdict = self._verdict(waiting, ended)
        if verdict is Verdict.REFUSE:
            self._drop(descriptor, Reason.MALFORMED)
        elif verdict is Verdict.ADMIT:
            self._take(descriptor)
            waiting.connection.setblocking(True)
            self._admit(waiting.connection, waiting.said)

    def _verdict(self, waiting: _Waiting, ended: bool) -> Verdict:
        try:
            if not waiting.listen():
                return Verdict.REFUSE
        except BlockingIOError:
            return Verdict.WAIT
        except OSError:
            return Verdict.REFUSE
        verdict = self._judge(waiting.buffer, waiting.size)
        if verdict is Verdict.WAIT and (ended or waiting.size == LOOK):
            return Verdict.REFUSE
        return verdict

    # Going.

    def _patience(self) -> float | None:
        """Seconds until somebody's time is over; ``None`` while nobody waits."""
        for oldest in self._waiting.values():
            return max(0.0, oldest.until - time.monotonic())
        return None

    def _drop_late(self) -> None:
        now = time.monotonic()
        late = takewhile(lambda each: each[1].until <= now, self._waiting.items())
        for descriptor in [descriptor for descriptor, _ in late]:
            self._drop(descriptor, Reason.LATE)

    def _drop_oldest(self) -> None:
        self._drop(next(iter(self._waiting)), Reason.CROWDED)

    def _drop(self, descriptor: int, reason: Reason) -> None:
        self._turned_away.add(reason)
        self._close(descriptor)

    def _close(self, descriptor: int) -> None:
        waiting = self._take(descriptor)
        wipe(waiting.buffer)
        waiting.connection.close()

    def _take(self, descriptor: int) -> _Waiting:
        self._poll.unregister(descriptor)
        return self._waiting.pop(descriptor)
