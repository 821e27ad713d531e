"""What lines of AT traffic mean to the boundary, and how digits in them are masked.

Tables of patterns over bytearrays; matches are read by their spans, never by ``group()``, which
would copy. It knows lines, not state: :mod:`tipline_gw.boundary.at_reader` has that. Masking
refuses to judge what a number is: any run of digits long enough to be one goes. No pattern can
divide a line in more ways than one: a search holds up every thread, and lines may be hostile.
"""

from __future__ import annotations

import re
from typing import Final

FINAL: Final = re.compile(
    rb"(OK|ERROR|COMMAND NOT SUPPORT)[\s?]*$|\+(CM[ES]) ERROR:\s*(?:(\d{1,4})(?!\d))?"
)
"""Final result codes, as the modem library knows them, verbose errors beside (27.007 §9). A text
that begins with one is none; noise behind one is forgiven."""

STORED: Final = re.compile(rb'\+(CMTI|CDSI):\s*(?:"?([A-Z]{2})"?\s*,\s*(\d{1,5})(?!\d))?')
"""Indications of a stored message, 3GPP TS 27.005 §3.4.1."""

RINGING: Final = re.compile(rb"RING\b|\+CRING\b")

ADDRESSES: Final = re.compile(
    rb"[+^%$*#&!](?:CLIP|CCWA|[A-Z]?C?LCC|CNUM|CDIP|COLP|COLR|CSSU|CNAP|CSVM|SCNI|MBN"
    rb"|[A-Z]{0,2}PB[A-CE-RT-Z][A-Z]*|SPBS)\s*:"
)
"""Lines whose purpose is a number (27.007, and the makers' own lists of calls and phone books, as
^SLCC, ^SPBG, #MBN): dropped whole, wherever in a line they begin. +CPBS and ^SPBD name memories."""

SETTING: Final = re.compile(rb"\+(?:CLIP|CCWA|COLP|CDIP|CNAP): ?(?:\d(?:,\d)?|\([0-9,\-]*\))$")
"""What the read and test forms of those commands answer. No number fits in it."""

DIRECT: Final = re.compile(rb"\+(CMT|CDS|CBM)\s*:")
"""Messages delivered directly, their PDU on the next line (27.005 §3.4.1)."""

DIRECT_PDU: Final = re.compile(rb'\+(?:CMT|CDS)\s*:(?:\s*"[^"]*"\s*,|[^",]*,)?\s*(\d{1,3})\s*$')
"""The header as PDU mode has it: a name at most, and the length of the TPDU."""

LISTED: Final = re.compile(rb"\+(CMGR|CMGL)\s*:\s*")
# The status, which may be missing; blanks behind it are looked for only where there is one.
_STATUS: Final = rb'(?:(?:"?(\d{1,2})"?|"{1,2})\s*)?'
LISTED_MESSAGE: Final = re.compile(
    rb"\+CMGL\s*:\s*(\d{1,5})\s*,\s*%s,.*?(?<![0-9])(\d{1,3})\s*$" % _STATUS
)
READ_MESSAGE: Final = re.compile(rb"\+CMGR\s*:\s*%s,.*?(?<![0-9])(\d{1,3})\s*$" % _STATUS)
TEXT_MODE: Final = re.compile(rb'\+CMG[RL]\s*:\s*(?:\d{1,5}\s*,\s*)?"(?:REC|STO) ')
STATUS_OR_TIME: Final = re.compile(
    rb'"(?:(?:REC|STO) [A-Z]{4,6}|\d\d/\d\d/\d\d,\d\d:\d\d:\d\d[+-]\d\d|)"'
)
QUOTED: Final = re.compile(rb'"[^"]*"')

PDU: Final = re.compile(rb"[0-9A-Fa-f]{16,}")

USSD: Final = re.compile(rb"\+CUSD\s*:")
SENT: Final = re.compile(rb"\+CMGS\s*:\s*(\d{1,3})(?!\d)")
SERVICE_CENTRE: Final = re.compile(rb'\+CSCA\s*:\s*"([^"]+)"\s*(?:,\s*(\d{1,3}))?')
DEVICE_NUMBER: Final = re.compile(rb'(?:\+C?GSN\s*:\s*)?"?\d{14,17}"?$')
"""An IMEI: names the device, not a sender. Let through as the answer to its own command only."""

REVISION_COMMAND: Final = re.compile(rb"AT\+C?GMR$")
REVISION: Final = re.compile(rb"(?=[A-F0-9_.\-]{0,23}[G-Z])[A-Z0-9_.\-]{4,24}$")
"""The name of a firmware, which may be mostly hex digits, but not a part of a PDU: not all."""

NAMED: Final = re.compile(rb"([+^%$*#&!][A-Z][A-Z0-9]*)\s*:")
EXTENDED: Final = re.compile(rb"AT[+^%$*#&!]")
NUMBER_COMMAND: Final = re.compile(rb"AT\+C?GSN")
READABLE: Final = re.compile(rb"[A-Za-z0-9]")

_NUMBER: Final = re.compile(rb"\d(?:[ \-]?\d){6,}")
_SHORT_NUMBER: Final = re.compile(rb"\d(?:[ \-?]*\d){4,}")
_HEX_RUN: Final = re.compile(rb"[0-9A-Fa-f]{16,}")
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")
_PDU_LIKE = 16
_MASK: Final = ord("*")


def mask(line: bytearray | memoryview, *, wary: bool = False) -> bool:
    """Overwrite, in place, the digits of every run of seven or more, spaces and dashes among them.

    Returns whether there was one. ``wary``: of five or more, and noise between them does not hide
    them. For lines that are garbled or that belong to a call.
    """
    runs = [match.span() for match in (_SHORT_NUMBER if wary else _NUMBER).finditer(line)]
    for start, end in runs:
        _blank(line, start, end)
    return bool(runs)


def mask_hex(line: bytearray | memoryview) -> None:
    """Overwrite every run of sixteen or more hex digits: a PDU may be where none should."""
    for start, end in [match.span() for match in _HEX_RUN.finditer(line)]:
        _blank(line, start, end)


def _blank(line: bytearray | memoryview, start: int, end: int) -> None:
    for index in range(start, end):
        if line[index] in _HEX:
            line[index] = _MASK


def like_pdu(line: bytearray | memoryview) -> bool:
    """Whether a line is mostly hex digits: a PDU, if perhaps a garbled one."""
    size = len(line)
    if size < _PDU_LIKE:
        return False
    if PDU.fullmatch(line):
        return True
    return sum(octet in _HEX for octet in line) * 5 >= size * 4


def unsolicited(line: bytearray | memoryview, command: bytes) -> bool:
    """Whether a named line is no part of the answer to ``command`` (upper case).

    A modem may say anything between a command and its answer, and the library takes whatever
    comes for the answer; an extended command is answered under its own name.
    """
    named = NAMED.match(line)
    if named is None or not EXTENDED.match(command):
        return False
    return bytes(line[named.start(1) : named.end(1)]) not in command
