"""Lines out of the raw octets of a serial port, in one buffer that is wiped after each.

The buffer has a fixed size, because a bytearray that grows leaves copies behind. Carriage return
and line feed each end a line, so every mixture of them does; NULs are skipped; what is not
printable ASCII becomes ``?`` and marks the line as noisy. It refuses to keep a line that is longer
than :data:`MAX_LINE`: that one is swallowed to its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tipline_gw.boundary.octets import wipe

MAX_LINE: Final = 4096
PROMPT: Final = b"> "
"""How a modem asks for a message (27.005 §3.5.1)."""

_LINE_ENDS: Final = re.compile(rb"[\r\n]+")
_NOISE: Final = re.compile(rb"[^ -~]")
_SPACE, _TILDE, _UNREADABLE = 0x20, 0x7E, ord("?")
_PROMPT_AND_NOISE: Final = 6


def pieces(chunk: bytes | bytearray | memoryview) -> Iterator[tuple[memoryview, bool]]:
    """What stands between line ends in ``chunk``, in place, and whether a line end follows."""
    octets, at = memoryview(chunk), 0
    for end in _LINE_ENDS.finditer(chunk):
        yield octets[at : end.start()], True
        at = end.end()
    yield octets[at:], False


class LineBuffer:
    """One line being read. ``noisy``: something in it could not be read."""

    def __init__(self) -> None:
        self._octets = bytearray(MAX_LINE)
        self._view = memoryview(self._octets)
        self._used = 0
        self.overlong = False
        self.noisy = False

    def extend(self, piece: memoryview) -> int:
        """Take octets of this line; how many it had before."""
        before = self._used
        if not piece:
            return before
        size = min(len(piece), MAX_LINE - before)
        if _NOISE.search(piece):
            for octet in piece:
                self._append(octet)
            return before
        # From view to view: any other way makes a copy in between.
        self._view[before : before + size] = piece[:size]
        self._used += size
        self.overlong = self.overlong or size < len(piece)
        return before

    def _append(self, octet: int) -> None:
        if not octet:
            return
        if self._used == MAX_LINE:
            self.overlong = True
            return
        if not _SPACE <= octet <= _TILDE:
            octet, self.noisy = _UNREADABLE, True
        self._octets[self._used] = octet
        self._used += 1

    @property
    def worth(self) -> bool:
        """Whether there is anything in this line."""
        return self._used > 0

    @property
    def line(self) -> memoryview:
        """The line so far, in place: what is written to it is written to the buffer."""
        return self._view[: self._used]

    def prompt_end(self, seen: int) -> int:
        """Where a prompt ends at the beginning of the line, some noise forgiven; 0 for none.

        ``seen``: octets that were looked at before.
        """
        if seen >= _PROMPT_AND_NOISE:
            return 0
        stop = min(self._used, _PROMPT_AND_NOISE)
        at = self._octets.find(PROMPT, max(0, seen - 1), stop)
        return 0 if at < 0 else at + len(PROMPT)

    def drop(self, size: int) -> None:
        """Wipe the first ``size`` octets of the line; the rest moves up."""
        rest = self._used - size
        self._view[:rest] = self._view[size : self._used]
        wipe(self._view[rest : self._used])
        self._used = rest

    def clear(self) -> None:
        wipe(self.line)
        self._used = 0
        self.overlong = self.noisy = False
