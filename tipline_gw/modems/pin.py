"""The SIM's PIN: its file, and that a wrong one is tried once and not again.

Three wrong tries block a SIM. So just before the PIN is sent the core writes down which file it is
(its time and size, not what is in it), and forgets it as soon as the SIM took it: neither a crash
nor a restart makes a second try of a PIN that may have been wrong, and a power cut at any other
moment keeps no modem away. A corrected file is another file.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

from tipline_gw.domain.bank import Place
from tipline_gw.domain.sms import Slot
from tipline_gw.errors import ConfigError

SHORTEST_PIN, LONGEST_PIN = 4, 8
PIN = Slot("pin", 0)


class Pin:
    """One modem's PIN file. ``tried``: the file that was tried, if the core remembers one.

    ``note``: have the core remember a place, and say whether it does; ``forget``: it need not.
    """

    def __init__(
        self,
        path: Path | None,
        tried: Place | None,
        note: Callable[[Place], bool],
        forget: Callable[[Place], None],
    ) -> None:
        self._path = path
        self._tried = tried
        self._note = note
        self._forget = forget
        self._wanted: Place | None = None
        self._trying: Place | None = None

    def may_be_sent(self) -> bool:
        """Before the modem is started. Raises ConfigError: the file is not there."""
        place = _place(self._path) if self._path is not None else None
        self._wanted = place if place != self._tried else None
        return self._wanted is not None

    def noted(self) -> bool:
        """Whether it may be sent now: that it is tried is written down."""
        if self._wanted is not None and self._note(self._wanted):
            self._trying = self._wanted
        return self._trying is not None

    def was_right(self) -> None:
        """The SIM took it, whatever the modem does after that."""
        self.ended(sent=True, accepted=True)

    def refused_before(self) -> bool:
        return self._tried is not None and self._trying is None

    def ended(self, *, sent: bool, accepted: bool) -> None:
        """After the modem was started, or was not: a PIN that was sent in vain stays noted."""
        if accepted and self._tried is not None:
            self._forget(self._tried)
            self._tried = None
        if self._trying is None:
            return
        if sent and not accepted:
            self._tried = self._trying
        else:
            self._forget(self._trying)
        self._trying = None


def _place(pin_file: Path) -> Place:
    try:
        state = pin_file.stat()
    except OSError as error:
        raise ConfigError(f"{pin_file}: the PIN file cannot be read ({error.strerror})") from None
    said = f"{state.st_mtime_ns} {state.st_size}".encode()
    return Place(PIN, hashlib.blake2s(said, digest_size=8).digest())


def read_pin(path: Path) -> bytearray:
    """The SIM's PIN. Refuses a file that others can read, or that holds anything else."""
    try:
        mode = path.stat().st_mode
        pin = bytearray(path.read_bytes().strip())
    except OSError as error:
        raise ConfigError(f"{path}: the PIN file cannot be read ({error.strerror})") from None
    if mode & 0o77:
        raise ConfigError(f"{path}: others can read the PIN file", f"chmod 600 {path}")
    with contextlib.suppress(ValueError):
        if SHORTEST_PIN <= len(pin) <= LONGEST_PIN and pin.isdigit():
            return pin
    raise ConfigError(f"{path}: a PIN has {SHORTEST_PIN} to {LONGEST_PIN} digits")
