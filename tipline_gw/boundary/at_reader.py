"""What a modem says, line by line, made fit for the modem library: no I/O, no threads.

Why it exists: between the wire and the library every line is classified, and only what answers
the command in flight goes on, its addresses swapped or masked. Indications become notices and
never reach the library, which would take them for part of an answer. It refuses to pass on any
line that came unasked, except USSD answers, and any octet that is not ASCII.

The order in which lines are tried matters: indications may stand between a header and its PDU.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from tipline_gw.boundary import at_rules, ussd
from tipline_gw.boundary.line_buffer import PROMPT, LineBuffer, pieces
from tipline_gw.boundary.message_lines import MessageLines
from tipline_gw.boundary.octets import wipe
from tipline_gw.boundary.pdu_rewriter import PduRewriter
from tipline_gw.boundary.recorder import Recorder
from tipline_gw.domain.sms import Notice, Ringing, Slot, Stored

SENDING: Final = b"AT+CMGS"
SERVICE_CENTRE: Final = b"SMSC"
"""What the library sees, and writes back, in place of the service centre's number."""

BUSY: Final = (b"+CMS ERROR: 314", b"+CMS ERROR: 515", b"+CME ERROR: 14")
"""The SIM is busy, or some modems' word for it: nothing was done, and it may be asked again."""

_END: Final = b"\r\n"
_MAX_USSD_LINES = 32
# More often than whoever asks again is content with: what ends there is no error of the command.
_MAX_BUSY = 25
_VENDORS: Final = frozenset(b"^%$*#&!")


class AtReader:
    """Feed it octets; take clean ones. ``notices`` and ``due`` are emptied by the caller.

    ``due``: octets that are to go to the modem now, to be wiped when written.
    ``counts``: what was dropped and why, by fixed words. ``on_result``: told the command and its
    final result, as the modem gave it. ``recorder``: told all that passes, and what does not.
    """

    def __init__(self, rewriter: PduRewriter) -> None:
        self._buffer = LineBuffer()
        self._command = b""
        self._messages = MessageLines(rewriter, self._emit, self._drop, self._notice)
        self._ussd: list[bytes] = []
        self._later: list[bytes] = []
        self._held: bytearray | None = None
        self._busy = 0
        self._service_centre = bytearray()
        self._items: deque[bytes] = deque()
        # What is left of an item that was taken in portions.
        self._portion = b""
        self.due: list[bytearray] = []
        self.notices: list[Notice] = []
        self.counts: Counter[str] = Counter()
        self.on_result: Callable[[bytes, bytes], None] = lambda _command, _result: None
        self.recorder: Recorder | None = None

    # -- what the port and the writer call ---------------------------------------------------

    @property
    def ready(self) -> int:
        """Clean octets that wait to be taken."""
        return len(self._portion) + sum(map(len, self._items))

    def take(self, size: int) -> bytes:
        """At most ``size`` clean octets."""
        while self._items and len(self._portion) < size:
            self._portion += self._items.popleft()
        taken, self._portion = self._portion[:size], self._portion[size:]
        return taken

    def items(self) -> list[str]:
        """All there is: whole lines without their ends, whole USSD answers, and prompts."""
        if self._portion:
            self._items.appendleft(self._portion)
            self._portion = b""
        items = [item.removesuffix(_END).decode("ascii") for item in self._items]
        self._items.clear()
        return items

    def answer(self, line: bytes) -> None:
        """Say ``line`` to the library in the modem's place; no command is in flight then."""
        self._command = b""
        self._emit(line)

    def prompt(self) -> None:
        """Ask the library for the message at once; the modem is asked when it has come."""
        self._command = b""
        self._items.append(PROMPT)
        if self.recorder:
            self.recorder.heard(PROMPT)

    def begin(self, command: bytes) -> None:
        """``command`` goes to the modem now. PDUs of an older answer are not for the library."""
        self._command = command.upper()
        self._messages.begin()

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
        buffer = self._buffer
        for piece, ended in pieces(chunk):
            if piece:
                seen = buffer.extend(piece)
                while end := buffer.prompt_end(seen):
                    seen = self._prompted(end)
            if ended and buffer.worth:
                self._end_of_line()

    def close(self) -> None:
        """Wipe everything that may hold an address."""
        self.abandon()
        self._buffer.clear()
        wipe(self._service_centre)
        for outgoing in self.due:
            wipe(outgoing)

    # -- lines --------------------------------------------------------------------------------

    def _prompted(self, end: int) -> int:
        """A prompt ends at ``end`` of the line; how much of the line has been looked at then."""
        if self._held is not None:
            self.due.append(self._held)
            self._held = None
        elif end != len(PROMPT):
            return end
        self._buffer.drop(end)
        return 0

    def _end_of_line(self) -> None:
        try:
            if self._buffer.overlong:
                self._drop("overlong", bytearray())
            else:
                self._dispatch(self._buffer.line)
        finally:
            self._buffer.clear()

    def _dispatch(self, line: memoryview) -> None:
        if self._messages.waiting and at_rules.PDU.fullmatch(line):
            self._messages.pdu(line)
            return
        for recognise, handle in _ROUTES:
            match = recognise(line)
            if match is not None:
                self._end_ussd()
                handle(self, line, match)
                return
        if self._is_echo(line):
            return
        if self._messages.takes(line):
            self._messages.pdu(line)
        elif self._ussd and not at_rules.NAMED.match(line):
            self._ussd_line(line)
        else:
            self._end_ussd()
            self._information(line)

    def _is_echo(self, line: memoryview) -> bool:
        """A modem with its echo on repeats commands, and messages with the real address."""
        if bytes(line[:2]).upper() != b"AT":
            return False
        # A line of the operator's text may begin so, too.
        if self._ussd:
            extended = at_rules.EXTENDED.match(self._command)
            return bool(extended) and bytes(line).upper().startswith(self._command)
        # Some modems list the commands they know one on a line, with AT in front.
        listing = b"+CLAC" in self._command
        return not listing or bytes(line).upper() == self._command

    def _stored(self, line: memoryview, match: re.Match[bytes]) -> None:
        if match.start(3) < 0:
            self._drop("garbled", line)
            return
        storage = bytes(line[match.start(2) : match.end(2)]).decode("ascii")
        index = int(bytes(line[match.start(3) : match.end(3)]))
        self._notice(Stored(Slot(storage, index)))

    def _ringing(self, _line: memoryview, _match: re.Match[bytes]) -> None:
        self._notice(Ringing())

    def _addresses(self, line: memoryview, _match: re.Match[bytes]) -> None:
        asked = at_rules.SETTING.match(line) and not at_rules.unsolicited(line, self._command)
        if asked and self._command:
            self._emit(bytes(line))
        else:
            self._drop("address", line)

    def _direct(self, line: memoryview, match: re.Match[bytes]) -> None:
        name = bytes(line[match.start(1) : match.end(1)])
        self._messages.direct(line, match.start(), name)

    def _listed(self, line: memoryview, match: re.Match[bytes]) -> None:
        name = bytes(line[match.start(1) : match.end(1)])
        self._messages.listed(line, self._command, name)

    # -- results and information ---------------------------------------------------------------

    def _final(self, line: memoryview, match: re.Match[bytes]) -> None:
        self._messages.end()
        self.abandon()
        if not self._command:
            self._drop("unsolicited", line)
        else:
            command, self._command = self._command, b""
            result = _result(line, match)
            self.on_result(command, result)
            self._emit(self._calmed(result))
        later, self._later = self._later, []
        for answer in later:
            self._emit(answer)

    def _calmed(self, result: bytes) -> bytes:
        """The library repeats a command for ever while the modem says it is busy; not with us."""
        self._busy = self._busy + 1 if result in BUSY else 0
        if self._busy < _MAX_BUSY:
            return result
        self._busy = 0
        return b"ERROR"

    def _ussd_begins(self, line: memoryview, _match: re.Match[bytes]) -> None:
        self._ussd_line(line)

    def _ussd_line(self, line: memoryview) -> None:
        ussd.mask(line, wary=self._buffer.noisy)
        self._ussd.append(bytes(line))
        if ussd.whole(self._ussd) or len(self._ussd) == _MAX_USSD_LINES:
            self._end_ussd()

    def _end_ussd(self) -> None:
        if not self._ussd:
            return
        answer, self._ussd = _END.join(self._ussd), []
        if self._command and b"+CUSD" not in self._command:
            self._later.append(answer)
        else:
            self._emit(answer)

    def _sent(self, line: memoryview, match: re.Match[bytes]) -> None:
        if self._command == SENDING:
            self._emit(b"+CMGS: " + bytes(line[match.start(1) : match.end(1)]))

    def _centre(self, line: memoryview, match: re.Match[bytes]) -> None:
        if b"+CSCA" not in self._command:
            self._drop("unsolicited", line)
            return
        wipe(self._service_centre)
        self._service_centre = bytearray(line[match.start(1) : match.end(1)])
        kind = bytes(line[match.start(2) : match.end(2)]) if match.start(2) >= 0 else b"129"
        self._emit(b'+CSCA: "%s",%s' % (SERVICE_CENTRE, kind))

    def _information(self, line: memoryview) -> None:
        unasked = not self._command or self._command == SENDING
        if unasked or self._messages.is_noise(line) or at_rules.unsolicited(line, self._command):
            self._drop("unsolicited", line)
            return
        if self._buffer.noisy and not at_rules.READABLE.search(line):
            self._drop("garbled", line)
            return
        device = at_rules.NUMBER_COMMAND.match(self._command) and at_rules.DEVICE_NUMBER.match(line)
        if not device:
            if at_rules.like_pdu(line) and not self._may_look_like_one(line):
                self._drop("stray-pdu", line)
                return
            at_rules.mask_hex(line)
            at_rules.mask(line, wary=self._buffer.noisy or line[0] in _VENDORS)
        self._emit(bytes(line))

    def _may_look_like_one(self, line: memoryview) -> bool:
        """Whether a line that looks like a PDU is none: it has a name, or is one of a firmware."""
        if at_rules.NAMED.match(line):
            return True
        asked = at_rules.REVISION_COMMAND.match(self._command)
        return bool(asked and not self._buffer.noisy and at_rules.REVISION.match(line))

    # -- out -----------------------------------------------------------------------------------

    def _emit(self, line: bytes) -> None:
        """A line, or a USSD answer, whose lines are one item: only here its end is known."""
        self._items.append(line + _END)
        if self.recorder:
            for part in line.split(_END):
                self.recorder.heard(part)

    def _drop(self, why: str, line: bytearray | memoryview) -> None:
        self.counts[why] += 1
        if self.recorder:
            named = at_rules.NAMED.match(line)
            name = bytes(line[slice(*named.span(1))]) if named else b""
            self.recorder.dropped(why, name)

    def _notice(self, notice: Notice) -> None:
        self.notices.append(notice)
        if self.recorder:
            self.recorder.noticed(notice)


_Recogniser = Callable[[memoryview], re.Match[bytes] | None]
_Handler = Callable[[AtReader, memoryview, re.Match[bytes]], None]
_ROUTES: Final[tuple[tuple[_Recogniser, _Handler], ...]] = (
    (at_rules.STORED.search, AtReader._stored),
    (at_rules.RINGING.match, AtReader._ringing),
    (at_rules.ADDRESSES.search, AtReader._addresses),
    (at_rules.DIRECT.search, AtReader._direct),
    (at_rules.LISTED.match, AtReader._listed),
    (at_rules.FINAL.match, AtReader._final),
    (at_rules.USSD.match, AtReader._ussd_begins),
    (at_rules.SENT.match, AtReader._sent),
    (at_rules.SERVICE_CENTRE.match, AtReader._centre),
)


def _result(line: memoryview, match: re.Match[bytes]) -> bytes:
    """A final result in the form that the library knows as one."""
    if match.start(1) >= 0:
        return bytes(line[match.start(1) : match.end(1)])
    if match.start(3) < 0:
        return b"ERROR"
    kind, code = (bytes(line[slice(*match.span(n))]) for n in (2, 3))
    return b"+%s ERROR: %s" % (kind, code)
