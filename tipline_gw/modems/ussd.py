"""USSD over AT+CUSD: codes and answers in the dialect that a modem speaks.

3GPP TS 27.007 §7.15 leaves the form of the string to the modem: text, hex of packed GSM-7, or hex
of UCS-2; the coding scheme octet (TS 23.038 §5) says which alphabet was meant. No I/O. It refuses
codes of anything but digits, ``*`` and ``#``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tipline_gw.boundary import gsm7
from tipline_gw.boundary.ussd import alphabet
from tipline_gw.errors import ModemError

Dialect = Literal["plain", "hex", "ucs2"]

_CODE = re.compile(r"[0-9*#]{1,32}")
_ANSWER = re.compile(r"\+CUSD:\s*(\d)\s*(?:,(.*))?$", re.DOTALL)
_CODING = re.compile(r"\d{1,3}")
_HEX = re.compile(r"(?:[0-9A-Fa-f*]{2})+")
"""Masked nibbles are stars: the text is for people, who see that something was there."""
_CR = 0x0D

MORE = 1
"""The network waits for another code (27.007 §7.15): its session is to be ended."""
_WITH_TEXT = (0, MORE, 2)


@dataclass(frozen=True, slots=True)
class Answer:
    """``more``: the network keeps the session open."""

    text: str
    more: bool


def encoded(code: str, dialect: Dialect) -> str:
    """``code`` as the string of AT+CUSD. Raises ModemError."""
    if not _CODE.fullmatch(code):
        raise ModemError("that is no USSD code", "use digits, * and #, 32 at the most")
    if dialect == "ucs2":
        return code.encode("utf-16-be").hex().upper()
    if dialect == "hex":
        return _packed(code.encode("ascii")).hex().upper()
    return code


def decoded(line: str, dialect: Dialect) -> Answer:
    """The text of a +CUSD line, its own line ends as ``\\n``. Raises ModemError where the network
    gave none."""
    match = _ANSWER.match(line)
    said, coding = _string((match and match[2]) or "")
    if match is None or int(match[1]) not in _WITH_TEXT or not said:
        raise ModemError("the network did not carry out the code", "try it in a telephone")
    text = _text(said, dialect, coding)
    return Answer(text.replace("\r\n", "\n").replace("\r", "\n").strip(), int(match[1]) == MORE)


def _string(rest: str) -> tuple[str, int | None]:
    """What stands between the outer quotes, where there are any, and the coding scheme."""
    before, comma, last = rest.rpartition(",")
    coding = _CODING.fullmatch(last.strip()) if comma else None
    said = (before if coding else rest).strip()
    return said.removeprefix('"').removesuffix('"'), int(coding[0]) if coding else None


def _text(said: str, dialect: Dialect, coding: int | None) -> str:
    wide = coding is not None and alphabet(coding) == "ucs2"
    if not _HEX.fullmatch(said) or (dialect == "plain" and not (wide and len(said) % 4 == 0)):
        return said
    octets = bytes.fromhex(said.replace("*", "2"))
    if wide or (dialect == "ucs2" and len(octets) % 2 == 0):
        return octets.decode("utf-16-be", "replace")
    if coding is not None and alphabet(coding) == "8bit":
        return octets.decode("latin-1")
    return gsm7.decode(_unpacked(octets))


def _packed(septets: bytes) -> bytes:
    """Seven spare bits would read as another character: they hold a CR (23.038 §6.1.2.3.1)."""
    return gsm7.pack(septets + bytes([_CR]) if len(septets) % 8 == 7 else septets)


def _unpacked(octets: bytes) -> bytes:
    septets = gsm7.unpack(octets, len(octets) * 8 // 7)
    if len(octets) % 7 == 0 and septets[-1:] == b"\0":
        septets = septets[:-1]
    return septets.rstrip(bytes([_CR]))
