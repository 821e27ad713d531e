"""When a modem that fails again and again is reset, and how it is told to without a driver.

Why it exists: what fails may be anything, a modem that cannot be identified any more too, so a
reset needs no more than a port and a modem that answers to AT. It refuses to count what a reset
does not mend, as a SIM that wants its PIN, and to forget failures because one session went well
for a while: a modem that fails every few minutes is as sick as one that does not start.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from serial import SerialException

from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.errors import ModemSilentError, TiplineError
from tipline_gw.modems import identify
from tipline_gw.modems.profiles import Profile

STUBBORN = 3
"""Failures in a row after which a modem is reset: its software, and its hardware if that did not
help; again after as many more."""
CLEAN_SECONDS = 600.0
"""A session as long as this, and what failed before it is forgotten."""
RESET_SECONDS = 3.0


class Failures:
    """Of one modem, in a row. Used by its thread."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._ready_at: float | None = None
        self._count = 0
        self._reset = False

    @property
    def session(self) -> bool:
        """One has begun, and not failed yet."""
        return self._ready_at is not None

    def ready(self) -> None:
        """A session has begun."""
        self._ready_at = self._now()

    def add(self) -> None:
        """It failed, or did not even begin."""
        began, self._ready_at = self._ready_at, None
        if began is not None and self._now() - began >= CLEAN_SECONDS:
            self._count, self._reset = 0, False
        self._count += 1

    def was_reset(self) -> None:
        """Whether that helps is to be seen."""
        self._ready_at, self._count, self._reset = None, 0, True

    @property
    def due(self) -> bool:
        """Whether it is to be reset now."""
        return self._count >= STUBBORN

    @property
    def hard(self) -> bool:
        """It was reset before, and that did not help."""
        return self._reset


class BarePort:
    """A modem of which nothing is expected but that it answers to AT (watch.Resettable)."""

    def __init__(self, open_port: Callable[[], BoundaryPort], profile: Profile) -> None:
        self._open_port = open_port
        self._reset = profile.reset
        self._pause = profile.serial.pause_ms / 1000

    def soft_reset(self) -> bool:
        return self._told(self._reset.soft)

    def power_cycle(self) -> bool:
        return self._told(self._reset.power)

    def _told(self, command: str | None) -> bool:
        """False: there is no such command, no port, or nobody who listens."""
        if command is None:
            return False
        try:
            with contextlib.closing(self._open_port()) as port:
                identify.wake(port, self._pause)
                with contextlib.suppress(ModemSilentError, SerialException):
                    # It may go before it answers.
                    identify.ask(port, command, RESET_SECONDS, self._pause)
        except (TiplineError, SerialException, OSError):
            return False
        return True
