"""The core's hand on the modem side: starts that process, speaks to it, starts it again.

Either may die. What the modem side had offered and the core committed is told to its successor
(``Settled``), so that it is neither lost nor taken twice. It refuses to go on with a process that
says what it should not, or nothing at all.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import structlog

from tipline_gw.domain.bank import (
    Answer,
    Cleared,
    Note,
    Offer,
    Pulse,
    Refused,
    Said,
    Settled,
    Stop,
    Taken,
    Tally,
    ToCore,
    ToModems,
)
from tipline_gw.errors import LinkError, StoreError
from tipline_gw.link import FROM_MODEMS, Link
from tipline_gw.modems import profiles
from tipline_gw.modems.pin import read_pin
from tipline_gw.settings.schema import Modem

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0
SILENCE = 60.0
"""Seconds without a sign of life after which the process is taken for dead."""
STOP_SECONDS = 20.0

_log = structlog.get_logger()


class Intake(Protocol):
    """What the core does with the modem side's messages."""

    def begin(self) -> Settled: ...
    def take(self, offer: Offer, say: Callable[[Taken | Refused | Answer], None]) -> None: ...
    def note(self, note: Note, say: Callable[[Taken | Refused], None]) -> None: ...
    def cleared(self, cleared: Cleared) -> None: ...
    def said(self, said: Said) -> None: ...


class ModemHost:
    """``tally``: called with each. Nothing is started where there are no modems.

    Raises ConfigError: a profile or a PIN file cannot be used.
    """

    def __init__(
        self,
        config: Path,
        log_level: str,
        modems: Sequence[Modem],
        intake: Intake,
        tally: Callable[[Tally], None],
    ) -> None:
        # Safe path: no module is taken from the directory that the daemon was started in.
        self._command = [sys.executable, "-P", "-m", "tipline_gw.modem_side"]
        self._command += ["--config", str(config), "--log-level", log_level, "--link"]
        for modem in modems:
            _look_over(modem)
        self._modems = tuple(modem.name for modem in modems)
        self._intake = intake
        self._tally = tally
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._link: Link | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._heard = 0.0
        self._pulse = Pulse((), self._modems)
        self._thread = threading.Thread(target=self._keep_up, name="modem-host")

    def start(self) -> None:
        if self._modems:
            self._thread.start()

    def close(self) -> None:
        """The modem side finishes what it offered, and ends."""
        self._stop.set()
        with self._guard:
            if self._link is not None:
                self._say(self._link, Stop())
        if self._thread.ident is None:
            return
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            self._kill()
            self._thread.join()

    def faults(self) -> list[str]:
        """What a restart would mend."""
        if self._modems and not self._thread.is_alive():
            return ["nobody looks after the modems"]
        return [f"modem {name}: its thread is dead" for name in self._pulse.dead]

    def away(self) -> tuple[str, ...]:
        """Modems that take no messages now."""
        return self._pulse.away

    def keep_house(self) -> None:
        """Called now and then: a process that says nothing is ended, and begun anew."""
        if self._process is not None and time.monotonic() - self._heard > SILENCE:
            _log.error("modem-side-silent")
            self._kill()

    # The life of the process.

    def _keep_up(self) -> None:
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                self._session()
            except (OSError, StoreError) as error:
                _log.error("modem-side-not-started", error=type(error).__name__)
            except Exception as error:
                # A fault of ours in what one message set off: nobody else would begin it anew.
                _log.error("modem-side-failed", exc_info=error)
            self._all_away()
            if self._stop.is_set():
                return
            if time.monotonic() - started > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            _log.warning("modem-side-ended", seconds=round(pause, 1))
            self._stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _all_away(self) -> None:
        self._pulse = Pulse((), self._modems)
        for name in self._modems:
            self._count(Tally(name, "up", 0))

    def _count(self, tally: Tally) -> None:
        """What cannot be counted stops nothing."""
        try:
            self._tally(tally)
        except Exception as error:
            _log.error("not-counted", exc_info=error)

    def _session(self) -> None:
        settled = self._intake.begin()
        ours, theirs = socket.socketpair()
        link = Link(ours, FROM_MODEMS)
        try:
            with theirs:
                self._spawn(theirs)
            with self._guard:
                self._link = link
            self._say(link, settled)
            if self._stop.is_set():
                self._say(link, Stop())
            link.serve(lambda message: self._heed(link, message))
        except LinkError as error:
            _log.error("link-broken", error=type(error).__name__)
        finally:
            with self._guard:
                self._link = None
            link.close()
            self._reap()
            link.release()

    def _spawn(self, theirs: socket.socket) -> None:
        self._heard = time.monotonic()
        self._process = subprocess.Popen(
            [*self._command, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )

    def _reap(self) -> None:
        process = self._process
        if process is None:
            return
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._process = None

    def _kill(self) -> None:
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    # What it says.

    def _heed(self, link: Link, message: ToCore) -> None:
        self._heard = time.monotonic()
        if isinstance(message, Offer):
            self._intake.take(message, lambda word: self._say(link, word))
        elif isinstance(message, Cleared):
            self._intake.cleared(message)
        elif isinstance(message, Said):
            self._intake.said(message)
        elif isinstance(message, Tally):
            self._count(message)
        elif isinstance(message, Note):
            self._intake.note(message, lambda word: self._say(link, word))
        else:
            self._pulse = message

    @staticmethod
    def _say(link: Link, message: ToModems) -> None:
        """To a process that is gone nothing need be said: its successor is told what counts."""
        with contextlib.suppress(LinkError):
            link.send(message)


def _look_over(modem: Modem) -> None:
    """What the modem side would stumble over again and again refuses start."""
    if modem.profile != profiles.AUTO:
        profiles.load(modem.profile)
    if modem.pin_file:
        read_pin(modem.pin_file)
