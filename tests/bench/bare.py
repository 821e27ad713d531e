"""The leanest reader there can be: +CMTI, +CMGR, +CMGD, in a loop, and what it read is thrown
away. No program that keeps a message can be faster on the same modem.

    python -m tests.bench.bare TTY SLOTS
"""

from __future__ import annotations

import os
import re
import sys
import termios
import tty
from pathlib import Path

_NOTICE = re.compile(rb'\+CMTI: "\w+",(\d+)\r\n')
_INIT = (b"ATE0", b"AT+CMGF=0", b"AT+CNMI=2,1")


class Line:
    """A terminal in raw mode, and what came over it beyond the last answer."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._file)
        termios.tcflush(self._file, termios.TCIOFLUSH)
        self._held = b""

    def ask(self, command: bytes) -> None:
        os.write(self._file, command + b"\r")
        while b"\r\nOK\r\n" not in self._held:
            self._held += os.read(self._file, 4096)
        answer, _, rest = self._held.partition(b"\r\nOK\r\n")
        self._held = b"".join(match[0] for match in _NOTICE.finditer(answer)) + rest

    def notice(self) -> bytes:
        """The slot of the next message."""
        while (match := _NOTICE.search(self._held)) is None:
            self._held += os.read(self._file, 4096)
        self._held = self._held[match.end() :]
        return match[1]


def main(path: Path, slots: int) -> None:
    """Until it is killed: first the ``slots`` messages that lie there, then what is announced."""
    line = Line(path)
    for command in _INIT:
        line.ask(command)
    lying = (str(slot).encode() for slot in range(1, slots + 1))
    while True:
        slot = next(lying, None) or line.notice()
        line.ask(b"AT+CMGR=" + slot)
        line.ask(b"AT+CMGD=" + slot)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
