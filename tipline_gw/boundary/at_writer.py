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
_IGNORED: Final = re.compile(rb"[^\x08!-~]")
"""What a modem skips in a command line (ITU-T V.250 §5.2.1, §5.2.2)."""

# After any maker's prefix, which tells nothing: +CPBR is ^CPBR elsewhere. Test forms are fine.
_NAMES: Final = (
    # Own numbers and those of calls, diversions and voicemail; ^DSCI and *ECAM show calls.
    rb"[A-Z]?CNUM|[A-Z]{0,2}LCC|CCFCU?|CSVM|SCNI|MBN|DSCI|ECAM",
    # Phone books and lists of calls, as ^SPBG, +CPBW, #PBR; not +CPBS and ^SPBD, which name them.
    rb"[A-Z]{0,2}PB[A-CE-RT-Z][A-Z]*|SPBS",
    # The SIM itself, its files and its toolkit's texts; frames instead of lines.
    rb"CRSM|CRLA|CSIM|CGLA|S?STGI|QSTKGI|CMUX",
    # Messages written or sent from the modem's storage.
    rb"CMGW|CMSS|CMGC",
    # Messages read past +CMGR and +CMGL, which alone are rewritten: ^SMGR, +QCMGR, +MMGL, +CMGRO.
    rb"(?<=[^+])CMG[RL]|(?!CMG[RL](?![A-Z]))[A-Z]{0,3}MG[RL][A-Z]*",
)
_FORMS: Final = (
    # Text mode, where a message's number stands in clear, and all of its header.
    rb"\+(?:CMGF|CSDH)=0*[1-9]",
    # Numbers shown with calls and services (27.007 §7.8 to §7.17, §7.30).
    rb"\+(?:COLP|CDIP|CNAP|CCWA)=0*[1-9]|\+CSSN=\d*,0*[1-9]",
    # Status reports sent on directly.
    rb"\+CNMI=(?:\d*,){3}0*1(?!\d)",
    # A message or a PIN that does not begin its line, and so was not seen.
    rb"\+(?:CMGS|CPIN)=(?!\?)",
    # The last command again, as V.250 §5.2.4 has it: it may have been the PIN.
    rb"^A/",
    # Characters that end and edit lines: with others the boundary would read other commands.
    rb"(?:^AT|;)[^-+^%$*#!;]*S0*[345]=|\x08",
)
_REVEALING: Final = re.compile(
    rb"[-+^%%$*#!_](?:%s)(?![A-Z])(?!=\?)|%s" % (b"|".join(_NAMES), b"|".join(_FORMS)),
    re.IGNORECASE,
)


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
        if _REVEALING.search(_IGNORED.sub(b"", data)):
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
