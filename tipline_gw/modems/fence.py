"""python-gsmmodem-new with its faults fenced off: what it is let do, and what is kept from it.

Beside ``comms`` the only importer of ``gsmmodem``. The library initialises the modem and no more:
its decoder loses characters and its notices lose messages.

What is fenced off, and how: its logs carry lines (its loggers are replaced by a deaf one); "SIM
busy" recurses without end (bounded); its exceptions carry commands (translated); it asks for
delivery reports where +CNMI is refused, chooses storages of its own and asks its way through ways
to place voice calls (answered here, and never sent).
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator

from gsmmodem.exceptions import CommandError, GsmModemException, TimeoutException
from gsmmodem.modem import CTRLZ, TERMINATOR, GsmModem
from serial import SerialException

from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.errors import ModemError, ModemSilentError
from tipline_gw.modems import answers
from tipline_gw.modems.comms import PROMPT, BoundaryComms, deaf

__all__ = ["CTRLZ", "PROMPT", "CommandError", "Library"]

_LOOK = "look at its AT manual, and whether it hangs"
_PIN_PLACEHOLDER = "@PIN"
_UNWANTED = {
    # Storages and notices are chosen by the profile; its second try asks for status reports.
    "AT+CPMS=?": ["+CPMS: ()", "OK"],
    "AT+CPMS=": ["OK"],
    "AT+CNMI=": ["OK"],
    "AT+CRC=": ["OK"],
}
"""What the library asks at the start, and the answers that it gets instead of the modem's."""
_DISPENSABLE = ("AT+CMEE=", "AT+CSMP=", "AT+CLIP=", "AT+CSCA?", "AT+CFUN=")
"""Commands of the library that a modem may lack and still be sound."""
_NAME = re.compile(r"AT[+^%$*]?[A-Z]{0,10}")
_BUSY = ("+CME ERROR: 14", "+CMS ERROR: 314", "+CMS ERROR: 515")
_BUSY_TRIES = 20
_BUSY_PAUSE = 0.2
_ERRORS = ("ERROR", "COMMAND NOT SUPPORT", "+CME ERROR", "+CMS ERROR")
_SIM_SECONDS = 10.0
"""How long a SIM may take to be ready after its PIN."""


class Library(GsmModem, BoundaryComms):  # type: ignore[misc]
    """Connect, and write a command. ``pin_sent``: the SIM was given its PIN;
    ``pin_accepted``: and is ready since; ``pin_refused``: in vain. ``before_pin``: whether it may
    be given now; ``after_pin``: told at once that it was right. Every failure is to be
    :meth:`translated`."""

    log = deaf

    def __init__(
        self,
        open_port: Callable[[], BoundaryPort],
        pause_seconds: float,
        on_gone: Callable[[], None],
    ) -> None:
        super().__init__("boundary", requestDelivery=False)
        self.fatalErrorCallback = lambda _error: on_gone()
        self.open_port = open_port
        self.pin_sent = False
        self.pin_accepted = False
        self.pin_refused = False
        self.has_pin = False
        self.before_pin: Callable[[], bool] = lambda: True
        self.after_pin: Callable[[], None] = lambda: None
        self._pause = pause_seconds
        self._starting = False
        self._doing = "AT"

    def initialise(self) -> None:
        """Open the port, unlock the SIM, PDU mode, no caller shown. Raises ModemError."""
        with self.translated("not ready"):
            self._starting = True
            try:
                self.connect()
            except (ValueError, IndexError, TypeError, AttributeError):
                # The library takes it for granted that answers are as it expects them.
                raise ModemError(
                    f"not ready: no sense in the answer to {self._name}", _LOOK
                ) from None
            finally:
                self._starting = False

    def write(
        self,
        data: str,
        waitForResponse: bool = True,  # noqa: N803 - the library's names
        timeout: float = 10,
        parseError: bool = True,  # noqa: N803
        writeTerm: str = TERMINATOR,  # noqa: N803
        expectedResponseTermSeq: str | None = None,  # noqa: N803
    ) -> list[str]:
        """As the library's, but "SIM busy" is waited out a bounded number of times, a modem that
        lacks a command nothing depends on is no broken one, and the last line is always there."""
        del waitForResponse
        self._doing = data
        if self._starting and (answer := _canned(data)):
            return answer
        prompt = expectedResponseTermSeq is not None
        tries = _BUSY_TRIES if parseError else 1
        lines = self._answered(data + writeTerm, timeout, tries, prompt=prompt)
        if parseError and lines[-1].startswith(_ERRORS) and not data.startswith(_DISPENSABLE):
            raise CommandError
        return lines

    def ask(self, command: str, timeout: float = 10) -> list[str]:
        return self.write(command, timeout=timeout, parseError=False)

    def ask_patiently(self, command: str, timeout: float) -> list[str]:
        """As :meth:`ask`, but "SIM busy" is waited out."""
        self._doing = command
        return self._answered(command + TERMINATOR, timeout, _BUSY_TRIES)

    def _answered(
        self, data: str, timeout: float, tries: int, *, prompt: bool = False
    ) -> list[str]:
        """What is said to ``data`` at the first of so many tries at which it is not busy, else at
        the last."""
        for attempt in range(tries):
            lines = self.exchange(data, timeout, prompt=prompt)
            if self._pause:
                time.sleep(self._pause)
            if lines[-1] not in _BUSY:
                break
            if attempt + 1 < tries:
                time.sleep(min(_BUSY_PAUSE * (attempt + 1), 1.0))
        return lines

    @property
    def supportedCommands(self) -> list[str]:  # noqa: N802 - the library's name
        """None that the library would ask for: it looks for ways to place voice calls, and gives
        up on a modem that answers ERROR to a bare AT."""
        return []

    @property
    def manufacturer(self) -> str:
        """For the library alone, which asks no more about voice calls after this answer."""
        return "huawei"

    def _unlockSim(self, _pin: object) -> None:  # noqa: N802 - the library's name
        """One try with the PIN; its digits are put in by the port and never stand here."""
        state = self._sim_state()
        if state == "ready":
            return
        if state == "puk":
            raise ModemError("its SIM is blocked", "unblock it with its PUK in a telephone")
        if state != "pin":
            raise ModemError("its SIM is missing", "put one in, or see modems probe")
        if not (self.has_pin and self.before_pin()):
            raise ModemError("its SIM wants a PIN", "name a pin_file in its [[modem]] table")
        self._give_pin()

    def _give_pin(self) -> None:
        self.pin_sent = True
        result = self.ask_patiently(f'AT+CPIN="{_PIN_PLACEHOLDER}"', 15)[-1]
        if result in _BUSY:
            self.pin_sent = False  # it has not looked at it (27.007 §9.2.1)
            raise ModemError("its SIM is busy all the time", "see modems probe")
        if result.startswith(_ERRORS):
            self.pin_refused = True
            raise ModemError(
                "its SIM refused the PIN", "correct its pin_file and restart: it is tried once"
            )
        until = time.monotonic() + _SIM_SECONDS
        while time.monotonic() < until:
            if self._sim_state() == "ready":
                self.pin_accepted = True
                self.after_pin()
                return
            time.sleep(_BUSY_PAUSE)

    def _sim_state(self) -> str:
        """A SIM may be busy for a while after power-on."""
        for _ in range(_BUSY_TRIES):
            lines = self.ask("AT+CPIN?", 15)
            if lines[-1] not in _BUSY:
                return answers.sim(lines)
            time.sleep(_BUSY_PAUSE)
        return "unknown"

    def _handleModemNotification(self, _lines: list[str]) -> None:  # noqa: N802
        """Notices come from the port; a line that strays in here is of no use to anyone."""

    @contextlib.contextmanager
    def translated(self, what: str) -> Iterator[None]:
        """The library's exceptions carry commands and lines: only their nature goes on, and the
        name of the command, which is nobody's."""
        try:
            yield
        except TimeoutException:
            raise ModemSilentError(f"{what}: no answer to {self._name} in time", _LOOK) from None
        except GsmModemException:
            raise ModemError(f"{what}: an error is the answer to {self._name}", _LOOK) from None
        except (SerialException, OSError):
            raise ModemError("its port is gone", "see whether it is plugged in") from None

    @property
    def _name(self) -> str:
        """Of the command in hand; a message body has none."""
        match = _NAME.match(self._doing)
        return match[0] if match else "AT+CMGS"


def _canned(data: str) -> list[str] | None:
    for unwanted, answer in _UNWANTED.items():
        if data.startswith(unwanted):
            return answer
    return None
