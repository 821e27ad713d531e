"""The lowest layer of python-gsmmodem-new, on the boundary's port, with its faults fenced off.

Beside ``library`` the only importer of ``gsmmodem``. The library reads octet by octet, takes any
line that begins with ``OK`` for the end of an answer, sets a notice aside by asking whether more is
on its way, and logs it all. Here whole lines come from the port, and USSD answers, the only lines
that come unasked, are set aside wherever they stand.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import re
import threading
from collections.abc import Callable
from typing import Any

from gsmmodem.exceptions import TimeoutException
from gsmmodem.serial_comms import SerialComms
from serial import SerialException

from tipline_gw.boundary.serial_line import BoundaryPort

PROMPT = "> "
_FINAL = re.compile(r"(?:OK|ERROR|COMMAND NOT SUPPORT|\+CM[ES] ERROR: \d+)$")
_USSD = "+CUSD:"
_MAX_USSD_LINES = 32
_MAX_USSD_ANSWERS = 8

deaf = logging.Logger("gsmmodem-silenced", level=logging.CRITICAL + 1)
deaf.disabled = True


class _Awaited:
    """The answer to one command, until its final result or the prompt."""

    __slots__ = ("came", "lines", "prompt", "ussd", "whole")

    def __init__(self, *, prompt: bool, ussd: bool) -> None:
        self.lines: list[str] = []
        self.prompt = prompt
        self.ussd = ussd
        self.whole = False
        # A lock is the cheapest way to wait for another thread.
        self.came = threading.Lock()
        self.came.acquire()

    def end(self, *, whole: bool) -> None:
        self.whole = whole
        self.came.release()


class BoundaryComms(SerialComms):  # type: ignore[misc]
    """The library's lowest layer. One thread reads; one command at a time is in flight."""

    log = deaf
    open_port: Callable[[], BoundaryPort]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.serial: BoundaryPort | None = None
        self.rxThread: threading.Thread | None = None
        self._awaited: _Awaited | None = None
        self._ussd_lines: list[str] = []
        self.ussd_answers: queue.Queue[str] = queue.Queue(_MAX_USSD_ANSWERS)
        self.meanwhile: Callable[[], None] | None = None

    def connect(self) -> None:
        self.serial = self.open_port()
        self.alive = True
        self.rxThread = threading.Thread(target=self._readLoop, name="modem-read", daemon=True)
        self.rxThread.start()

    def exchange(self, data: str, timeout: float, *, prompt: bool = False) -> list[str]:
        """Write ``data`` and wait for all lines of the answer, or with ``prompt`` for that.

        What is to be done ``meanwhile`` is done while the modem works; it may not speak to it.

        Raises TimeoutException, and SerialException when the device goes or is gone.
        """
        port = self.serial
        if port is None:
            raise SerialException("not open")
        with self._txLock:
            # The read and test forms answer under the name that USSD answers have.
            awaited = _Awaited(prompt=prompt, ussd="+CUSD" in data and "?" in data)
            self._awaited = awaited
            port.write(data.encode("ascii"))
            work, self.meanwhile = self.meanwhile, None
            if work is not None:
                work()
            if not awaited.came.acquire(timeout=timeout):
                self._awaited = None
                raise TimeoutException
        if not awaited.whole:
            raise SerialException("gone")
        return awaited.lines

    def stop_reading(self) -> None:
        """Close the port, whatever state it is in, and wait for the reading thread."""
        self.alive = False
        if self.serial is not None:
            with contextlib.suppress(OSError, SerialException):
                self.serial.close()
        thread = self.rxThread
        if thread is not None and thread is not threading.current_thread():
            thread.join(5)

    # -- the reading thread -----------------------------------------------------------------------

    def _readLoop(self) -> None:  # noqa: N802 - the library's name
        port, handle = self.serial, self._handleLineRead
        assert port is not None
        try:
            while self.alive:
                for line in port.lines():
                    handle(line)
        except SerialException as error:
            self.alive = False
            with contextlib.suppress(OSError, SerialException):
                port.close()
            self.fatalErrorCallback(error)
        finally:
            self._give_up()

    def _give_up(self) -> None:
        """The device is gone: a command in flight need not wait out its time."""
        awaited, self._awaited = self._awaited, None
        if awaited is not None:
            awaited.end(whole=False)

    def _handleLineRead(self, line: str, checkForResponseTerm: bool = True) -> None:  # noqa: N802, N803
        awaited = self._awaited
        if self._ussd_lines or (line.startswith(_USSD) and not (awaited and awaited.ussd)):
            self._set_aside(line)
        elif awaited is None:
            return  # notices come from the port itself; what strays in here is of no use
        elif line == PROMPT:
            if awaited.prompt:
                self._end(awaited, line)
        elif not checkForResponseTerm or _FINAL.match(line):
            self._end(awaited, line)
        else:
            awaited.lines.append(line)

    def _end(self, awaited: _Awaited, line: str) -> None:
        awaited.lines.append(line)
        self._awaited = None
        awaited.end(whole=True)

    def _set_aside(self, line: str) -> None:
        """A USSD answer, which may have line ends of its own inside its quotes."""
        self._ussd_lines.append(line)
        quotes = sum(part.count('"') for part in self._ussd_lines)
        if quotes % 2 == 0 or len(self._ussd_lines) == _MAX_USSD_LINES:
            answer, self._ussd_lines = "\n".join(self._ussd_lines), []
            with contextlib.suppress(queue.Full):
                self.ussd_answers.put_nowait(answer)
