"""What a modem says, line by line, made fit for the modem library: no I/O, no threads.

Why it exists: between the wire and the library every line is classified, and only what answers
the command in flight goes on, its addresses swapped or masked. Indications become notices and
never reach the library, which would take them for part of an answer. It refuses to pass on any
line that came unasked, except USSD answers, and any octet that is not ASCII.

The order in which lines are tried matters: indications may stand between a header and its PDU.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Final

from tipline_gw.boundary import at_rules, ussd
from tipline_gw.boundary.line_buffer import LineBuffer
from tipline_gw.boundary.octets import wipe
from tipline_gw.boundary.pdu_rewriter import PduRewriter
from tipline_gw.domain.sms import Notice, Ringing, Slot, Stored

PROMPT: Final = b"> "
SENDING: Final = b"AT+CMGS"
SERVICE_CENTRE: Final = b"SMSC"
"""What the library sees, and writes back, in place of the service centre's number."""

_MAX_USSD_LINES = 32
_MAX_BUSY = 10
_CALL_PROGRESS: Final = ord("^")
_BUSY: Final = (b"+CMS ERROR: 515", b"+CME ERROR: 14")
# Name of the command, fields before the length.
_Header = tuple[bytes, int | None]


class AtReader:
    """Feed it octets; take clean ones. ``notices`` and ``due`` are emptied by the caller.

    ``due``: octets that are to go to the modem now, to be wiped when written.
    ``counts``: what was dropped and why, by fixed words.
    """

    def __init__(self, rewriter: PduRewriter) -> None:
        self._rewriter = rewriter
        self._buffer = LineBuffer()
        self._command = b""
        self._headers: list[_Header | None] = []
        self._ussd: list[bytes] = []
        self._later: list[bytes] = []
        self._held: bytearray | None = None
        self._busy = 0
        self._service_centre = bytearray()
        self._out = bytearray()
        self.due: list[bytearray] = []
        self.notices: list[Notice] = []
        self.counts: Counter[str] = Counter()

    # -- what the port and the writer call ---------------------------------------------------

    @property
    def ready(self) -> int:
        """Clean octets that wait to be taken."""
        return len(self._out)

    def take(self, size: int) -> bytes:
        """At most ``size`` clean octets."""
        taken = bytes(self._out[:size])
        del self._out[:size]
        return taken

    def answer(self, line: bytes) -> None:
        """Say ``line`` to the library in the modem's place; no command is in flight then."""
        self._command = b""
        self._emit(line)

    def prompt(self) -> None:
        """Ask the library for the message at once; the modem is asked when it has come."""
        self._command = b""
        self._out += PROMPT

    def begin(self, command: bytes) -> None:
        """``command`` goes to the modem now. PDUs of an older answer are not for the library."""
        self._command = command.upper()
        self._headers = [None] * len(self._headers)

    def hold(self, message: bytearray) -> None:
        """Keep ``message`` until the modem prompts for it; it is wiped if the modem refuses."""
        self.abandon()
        self._held = message

    def abandon(self) -> bool:
        """Wipe a message that no prompt came for; whether there was one."""
        held, self._held = self._held, None
        if held is not None:
            wipe(held)
        return held is not None

    @property
    def service_centre(self) -> bytearray:
        """The service centre as the modem last gave it, empty when it did not."""
        return self._service_centre

    def feed(self, chunk: bytes | bytearray | memoryview) -> None:
        """Raw octets from the modem. The caller wipes ``chunk``."""
        for octet in chunk:
            if self._buffer.push(octet):
                self._end_of_line()
            elif octet == PROMPT[-1] and self._buffer.ends_with_prompt():
                self._prompted()

    def close(self) -> None:
        """Wipe everything that may hold an address."""
        self.abandon()
        self._buffer.clear()
        wipe(self._service_centre)
        for outgoing in self.due:
            wipe(outgoing)

    # -- lines --------------------------------------------------------------------------------

    def _prompted(self) -> None:
        if self._held is not None:
            self.due.append(self._held)
            self._held = None
            self._buffer.clear()
        elif len(self._buffer.line) == len(PROMPT):
            self._buffer.clear()

    def _end_of_line(self) -> None:
        try:
            if self._buffer.overlong:
                self.counts["overlong"] += 1
            else:
                self._dispatch(self._buffer.line)
        finally:
            self._buffer.clear()

    def _dispatch(self, line: memoryview) -> None:
        for pattern, anywhere, handle in _ROUTES:
            match = pattern.search(line) if anywhere else pattern.match(line)
            if match is not None:
                handle(self, line, match)
                return
        if self._is_echo(line):
            return
        if self._headers and self._belongs(line):
            self._pdu(line)
        elif self._ussd and not at_rules.NAMED.match(line):
            at_rules.mask_hex(line)
            self._ussd_line(line)
        else:
            self._end_ussd()
            self._information(line)

    def _belongs(self, line: memoryview) -> bool:
        """Whether this line goes with the last header: its PDU, not noise that came before it.

        What follows a header that is dropped may be a text, and goes unless it has a name.
        """
        if at_rules.like_pdu(line):
            return True
        return self._headers[-1] is None and not at_rules.NAMED.match(line)

    def _is_echo(self, line: memoryview) -> bool:
        """A modem with its echo on repeats commands, and messages with the real address."""
        if bytes(line[:2]).upper() != b"AT":
            return False
        # Some modems list the commands they know one on a line, with AT in front.
        listing = b"+CLAC" in self._command
        return not listing or bytes(line).upper() == self._command

    def _stored(self, line: memoryview, match: re.Match[bytes]) -> None:
        if match.start(3) < 0:
            self.counts["garbled"] += 1
            return
        storage = bytes(line[match.start(2) : match.end(2)]).decode("ascii")
        index = int(bytes(line[match.start(3) : match.end(3)]))
        self.notices.append(Stored(Slot(storage, index)))

    def _ringing(self, _line: memoryview, _match: re.Match[bytes]) -> None:
        self.notices.append(Ringing())

    def _addresses(self, line: memoryview, _match: re.Match[bytes]) -> None:
        asked = at_rules.SETTING.match(line) and not at_rules.unsolicited(line, self._command)
        if asked and self._command:
            self._emit(bytes(line))
        else:
            self.counts["address"] += 1

    def _direct(self, _line: memoryview, _match: re.Match[bytes]) -> None:
        self.counts["direct"] += 1
        self._headers.append(None)

    # -- stored messages -----------------------------------------------------------------------

    def _listed(self, line: memoryview, match: re.Match[bytes]) -> None:
        if self._headers:
            self._without_pdu()
        if bytes(line[match.start(1) : match.end(1)]) not in self._command:
            self.counts["unsolicited"] += 1
            self._headers.append(None)
        elif at_rules.TEXT_MODE.match(line):
            self._text_mode(line)
        else:
            header = _header(line)
            # Without its slot a listed message is of no use; the next listing has it again.
            lost = header[1] is None and b"+CMGL" in self._command
            self._headers.append(None if lost else header)
            if lost:
                self.counts["garbled"] += 1

    def _text_mode(self, line: memoryview) -> None:
        """The boundary keeps modems in PDU mode; should one be in text mode, quotes are masked."""
        kept = {match.span() for match in at_rules.STATUS_OR_TIME.finditer(line)}
        for match in list(at_rules.QUOTED.finditer(line)):
            if match.span() not in kept:
                line[match.start() + 1 : match.end() - 1] = b"*" * (match.end() - match.start() - 2)
        self._emit(bytes(line))

    def _pdu(self, line: memoryview | None) -> None:
        header = self._headers.pop()
        if header is None:
            return
        fields, length = header
        pdu, size = self._rewriter.received(line, length)
        self._emit(b"%s,%d" % (fields, size))
        self._emit(pdu)

    def _without_pdu(self) -> None:
        """A header that no PDU followed: an empty slot, or a line that was lost."""
        header = self._headers[-1]
        if header is not None and header[1] == 0:
            self._headers.pop()
        else:
            self._pdu(None)

    # -- results and information ---------------------------------------------------------------

    def _final(self, line: memoryview, match: re.Match[bytes]) -> None:
        while self._headers:
            self._without_pdu()
        self._end_ussd()
        self.abandon()
        if not self._command:
            self.counts["unsolicited"] += 1
        else:
            self._emit(self._calmed(_result(line, match)))
            self._command = b""
        later, self._later = self._later, []
        for block in later:
            self._emit(block)

    def _calmed(self, result: bytes) -> bytes:
        """The library repeats a command for ever while the modem says it is busy; not with us."""
        self._busy = self._busy + 1 if result in _BUSY else 0
        if self._busy < _MAX_BUSY:
            return result
        self._busy = 0
        return b"ERROR"

    def _ussd_begins(self, line: memoryview, _match: re.Match[bytes]) -> None:
        self._end_ussd()
        self._ussd_line(line)

    def _ussd_line(self, line: memoryview) -> None:
        ussd.mask(line, wary=self._buffer.noisy)
        self._ussd.append(bytes(line))
        # The operator's text may have line ends of its own, inside its quotes.
        quotes = sum(part.count(b'"') for part in self._ussd)
        if quotes % 2 == 0 or len(self._ussd) == _MAX_USSD_LINES:
            self._end_ussd()

    def _end_ussd(self) -> None:
        if not self._ussd:
            return
        block, self._ussd = b"\r\n".join(self._ussd), []
        if self._command and b"+CUSD" not in self._command:
            self._later.append(block)
        else:
            self._emit(block)

    def _sent(self, line: memoryview, match: re.Match[bytes]) -> None:
        if self._command == SENDING:
            self._emit(b"+CMGS: " + bytes(line[match.start(1) : match.end(1)]))

    def _centre(self, line: memoryview, match: re.Match[bytes]) -> None:
        if b"+CSCA" not in self._command:
            self.counts["unsolicited"] += 1
            return
        wipe(self._service_centre)
        self._service_centre = bytearray(line[match.start(1) : match.end(1)])
        kind = bytes(line[match.start(2) : match.end(2)]) if match.start(2) >= 0 else b"129"
        self._emit(b'+CSCA: "%s",%s' % (SERVICE_CENTRE, kind))

    def _information(self, line: memoryview) -> None:
        # Behind a header that still waits for its PDU there is nothing but noise.
        awaited = bool(self._headers) and self._headers[-1] is not None
        unasked = not self._command or self._command == SENDING or awaited
        if unasked or at_rules.unsolicited(line, self._command):
            self.counts["unsolicited"] += 1
            return
        if self._buffer.noisy and not at_rules.READABLE.search(line):
            self.counts["garbled"] += 1
            return
        device = at_rules.NUMBER_COMMAND.match(self._command) and at_rules.DEVICE_NUMBER.match(line)
        if not device:
            if at_rules.like_pdu(line) and not at_rules.NAMED.match(line):
                self.counts["stray-pdu"] += 1
                return
            at_rules.mask_hex(line)
            at_rules.mask(line, wary=self._buffer.noisy or line[0] == _CALL_PROGRESS)
        self._emit(bytes(line))

    def _emit(self, line: bytes) -> None:
        self._out += line + b"\r\n"


_Handler = Callable[[AtReader, memoryview, re.Match[bytes]], None]
_ROUTES: Final[tuple[tuple[re.Pattern[bytes], bool, _Handler], ...]] = (
    (at_rules.STORED, True, AtReader._stored),
    (at_rules.RINGING, False, AtReader._ringing),
    (at_rules.ADDRESSES, True, AtReader._addresses),
    (at_rules.DIRECT, True, AtReader._direct),
    (at_rules.LISTED, False, AtReader._listed),
    (at_rules.FINAL, False, AtReader._final),
    (at_rules.USSD, False, AtReader._ussd_begins),
    (at_rules.SENT, False, AtReader._sent),
    (at_rules.SERVICE_CENTRE, False, AtReader._centre),
)


def _header(line: memoryview) -> _Header:
    """The header rewritten but for the length, its name field blank, and the length it gave."""
    match = at_rules.LISTED_MESSAGE.match(line)
    if match is not None:
        index, status, length = (bytes(line[slice(*match.span(n))]) for n in (1, 2, 3))
        return b"+CMGL: %s,%s," % (index, status or b"0"), int(length)
    match = at_rules.READ_MESSAGE.match(line)
    if match is None:
        return b"+CMGR: 0,", None
    status, length = (bytes(line[slice(*match.span(n))]) for n in (1, 2))
    return b"+CMGR: %s," % (status or b"0"), int(length)


def _result(line: memoryview, match: re.Match[bytes]) -> bytes:
    """A final result in the form that the library knows as one."""
    if match.start(1) >= 0:
        return bytes(line[match.start(1) : match.end(1)])
    if match.start(3) < 0:
        return b"ERROR"
    kind, code = (bytes(line[slice(*match.span(n))]) for n in (2, 3))
    return b"+%s ERROR: %s" % (kind, code)
