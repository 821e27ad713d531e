"""One modem as python-gsmmodem-new drives it, with that library's faults fenced off.

The only importer of ``gsmmodem``. The library initialises the modem, carries commands and
encodes what is sent; what it would read is read here, because its decoder loses characters and
its notices lose messages. It never meets a number: it speaks through the boundary's port.

What is fenced off, and how: its logs carry lines (its loggers are replaced by a deaf one); its
notices are swallowed (the port gives them to us instead); "SIM busy" recurses without end
(bounded); its exceptions carry commands (translated); it asks for CLIP and delivery reports (the
port and the arguments below refuse); its receive thread may die unseen (``alive`` looks at it).
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import re
import threading
from collections.abc import Callable, Iterator

from gsmmodem.exceptions import CommandError, GsmModemException, TimeoutException
from gsmmodem.modem import CTRLZ, GsmModem
from gsmmodem.pdu import encodeSmsSubmitPdu
from gsmmodem.serial_comms import SerialComms
from serial import SerialException

from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.domain.sms import Part, ReplyToken, Slot, Undecodable
from tipline_gw.errors import ModemError, ModemSilentError
from tipline_gw.modems.profiles import Profile

_LISTED = re.compile(r"^\+CMGL:\s*(\d+)\s*,")
_LOOK = "look at its AT manual, and whether it hangs"
_PIN_PLACEHOLDER = "@PIN"
_DISPENSABLE = ("AT+CMEE=", "AT+CSMP=", "AT+CRC=", "AT+CSCA?")
_NAME = re.compile(r"AT[+^%$*]?[A-Z]{0,10}")
_BUSY_RETRIES = 20
_LIST_TIMEOUT = 60
_SEND_TIMEOUT = 60

_deaf = logging.Logger("gsmmodem-silenced", level=logging.CRITICAL + 1)
_deaf.disabled = True


class _BoundaryComms(SerialComms):  # type: ignore[misc]
    """The library's lowest layer, on the boundary's port instead of a serial port of its own."""

    log = _deaf
    open_port: Callable[[], BoundaryPort]

    def connect(self) -> None:
        self.serial = self.open_port()
        self.alive = True
        self.rxThread = threading.Thread(target=self._readLoop, name="modem-read", daemon=True)
        self.rxThread.start()


class Driver(GsmModem, _BoundaryComms):  # type: ignore[misc]
    """Initialise, list, read, delete, send. Every failure is a ModemError without a payload."""

    log = _deaf

    def __init__(
        self,
        open_port: Callable[[], BoundaryPort],
        profile: Profile,
        on_gone: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__("boundary", requestDelivery=False, AT_CNMI=profile.sms.cnmi)
        self.fatalErrorCallback = lambda _error: self._gone(on_gone)
        self.open_port = open_port
        self._writeWait = profile.serial.pause_ms / 1000
        self._profile = profile
        self.pin_refused = False
        self._has_pin = False
        self._storage: str | None = None
        self._whole_command = threading.RLock()
        self._busy = 0
        self._doing = "AT"
        self._reference = 0

    # What the rest of the room calls.

    def start(self, *, has_pin: bool) -> None:
        """Open the port, unlock and initialise. Raises ModemError."""
        self._has_pin = has_pin
        with self._translated("not ready"):
            self.connect()
            for init in self._profile.init:
                self.write(init.command, parseError=False)
            self.choose(self._profile.sms.storages[0])

    def stop(self) -> None:
        """Close the port, whatever state it is in."""
        self.alive = False
        thread = getattr(self, "rxThread", None)
        port: BoundaryPort | None = getattr(self, "serial", None)
        if port is not None:
            with contextlib.suppress(OSError, SerialException):
                port.close()
        if thread is not None and thread is not threading.current_thread():
            thread.join(5)

    @property
    def lives(self) -> bool:
        """The receive thread itself, not the library's flag."""
        return bool(self.alive) and self.rxThread.is_alive()

    def identity(self) -> tuple[str, str]:
        """Manufacturer and model, as the modem gives them; empty where it does not."""
        with self._translated("not identified"):
            return self._told("AT+CGMI"), self._told("AT+CGMM")

    def choose(self, storage: str) -> None:
        """Make ``storage`` the one that is read, deleted from, and received into."""
        if storage != self._storage:
            quoted = f'"{storage}"'
            with self._translated("storage not chosen"):
                self.write(f"AT+CPMS={quoted},{quoted},{quoted}")
            self._storage = storage

    def listed(self, storage: str) -> list[tuple[Slot, str]]:
        """All that lies in ``storage``: slot and PDU, in hex, its address a token."""
        with self._whole_command, self._translated("messages not listed"):
            self.choose(storage)
            lines = self.write("AT+CMGL=4", timeout=_LIST_TIMEOUT, parseError=False)
        return list(_pairs(storage, lines))

    def read_slot(self, slot: Slot) -> str | None:
        """The PDU in ``slot``; None if it is empty."""
        with self._whole_command, self._translated("message not read"):
            self.choose(slot.storage)
            lines = self.write(f"AT+CMGR={slot.index}", parseError=False)
        for header, pdu in itertools.pairwise(lines):
            if header.startswith("+CMGR:"):
                return str(pdu)
        return None

    def part(self, pdu: str) -> Part | Undecodable:
        """What a listed or read PDU says, with its sender's token and its fingerprint."""
        port: BoundaryPort = self.serial
        return port.part(pdu)

    def dropped(self) -> int:
        """Messages that came unasked (+CMT) instead of being stored: none may."""
        port: BoundaryPort = self.serial
        return port.counts.get("direct", 0)

    def delete_slot(self, slot: Slot) -> None:
        with self._whole_command, self._translated("message not deleted"):
            self.choose(slot.storage)
            self.write(f"AT+CMGD={slot.index}", timeout=25)

    def send_text(self, token: ReplyToken, text: str) -> None:
        """Send to whoever ``token`` stands for, in as many parts as it takes."""
        pdus = encodeSmsSubmitPdu(token, text, reference=self._reference, requestStatusReport=False)
        self._reference = (self._reference + 1) % 256
        with self._whole_command, self._translated("message not sent"):
            for pdu in pdus:
                self.write(f"AT+CMGS={pdu.tpduLength}", timeout=10, expectedResponseTermSeq="> ")
                self.write(str(pdu), timeout=_SEND_TIMEOUT, writeTerm=CTRLZ)

    def refuse_call(self) -> None:
        """Hang up a voice call, without asking who it is."""
        with self._translated("call not refused"):
            self.write("ATH", parseError=False)

    def ping(self) -> None:
        with self._translated("not ready"):
            self.write("AT", timeout=10, parseError=False)

    # What the library calls.

    def write(self, data: str, *args: object, **kwargs: object) -> list[str]:
        """As the library's, but "SIM busy" (14, 515) is retried a bounded number of times, and
        a modem that lacks a command nothing depends on is no broken modem."""
        if data.startswith(_DISPENSABLE):
            kwargs["parseError"] = False
        if name := _NAME.match(data):
            self._doing = name[0]
        self._busy += 1
        try:
            if self._busy > _BUSY_RETRIES:
                raise CommandError("busy")
            return super().write(data, *args, **kwargs) or []
        finally:
            self._busy -= 1

    @property
    def supportedCommands(self) -> list[str]:  # noqa: N802 - the library's name
        """None that the library would ask for: it looks for ways to place voice calls, and gives
        up on a modem that answers ERROR to a bare AT."""
        return []

    def _unlockSim(self, _pin: object) -> None:  # noqa: N802 - the library's name
        """One try with the PIN; its digits are put in by the port and never stand here."""
        status = [line for line in self.write("AT+CPIN?", timeout=15) if line.startswith("+CPIN:")]
        state = status[0].removeprefix("+CPIN:").strip() if status else "unknown"
        if state == "READY":
            return
        if state != "SIM PIN":
            raise ModemError("its SIM is blocked or missing", "look at it with modems probe")
        if not self._has_pin:
            raise ModemError("its SIM wants a PIN", "name a pin_file in its [[modem]] table")
        try:
            self.write(f'AT+CPIN="{_PIN_PLACEHOLDER}"', timeout=15)
        except CommandError:
            self.pin_refused = True
            raise ModemError(
                "its SIM refused the PIN", "correct its pin_file and restart: it is tried once"
            ) from None

    def _gone(self, on_gone: Callable[[], None]) -> None:
        """The device is unplugged: a command in flight need not wait out its time."""
        waiting = self._responseEvent
        if waiting is not None:
            self._response.append("ERROR")
            waiting.set()
        on_gone()

    def _handleModemNotification(self, _lines: list[str]) -> None:  # noqa: N802
        """Notices come from the port; a line that strays in here is of no use to anyone."""

    @contextlib.contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        """The library's exceptions carry commands and lines: only their nature goes on, and the
        name of the command, which is nobody's."""
        try:
            yield
        except TimeoutException:
            raise ModemSilentError(f"{what}: no answer to {self._doing} in time", _LOOK) from None
        except GsmModemException:
            raise ModemError(f"{what}: an error is the answer to {self._doing}", _LOOK) from None
        except (SerialException, OSError):
            raise ModemError("its port is gone", "see whether it is plugged in") from None
        except (ValueError, IndexError, TypeError, AttributeError):
            raise ModemError(f"{what}: no sense in the answer to {self._doing}", _LOOK) from None

    def _told(self, command: str) -> str:
        lines = [line.strip() for line in self.write(command, parseError=False)]
        return lines[0] if len(lines) > 1 else ""


def _pairs(storage: str, lines: list[str]) -> Iterator[tuple[Slot, str]]:
    for header, pdu in itertools.pairwise(lines):
        if match := _LISTED.match(header):
            yield Slot(storage, int(match[1])), pdu
