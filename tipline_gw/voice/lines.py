"""Lines from a socket, each bounded in length, all of them bounded in time.

A file object over a socket cannot do this: it has no deadline over several reads, and after a
time-out refuses to be read again. Nor could what it read be wiped: here a line lies in one
buffer, which is zeroed as the line is handed out, since Asterisk may write a number in it.
"""

from __future__ import annotations

import socket
import time

from tipline_gw.boundary.octets import wipe
from tipline_gw.errors import VoiceError

SIZE = 4096
"""Octets of the buffer, and so of the longest line that can be asked for."""


class Lines:
    """``readline`` as a binary file has it, and a deadline (of ``time.monotonic``)."""

    def __init__(self, connection: socket.socket, said: memoryview | None = None) -> None:
        """``said``: what was read already; its octets are moved, not copied."""
        self._connection = connection
        self._held = len(said) if said else 0
        self._buffer = bytearray(max(SIZE, self._held))
        if said:
            # View to view: a slice of the bytearray itself is set by way of another copy.
            with memoryview(self._buffer) as buffer:
                buffer[: self._held] = said
            wipe(said)
        self._deadline = time.monotonic()

    def allow(self, seconds: float) -> None:
        """What is read or written from here on has to be done in ``seconds``."""
        self._deadline = time.monotonic() + seconds

    def forget(self) -> None:
        """What was read and not taken."""
        wipe(self._buffer)
        self._held = 0

    def readline(self, limit: int) -> bytearray:
        """At most ``limit`` octets, up to and with a line feed; what is left at the end of the
        stream, then nothing. VoiceError when the deadline passes. The only copy there is."""
        limit = min(limit, SIZE)
        while (end := self._buffer.find(b"\n", 0, min(limit, self._held))) < 0:
            if self._held >= limit:
                return self._take(limit)
            if not self._receive():
                return self._take(self._held)
        return self._take(end + 1)

    def write(self, data: bytes) -> None:
        """All of it, or VoiceError when that takes too long, or OSError."""
        try:
            self._connection.settimeout(self._left())
            self._connection.sendall(data)
        except TimeoutError:
            raise _too_late() from None

    def _take(self, octets: int) -> bytearray:
        line = self._buffer[:octets]
        rest = self._held - octets
        with memoryview(self._buffer) as buffer:
            buffer[:rest] = buffer[octets : self._held]
        self._buffer[rest : self._held] = bytes(octets)
        self._held = rest
        return line

    def _receive(self) -> bool:
        try:
            self._connection.settimeout(self._left())
            with memoryview(self._buffer) as buffer, buffer[self._held :] as free:
                received = self._connection.recv_into(free)
        except TimeoutError:
            raise _too_late() from None
        except OSError:
            # Reset by the other side: for a reader the same as its end.
            return False
        self._held += received
        return received > 0

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise _too_late()
        return left


def _too_late() -> VoiceError:
    return VoiceError("nothing came, or nothing was taken, in the time allowed")
