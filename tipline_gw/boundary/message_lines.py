"""Messages among a modem's lines: a header, and the line with the PDU that goes with it.

Why it exists: a message that was asked for becomes part of the answer, rewritten; one that the
modem delivers directly (+CMT, 3GPP TS 27.005 §3.4.1) becomes a notice, wherever it comes: also
between a header and a PDU of an answer. It refuses to guess: a header whose PDU never came is
forgotten, so that the message is not acknowledged and the network sends it again, and so is a
message delivered directly that may have taken the PDU of an answer's header for its own.

The fate of what is delivered directly: ``+CMT`` in PDU mode is a notice, undecodable where its
PDU is garbled or of another length; in text mode it is dropped with the line that follows.
``+CDS``, a status report, is a notice without content: it wants its acknowledgement. ``+CBM``,
a cell broadcast, is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from tipline_gw.boundary import at_rules
from tipline_gw.boundary.pdu_rewriter import PduRewriter
from tipline_gw.domain.sms import Notice, Pushed, Undecodable

_Fate = Literal["answer", "notice", "report", "dropped"]
_REPORT: Final = Pushed(Undecodable(None, "status-report", b""))

Line = bytearray | memoryview


@dataclass(slots=True)
class _Header:
    """A header that waits for its PDU. ``fields``: of an answer, rewritten up to the length.
    ``length``: of the TPDU, as the header has it."""

    fate: _Fate
    fields: bytes = b""
    length: int | None = None


class MessageLines:
    """``emit`` takes a line for the library, ``drop`` a word for what is not passed on and why,
    ``notify`` a notice."""

    def __init__(
        self,
        rewriter: PduRewriter,
        emit: Callable[[bytes], None],
        drop: Callable[[str, Line], None],
        notify: Callable[[Notice], None],
    ) -> None:
        self._rewriter = rewriter
        self._emit = emit
        self._drop = drop
        self._notify = notify
        # The last one is served first: a notice may stand between a header and its PDU.
        self._headers: list[_Header] = []
        self._unsure: list[Notice] = []

    @property
    def waiting(self) -> bool:
        """Some header waits for its PDU."""
        return bool(self._headers)

    def is_noise(self, line: Line) -> bool:
        """Whether a line that is no PDU cannot belong to an answer: a header waits before it."""
        if not self._headers:
            return False
        return self._headers[-1].fate == "answer" or not at_rules.NAMED.match(line)

    def takes(self, line: Line) -> bool:
        """Whether this line goes with the last header: its PDU, not noise that came before it.

        What follows a header that is dropped may be a text, and goes unless it has a name.
        """
        if not self._headers:
            return False
        if at_rules.like_pdu(line):
            return True
        return self._headers[-1].fate == "dropped" and not at_rules.NAMED.match(line)

    def begin(self) -> None:
        """A command goes out: PDUs of an older answer are not for the library."""
        for header in self._headers:
            if header.fate == "answer":
                header.fate = "dropped"
        self._forget_unsure()

    def end(self) -> None:
        """The answer is over, or goes on with another header: what has not come does not come."""
        while self._headers:
            self._lost()

    # -- headers -------------------------------------------------------------------------------

    def listed(self, line: Line, command: bytes, name: bytes) -> None:
        """+CMGL or +CMGR, ``name``: part of the answer to ``command``, or asked for by nobody."""
        self.end()
        if name not in command:
            self._drop("unsolicited", line)
            self._headers.append(_Header("dropped"))
        elif at_rules.TEXT_MODE.match(line):
            self._emit(_masked(line))
        else:
            header = _answer(line)
            # Without its slot a listed message is of no use; the next listing has it again.
            if header.length is None and b"+CMGL" in command:
                header = _Header("dropped")
                self._drop("garbled", line)
            self._headers.append(header)

    def direct(self, line: Line, start: int, name: bytes) -> None:
        """+CMT, +CDS or +CBM, ``name``, which begins at ``start`` of ``line``."""
        if self._headers and self._headers[-1].fate != "answer":
            self._lost()
        length = at_rules.DIRECT_PDU.match(line, start)
        if name == b"CBM":
            self._drop("broadcast", line)
            self._headers.append(_Header("dropped"))
        elif name == b"CDS":
            self._report(line, told_at_once=length is None)
        elif length is None:
            self._drop("direct", line)
            self._headers.append(_Header("dropped"))
        else:
            octets = int(bytes(line[slice(*length.span(1))]))
            self._headers.append(_Header("notice", length=octets))

    def _report(self, line: Line, *, told_at_once: bool) -> None:
        """In text mode the header is all of it."""
        self._drop("report", line)
        if told_at_once:
            self._push(_REPORT)
        else:
            self._headers.append(_Header("report"))

    # -- PDUs ----------------------------------------------------------------------------------

    def pdu(self, line: Line) -> None:
        """The line that goes with the last header."""
        header = self._headers.pop()
        if header.fate == "answer":
            self._answer(header, line)
        elif header.fate == "notice":
            pdu, _ = self._rewriter.received(line, header.length)
            self._push(Pushed(self._rewriter.part(pdu.decode("ascii"))))
        elif header.fate == "report":
            self._push(_REPORT)
        self._settle()

    def _settle(self) -> None:
        """No header waits: every PDU went with its own."""
        if self._unsure and not self._headers:
            for notice in self._unsure:
                self._notify(notice)
            self._unsure.clear()

    def _answer(self, header: _Header, line: Line | None) -> None:
        pdu, size = self._rewriter.received(line, header.length)
        self._emit(b"%s,%d" % (header.fields, size))
        self._emit(pdu)

    def _push(self, notice: Notice) -> None:
        """Where an answer's header still waits, its PDU may be the one that was taken here."""
        if any(header.fate == "answer" for header in self._headers):
            self._unsure.append(notice)
        else:
            self._notify(notice)

    def _lost(self) -> None:
        """The last header gets no PDU: an empty slot, or a line that was lost."""
        header = self._headers.pop()
        if header.fate in ("notice", "report"):
            self._drop("direct", bytearray())
        elif header.fate == "answer" and header.length != 0:
            self._forget_unsure()
            self._answer(header, None)
        self._settle()

    def _forget_unsure(self) -> None:
        for _ in self._unsure:
            self._drop("direct", bytearray())
        self._unsure.clear()


def _masked(line: Line) -> bytes:
    """The boundary keeps modems in PDU mode; should one be in text mode, quotes are masked, and
    what may be a number outside them: a quote may be lost."""
    kept = dict.fromkeys(match.span() for match in at_rules.STATUS_OR_TIME.finditer(line))
    for match in list(at_rules.QUOTED.finditer(line)):
        if match.span() not in kept:
            line[match.start() + 1 : match.end() - 1] = b"*" * (match.end() - match.start() - 2)
    ends = [0, *(place for span in kept for place in span), len(line)]
    for start, end in zip(ends[::2], ends[1::2], strict=True):
        at_rules.mask(memoryview(line)[start:end], wary=True)
    return bytes(line)


def _answer(line: Line) -> _Header:
    """The header rewritten but for the length, its name field blank, and the length it gave."""
    match = at_rules.LISTED_MESSAGE.match(line)
    if match is not None:
        index, status, length = _groups(line, match, 1, 2, 3)
        return _Header("answer", b"+CMGL: %s,%s," % (index, status or b"0"), int(length))
    match = at_rules.READ_MESSAGE.match(line)
    if match is None:
        return _Header("answer", b"+CMGR: 0,")
    status, length = _groups(line, match, 1, 2)
    return _Header("answer", b"+CMGR: %s," % (status or b"0"), int(length))


def _groups(line: Line, match: re.Match[bytes], *numbers: int) -> list[bytes]:
    return [bytes(line[slice(*match.span(number))]) for number in numbers]
