"""Lines out of the raw octets of a serial port, in one buffer that is wiped after each.

The buffer has a fixed size, because a bytearray that grows leaves copies behind. Carriage return
and line feed each end a line, so every mixture of them does; NULs are skipped; what is not
printable ASCII becomes ``?`` and marks the line as noisy. It refuses to keep a line that is longer
than :data:`MAX_LINE`: that one is swallowed to its end.
"""

from __future__ import annotations

from tipline_gw.boundary.octets import wipe

MAX_LINE = 4096
_CR, _LF, _SPACE, _TILDE, _UNREADABLE = 0x0D, 0x0A, 0x20, 0x7E, ord("?")
_PROMPT = b"> "
_PROMPT_AND_NOISE = 6


class LineBuffer:
    """One line being read. ``noisy``: something in it could not be read."""

    def __init__(self) -> None:
        self._octets = bytearray(MAX_LINE)
        self._view = memoryview(self._octets)
        self._used = 0
        self.overlong = False
        self.noisy = False

    def push(self, octet: int) -> bool:
        """Take one octet; whether it ended a line that is worth looking at."""
        if octet in (_CR, _LF):
            return self._used > 0 or self.overlong
        if octet:
            self._append(octet)
        return False

    def _append(self, octet: int) -> None:
        if self._used == MAX_LINE:
            self.overlong = True
            return
        if not _SPACE <= octet <= _TILDE:
            octet, self.noisy = _UNREADABLE, True
        self._octets[self._used] = octet
        self._used += 1

    @property
    def line(self) -> memoryview:
        """The line so far, in place: what is written to it is written to the buffer."""
        return self._view[: self._used]

    def ends_with_prompt(self) -> bool:
        """Whether this is a modem's prompt for a message (27.005 §3.5.1), some noise forgiven."""
        size = len(_PROMPT)
        return size <= self._used <= _PROMPT_AND_NOISE and self.line[-size:] == _PROMPT

    def clear(self) -> None:
        wipe(self.line)
        self._used = 0
        self.overlong = self.noisy = False
