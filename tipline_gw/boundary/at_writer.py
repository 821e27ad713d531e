"""What the modem library says to a modem, made safe and complete: no I/O, no threads.

Why it exists: here the PIN, the service centre and the address of a reply take the place of what
stood for them; a message is announced to the modem only when it is whole, with its true length.
It refuses commands that would read or reveal numbers, text mode, and a PIN from anywhere but the
boundary: those are answered here and never sent.
"""

from __future__ import annotations

import re
from typing import Final

from tipline_gw.boundary.at_reader import BUSY, SENDING, SERVICE_CENTRE, AtReader
from tipline_gw.boundary.octets import wipe
from tipline_gw.boundary.pdu_rewriter import PduRewriter
from tipline_gw.boundary.revealing import revealing
from tipline_gw.errors import BoundaryError, PduError

PIN_PLACEHOLDER: Final = b"@PIN"

_CTRL_Z: Final = b"\x1a"
_ESCAPE: Final = b"\x1b"
_END: Final = b"\r"
_INVALID_PDU: Final = b"+CMS ERROR: 304"
_NOT_SENT: Final = b"+CMS ERROR: 500"
_WRONG_PIN: Final = b"+CME ERROR: 16"
_NO_PIN: Final = b"+CME ERROR: 11"
_REFUSED: Final = b"ERROR"

_MESSAGE: Final = re.compile(rb"AT\+CMGS\s*=(?!\?)", re.IGNORECASE)
_PIN_COMMAND: Final = b"AT+CPIN"
_PIN: Final = re.compile(rb"AT\+CPIN\s*=(?!\?)", re.IGNORECASE)
_CENTRE: Final = re.compile(rb'AT\+CSCA\s*=\s*"%s"' % SERVICE_CENTRE)
_SHOW_CALLER: Final = re.compile(rb"(\+CLIP\s*=\s*)1", re.IGNORECASE)


class AtWriter:
    """Turns what the library writes into what goes to the modem. ``pin``: wiped once used.

    It is used when the modem has answered it with anything but "busy", or with nothing before the
    next command: it never goes twice to a SIM that may have looked at it.
    """

    def __init__(
        self, rewriter: PduRewriter, reader: AtReader, pin: bytearray | None = None
    ) -> None:
        if pin is not None and not (4 <= len(pin) <= 8 and pin.isdigit()):
            wipe(pin)
            raise BoundaryError("the SIM's PIN is not four to eight digits", "correct its file")
        self._rewriter = rewriter
        self._reader = reader
        self._pin = pin
        self._pin_out = False
        self._pin_used = False
        reader.on_result = self._answered

    def write(self, data: bytes) -> bytearray:
        """What is to go to the modem now, perhaps nothing; the caller wipes it."""
        if self._pin_out:
            self._use_up_pin()
        return self._message(data) if data.endswith(_CTRL_Z) else self._command(data)

    def close(self) -> None:
        if self._pin is not None:
            wipe(self._pin)

    def _answered(self, command: bytes, result: bytes) -> None:
        """A SIM that is busy has not looked at the PIN (3GPP TS 27.007 §9.2.1)."""
        if not self._pin_out or command != _PIN_COMMAND:
            return
        self._pin_out = False
        if result not in BUSY:
            self._use_up_pin()

    def _use_up_pin(self) -> None:
        self._pin_out, self._pin_used = False, True
        self.close()

    def _command(self, data: bytes) -> bytearray:
        # A message whose prompt never came: the modem may still be waiting for it.
        lead = _ESCAPE if self._reader.abandon() else b""
        if _MESSAGE.match(data):
            self._reader.prompt()
            return bytearray(lead)
        if _PIN.match(data):
            return self._pin_command(data, lead)
        if _CENTRE.match(data):
            return self._centre_command(lead)
        if revealing(data):
            self._reader.answer(_REFUSED)
            return bytearray(lead)
        if data.strip():
            self._reader.begin(data.strip())
        return bytearray(lead + _SHOW_CALLER.sub(rb"\g<1>0", data))

    def _message(self, data: bytes) -> bytearray:
        try:
            message, length = self._rewriter.outgoing(data[: -len(_CTRL_Z)])
        except PduError:
            self._reader.answer(_INVALID_PDU)
            return bytearray()
        except BoundaryError:
            self._reader.answer(_NOT_SENT)
            return bytearray()
        lead = _ESCAPE if self._reader.abandon() else b""
        self._reader.begin(SENDING)
        self._reader.hold(message)
        return bytearray(lead + SENDING + b"=%d" % length + _END)

    def _pin_command(self, data: bytes, lead: bytes) -> bytearray:
        """The PIN is tried once: a wrong one tried three times blocks the SIM. "Busy" is no try."""
        if self._pin is None or self._pin_used or PIN_PLACEHOLDER not in data:
            self._reader.answer(_WRONG_PIN if self._pin_used else _NO_PIN)
            return bytearray(lead)
        self._reader.begin(_PIN_COMMAND)
        self._pin_out = True
        return bytearray().join((lead, b'AT+CPIN="', self._pin, b'"', _END))

    def _centre_command(self, lead: bytes) -> bytearray:
        centre = self._reader.service_centre
        if not centre:
            self._reader.answer(_REFUSED)
            return bytearray(lead)
        self._reader.begin(b"AT+CSCA")
        return bytearray().join((lead, b'AT+CSCA="', centre, b'"', _END))
