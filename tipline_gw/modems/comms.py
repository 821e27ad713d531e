"""The lowest layer of python-gsmmodem-new, on the boundary's port, with its faults fenced off.

Beside ``fence`` the only importer of ``gsmmodem``. The library reads octet by octet, takes any
line that begins with ``OK`` for the end of an answer, sets a notice aside by asking whether more is
on its way, and logs it all. Here whole lines and whole USSD answers come from the
port, and those answers, all that comes unasked, are set aside wherever they stand.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from gsmmodem.exceptions import TimeoutException
from gsmmodem.serial_comms import SerialComms
from serial import SerialException

from tipline_gw.boundary.serial_line import BoundaryPort

PROMPT = "> "
_FINAL = re.compile(r"(?:OK|ERROR|COMMAND NOT SUPPORT|\+CM[ES] ERROR: \d+)$")
_USSD = "+CUSD:"
_MAX_USSD_ANSWERS = 8

deaf = logging.Logger("gsmmodem-silenced", level=logging.CRITICAL + 1)
deaf.disabled = True


class _Awaited:
    """The answer to one command, until its final result or the prompt."""

    __slots__ = ("lines", "prompt", "ussd", "whole")

    def __init__(self, *, prompt: bool, ussd: bool) -> None:
        self.lines: list[str] = []
        self.prompt = prompt
        self.ussd = ussd
        self.whole = False


class BoundaryComms(SerialComms):  # type: ignore[misc]
    """The library's lowest layer. One command at a time is in flight, and whoever sent it reads
    its answer: to hand every line from one thread to another costs more than the rest. A thread of
    its own reads while nothing is asked. With ``keeps_reading`` it does so only from :meth:`idle`
    on, for a caller that asks one thing after the other.
    """

    log = deaf
    open_port: Callable[[], BoundaryPort]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.serial: BoundaryPort | None = None
        self.rxThread: threading.Thread | None = None
        self._awaited: _Awaited | None = None
        self._reading = threading.Lock()
        self._nobody_asks = threading.Event()
        self._nobody_asks.set()
        self.keeps_reading = False
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
        # The read and test forms answer under the name that USSD answers have.
        awaited = _Awaited(prompt=prompt, ussd="+CUSD" in data and "?" in data)
        with self._txLock:
            self._nobody_asks.clear()
            try:
                with self._right_to_read(port):
                    self._ask_and_read(port, data, awaited, time.monotonic() + timeout)
            finally:
                if not self.keeps_reading:
                    self.idle()
        return awaited.lines

    @contextlib.contextmanager
    def _right_to_read(self, port: BoundaryPort) -> Iterator[None]:
        if not self._reading.acquire(blocking=False):
            port.wake()  # the other thread gives way
            self._reading.acquire()
        try:
            yield
        finally:
            self._reading.release()

    def _ask_and_read(self, port: BoundaryPort, data: str, awaited: _Awaited, until: float) -> None:
        self._awaited = awaited
        try:
            port.write(data.encode("ascii"))
            work, self.meanwhile = self.meanwhile, None
            if work is not None:
                work()
            while not awaited.whole:
                self._read_some(port)
                if not awaited.whole and time.monotonic() >= until:
                    raise TimeoutException
        except SerialException as error:
            self._gone(port, error)
            raise
        finally:
            self._awaited = None

    def idle(self) -> None:
        """Nothing is asked for a while: the other thread reads what comes unasked."""
        self._nobody_asks.set()

    def stop_reading(self) -> None:
        """Close the port, whatever state it is in, and wait for the reading thread."""
        self.alive = False
        if self.serial is not None:
            with contextlib.suppress(OSError, SerialException):
                self.serial.close()
        self.idle()
        thread = self.rxThread
        if thread is not None and thread is not threading.current_thread():
            thread.join(5)

    # -- the reading thread -----------------------------------------------------------------------

    def _readLoop(self) -> None:  # noqa: N802 - the library's name
        port = self.serial
        assert port is not None
        try:
            while self.alive:
                self._nobody_asks.wait()
                with self._reading:
                    self._read_some(port)
        except SerialException as error:
            if self.alive:
                self._gone(port, error)

    def _read_some(self, port: BoundaryPort) -> None:
        for line in port.lines():
            self._handleLineRead(line)

    def _gone(self, port: BoundaryPort, error: SerialException) -> None:
        self.alive = False
        with contextlib.suppress(OSError, SerialException):
            port.close()
        self.idle()
        self.fatalErrorCallback(error)

    def _handleLineRead(self, line: str, checkForResponseTerm: bool = True) -> None:  # noqa: N802, N803
        awaited = self._awaited
        if line.startswith(_USSD) and not (awaited and awaited.ussd):
            with contextlib.suppress(queue.Full):
                self.ussd_answers.put_nowait(line)
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
        awaited.whole = True
