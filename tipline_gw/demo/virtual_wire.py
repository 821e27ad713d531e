"""The wire of the virtual modem: a pseudo-terminal, and what a bad cable does to the bytes.

Why it exists: drivers are tested against slow, chopped and noisy lines, and against ports that
disappear. A pseudo-terminal refuses nothing: what nobody reads would pile up, so the output is
bounded, and what is said while nobody has the port open is lost, as on a real one.
"""

from __future__ import annotations

import errno
import os
import random
import select
import tty
from pathlib import Path

from tipline_gw.demo.virtual_modes import Modes
from tipline_gw.errors import ModemError

MAX_OUT = 1 << 20
CHUNK = 1 << 16
BURST_SECONDS = 0.05
"""What a paced line carries in this time it hands over at once, when the last octet of it has
come: a converter hands over packets too, and the machine is bothered less."""
SLIP = 0.02
"""Seconds by which a wake-up may be late without slowing the line down."""


class Wire:
    """What is on its way to the other side, given out at the pace of the line."""

    def __init__(self, modes: Modes, seed: int = 0) -> None:
        self._modes = modes
        self._out = bytearray()
        # Reproducible on purpose, and no secret.
        self._random = random.Random(seed)  # noqa: S311  # nosec B311
        self._next_at = 0.0
        self._since: float | None = None
        self._burst = 0
        """Octets under way now; 0: the line is idle."""

    def __len__(self) -> int:
        return len(self._out)

    def send(self, data: bytes) -> None:
        if self._modes.noise:
            data = self._noisy(data)
        if len(self._out) + len(data) <= MAX_OUT:
            self._out += data

    def clear(self) -> None:
        self._out.clear()
        self._burst = 0

    def _noisy(self, data: bytes) -> bytes:
        """Garbage in the gaps between lines; no line itself is harmed."""
        pieces = data.split(b"\r\n")
        gaps = [self._garbage() for _ in range(len(pieces) - 1)]
        return b"".join(piece + gap for piece, gap in zip(pieces, [*gaps, b""], strict=True))

    def _garbage(self) -> bytes:
        if self._random.random() >= self._modes.noise:
            return b"\r\n"
        junk = bytes(self._random.choice(_JUNK) for _ in range(self._random.randint(0, 8)))
        return b"\r\n" + junk + b"\r\n" * self._random.randint(1, 3)

    def due(self, now: float) -> memoryview:
        """What may go now. Tell :meth:`gone` how much of it went."""
        since, self._since = self._since, None
        if not (self._modes.baud or self._modes.trickle_us):
            return memoryview(bytes(self._out[:CHUNK]))
        if self._out and not self._burst:
            late = since is not None and now - since < SLIP
            self._begin(max(since if since is not None and late else now, self._next_at))
        if not self._out or now < self._next_at:
            return memoryview(b"")
        return memoryview(bytes(self._out[: self._burst]))

    def answering_since(self, moment: float) -> None:
        """What is sent in this turn was ready then: a machine that is late costs no time."""
        self._since = moment

    def _begin(self, moment: float) -> None:
        """The next burst sets out, and is all there when its last octet is."""
        modes = self._modes
        most = 1 if modes.trickle_us else max(int(modes.baud / 10 * BURST_SECONDS), 1)
        self._burst = min(len(self._out), most)
        pace = self._burst * 10 / modes.baud if modes.baud else 0.0
        self._next_at = moment + max(modes.trickle_us / 1e6, pace)

    def gone(self, count: int, now: float) -> None:
        """So many octets went. The next set out when these were due, not now: late wake-ups do
        not slow the line down."""
        del self._out[:count]
        self._burst = 0
        if self._out:
            self._begin(self._next_at if now - self._next_at < SLIP else now)

    def next_event(self) -> float | None:
        return self._next_at if self._out else None


_JUNK = bytes(octet for octet in range(256) if octet not in b"\r\n\x1a\x1b>")


class Pty:
    """A pseudo-terminal in raw mode, known by a symbolic link."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.master = -1
        self._slave_name = ""
        self._poll = select.poll()

    def open(self) -> int:
        """Make the terminal and the link. Returns the master's descriptor. Raises ModemError."""
        if self.link.exists() and not self.link.is_symlink():
            raise ModemError("the link's place is taken", "name a path that is free")
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self._slave_name = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self.master, False)
        self._poll = select.poll()
        self._poll.register(self.master, select.POLLHUP)
        self._make_link()
        return self.master

    def _make_link(self) -> None:
        fresh = self.link.with_name(f".{self.link.name}.{os.getpid()}")
        fresh.symlink_to(self._slave_name)
        fresh.replace(self.link)

    def close(self) -> None:
        """Unplug: whoever has the other side open reads an end of file or an error."""
        if self.master < 0:
            return
        if self.link.is_symlink() and str(self.link.readlink()) == self._slave_name:
            self.link.unlink()
        os.close(self.master)
        self.master = -1

    def listened_to(self) -> bool:
        """Whether anybody has the other side open at this moment."""
        return self.master >= 0 and not self._poll.poll(0)

    def read(self) -> bytes | None:
        """What has come; ``b""`` for nothing yet, ``None`` once the other side is closed."""
        try:
            return os.read(self.master, 65536) or None
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno == errno.EIO:
                return None
            raise

    def write(self, data: memoryview) -> int:
        try:
            return os.write(self.master, data)
        except (BlockingIOError, OSError):
            return 0
