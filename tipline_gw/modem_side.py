"""The process that has the modems: devices, addresses in RAM, and neither store nor keys.

    python -m tipline_gw.modem_side --config FILE --link DESCRIPTOR

The core starts it and speaks to it over the socket it inherits (:mod:`tipline_gw.domain.bank`).
When the core is gone, so is this process: what it had not been told is on disk still lies on the
modems. It refuses to run by itself.
"""

from __future__ import annotations

import argparse
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import structlog

from tipline_gw import settings
from tipline_gw.domain.bank import Answer, Refused, Settled, Stop, Taken, ToModems
from tipline_gw.errors import LinkError, TiplineError
from tipline_gw.hardening import harden_process
from tipline_gw.link import FROM_CORE, Link
from tipline_gw.modems.bank import Bank
from tipline_gw.modems.control import ControlServer
from tipline_gw.settings.paths import control_socket
from tipline_gw.telemetry import log

ABANDON_SECONDS = 3.0
FINISH_SECONDS = 30.0
"""Longer than a core waits that is still there."""
SWITCH_SECONDS = 0.0005
"""A modem that answered must not wait 5 ms, Python's own interval, for another one's thread."""

_log = structlog.get_logger()


class ModemSide:
    """From the core's first word to its last."""

    def __init__(self, config: Path, link: Link) -> None:
        self._config = config
        self._settings = settings.load(config)
        self._link = link
        self._words: queue.SimpleQueue[Settled | Stop | None] = queue.SimpleQueue()
        self._bank: Bank | None = None

    def run(self) -> None:
        """Until the core says stop, or is gone."""
        reader = threading.Thread(target=self._listen, name="link", daemon=True)
        reader.start()
        first = self._words.get()
        if not isinstance(first, Settled):
            return
        bank = self._bank = Bank(self._settings.modem, self._settings.sms, first, self._send)
        control = ControlServer(control_socket(self._config), bank)
        bank.start()
        threading.Thread(target=control.start, name="control-start", daemon=True).start()
        _log.info("modem-side-ready", count=len(self._settings.modem))
        stopped = isinstance(self._words.get(), Stop)
        if not stopped:
            _log.warning("core-is-gone")
        _end_within(FINISH_SECONDS if stopped else ABANDON_SECONDS)
        control.close()
        if stopped:
            bank.finish()
        else:
            bank.abandon()

    def _listen(self) -> None:
        try:
            self._link.serve(self._heed)
        except LinkError as error:
            _log.error("link-broken", error=type(error).__name__)
        finally:
            self._words.put(None)

    def _heed(self, message: ToModems) -> None:
        if isinstance(message, Taken | Refused | Answer):
            if self._bank is not None:
                self._bank.heed(message)
        else:
            self._words.put(message)

    def _send(self, message: object) -> None:
        """A core that is gone is seen by who listens; whoever sends goes on until told."""
        try:
            self._link.send(message)  # type: ignore[arg-type]
        except LinkError:
            self._words.put(None)


def _end_within(seconds: float) -> None:
    """The next modem side needs the ports: whatever still hangs on a modem is cut off. Nothing is
    lost by it, no more than when this process is killed."""
    timer = threading.Timer(seconds, lambda: os._exit(1))
    timer.daemon = True
    timer.start()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tipline_gw.modem_side")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--link", type=int, required=True)
    parser.add_argument("--log-level", default="info")
    options = parser.parse_args(arguments)
    log.configure(options.log_level)
    sys.setswitchinterval(SWITCH_SECONDS)
    # A terminal's Ctrl-C or end and systemd's SIGTERM reach both: the core says when it is time.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    link = Link(socket.socket(fileno=options.link), FROM_CORE)
    try:
        harden_process()
        ModemSide(options.config, link).run()
    except TiplineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        link.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
