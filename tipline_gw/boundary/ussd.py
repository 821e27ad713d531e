"""USSD answers, which operators fill with numbers: masked, whatever alphabet they are in.

``+CUSD: m,"string",dcs`` (3GPP TS 27.007 §7.15): the string is plain text, or hex of UCS-2, of
octets or of packed GSM-7, as the modem likes, and the coding scheme is often not the one it used.
So hex is masked in every reading, in place, its length unchanged. Best effort: it refuses to guess
further, and masks plain digits that might be hex.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from tipline_gw.boundary import at_rules, gsm7
from tipline_gw.boundary.octets import hexed, unhex, wipe
from tipline_gw.domain.sms import Encoding
from tipline_gw.errors import PduError

_ANSWER: Final = re.compile(
    rb'\+CUSD\s*:\s*\d\s*,\s*"?([0-9A-Fa-f*]{8,})(?:"|(?=\s*(?:,|$)))\s*(?:,\s*(\d{1,3}))?'
)
"""A string that may be hex, its quotes lost perhaps; stars are no hex, but are decoded as such."""

_DIGITS: Final = re.compile(rb"(?<![A-Fa-f])[A-Fa-f]*[0-9]{7,}[A-Fa-f]*")
"""Hex as a plain text with a number could look, too."""

_CLOSED: Final = re.compile(rb'"(\s*,\s*\d{1,3})?[\s?]*$')
_ADDRESS: Final = re.compile(rb"(?:0[5-9A-Fa-f]|1[0-4])[89ABab][0-9A-Fa-f]((?:[0-9Ff][0-9]){4,})")
"""An address field of a PDU in hex (3GPP TS 23.040 §9.1.2.5), at any nibble: one may have run
into the string. Octets that are no text but look like one are masked with it."""

_BETWEEN: Final = rb"(?:[ \-/.]|[ \-/.]?[()][ \-/.]?| [\-/] )"
_NUMBER: Final = re.compile(rb"\d(?:%s?\d){6,}" % _BETWEEN)
_DAY: Final = rb"(?:0?[1-9]|[12]\d|3[01])"
_TOLD_TOKEN: Final = b"(?:%s)" % b"|".join((
    rb"%s(?:/%s/|\.%s\.)(?:(?:19|20)?\d\d)(?!\d)" % (_DAY, _DAY, _DAY),
    rb"(?:19|20)\d\d(?:/%s/|\.%s\.)%s(?!\d)" % (_DAY, _DAY, _DAY),
    # An amount, with its decimals or before them; hours, and what follows a colon or a comma.
    rb"(?:0|[1-9]\d{0,5})\.\d{1,2}(?!\d)|[1-9]\d{0,2}(?:\.\d{3}){1,2}(?=,\d)",
    rb"(?:[01]?\d|2[0-3])(?=:\d)|(?<=[:,])\d{1,2}(?!\d)",
))  # fmt: skip
_TOLD_ALL: Final = rb"%s(?:(?: ?[()\-] ?| )%s)*" % (_TOLD_TOKEN, _TOLD_TOKEN)
_COUNT: Final = rb"[1-9]\d{0,2}(?!\d)"
_TOLD: Final = re.compile(
    rb"(?:(?:%s )?%s|%s %s)(?!%s?\d)" % (_COUNT, _TOLD_ALL, _TOLD_ALL, _COUNT, _BETWEEN)
)
"""Dates, times and amounts, and a count beside them, as of megabytes, up to the end of a run of
digits: these are no number."""

# High octets of UCS-2: alphabets from Latin to Thai, punctuation, halves of an emoji.
_ALPHABETS: Final = frozenset((*range(0x0F), 0x20, 0x21, *range(0xD8, 0xE0)))
_ASCII: Final = re.compile(rb"[\r\n -~]*")
# Without Greek capitals, and without "@", which two zero octets are: every PDU has these.
_SEPTETS: Final = re.compile(rb"[\x01-\x0a\r\x1b -\x7f]*\x00?")

_WITH_LANGUAGE_UCS2, _UCS2, _OCTETS = 0x11, 2, 1
_LEAST_HEX: Final = 14
"""Hex digits of the shortest number, in packed septets."""
_HIGH_SURROGATE, _LOW_SURROGATE = 0xD800 >> 10, 0xDC00 >> 10
_STAR, _OTHER, _ZERO = ord("*"), ord("x"), ord("0")
_SEPARATORS: Final = {"Zs": ord(" "), "Pd": ord("-")}


def alphabet(coding: int) -> Encoding:
    """TS 23.038 §5, which is USSD's table and not that of messages: the coding groups that name
    an alphabet; GSM-7 for all others."""
    if coding == _WITH_LANGUAGE_UCS2:
        return "ucs2"
    if coding >> 6 == 1 or coding >> 4 == 0x9:
        named: dict[int, Encoding] = {_UCS2: "ucs2", _OCTETS: "8bit"}
        return named.get(coding >> 2 & 3, "gsm7")
    return "8bit" if coding >> 4 == 0xF and coding & 4 else "gsm7"


def whole(lines: Sequence[bytes]) -> bool:
    """Whether an answer ends with the last of its lines.

    The text may have quotes of its own, in any number: one with the coding scheme behind it closes
    the string, one at the end of a line if it has its fellow.
    """
    if b'"' not in lines[0]:
        return True
    closed = _CLOSED.search(lines[-1])
    if closed is None:
        return False
    return closed.start(1) >= 0 or sum(line.count(b'"') for line in lines) % 2 == 0


def mask(line: bytearray | memoryview, *, wary: bool) -> None:
    """Overwrite the digits of what may be a number in a line of a USSD answer."""
    match = _ANSWER.match(line)
    if match is None or not _mask_hex(line, match):
        at_rules.mask_hex(line)
        _mask_numbers(line)
        at_rules.mask(line, wary=wary)
        return
    rest = memoryview(line)[match.end(1) :]
    at_rules.mask_hex(rest)
    _mask_numbers(rest)
    at_rules.mask(rest, wary=True)


def _mask_numbers(text: bytearray | memoryview) -> None:
    """As people write numbers: with strokes, points and brackets."""
    for start, end in [match.span() for match in _NUMBER.finditer(text)]:
        if _TOLD.match(text, start):
            continue
        for index in range(start, end):
            if text[index] in b"0123456789":
                text[index] = _STAR


def _mask_hex(line: bytearray | memoryview, match: re.Match[bytes]) -> bool:
    """Whether the string was hex of text, and is masked as such."""
    start, end = match.span(1)
    try:
        octets = unhex(line[start:end])
    except PduError:
        if end - start >= _LEAST_HEX:
            line[start:end] = b"*" * (end - start)
        return False
    try:
        digits = _DIGITS.fullmatch(line, start, end)
        if digits and not (_is_wide(line, match) and _is_of_one_script(octets)):
            return False
        sound = _sound(octets)
        _mask_readings(octets)
        line[start:end] = hexed(octets)
    finally:
        wipe(octets)
    if not sound:
        _mask_addresses(line, start, end)
    return True


def _is_wide(line: bytearray | memoryview, match: re.Match[bytes]) -> bool:
    coding = bytes(line[slice(*match.span(2))])
    return bool(coding) and alphabet(int(coding)) == "ucs2"


def _is_of_one_script(octets: bytearray) -> bool:
    """Whether UCS-2 is a text for certain, as the digits of no number are."""
    high = {octets[at] for at in range(0, len(octets), 2)} - {0x00, 0x20}
    return len(octets) % 2 == 0 and len(high) <= 1 and high <= _ALPHABETS


def _sound(octets: bytearray) -> bool:
    """Whether the octets are a text throughout, in some alphabet: no address has run into it.

    The first character of UCS-2 may be the name of a language (TS 23.038 §5, group 0001).
    """
    if len(octets) % 2 == 0 and all(octets[at] in _ALPHABETS for at in range(2, len(octets), 2)):
        return True
    return bool(_ASCII.fullmatch(octets) or _SEPTETS.fullmatch(_unpacked(octets)))


def _mask_addresses(line: bytearray | memoryview, start: int, end: int) -> None:
    for address in list(_ADDRESS.finditer(line, start, end)):
        for index in range(*address.span(1)):
            line[index] = _STAR


def _mask_readings(octets: bytearray) -> None:
    """As UCS-2, wherever it begins, as octets, and as septets."""
    for first, width in ((0, 2), (1, 2), (0, 1)):
        _mask_reading(octets, first, width)
    found = _unpacked(octets)
    septets = bytearray(found)
    _mask_reading(septets, 0, 1)
    if septets != found:
        octets[:] = gsm7.pack(septets).ljust(len(octets), b"\x00")[: len(octets)]
    wipe(septets)


def _unpacked(octets: bytearray) -> bytes:
    # In the default alphabet digits and separators have their ASCII codes.
    return gsm7.unpack(octets, len(octets) * 8 // 7)


def _mask_reading(octets: bytearray, first: int, width: int) -> None:
    """Mask the numbers of a text whose characters have ``width`` octets, the first at ``first``."""
    shape, high = bytearray(len(octets)), 0
    places: list[int] = []
    for at in range(first, len(octets) - width + 1, width):
        code = octets[at] if width == 1 else octets[at] << 8 | octets[at + 1]
        if code >> 10 == _HIGH_SURROGATE:
            high = code & 0x3FF
            continue
        if code >> 10 == _LOW_SURROGATE:
            code = 0x10000 + (high << 10 | code & 0x3FF)
        if sign := _sign(code):
            shape[len(places)] = sign
            places.append(at)
    signs = memoryview(shape)[: len(places)]
    _mask_numbers(signs)
    at_rules.mask(signs)
    for at, sign in zip(places, signs, strict=True):
        if sign == _STAR:
            octets[at : at + width] = _STAR.to_bytes(width, "big")
    wipe(signs)


@lru_cache(maxsize=4096)
def _sign(code: int) -> int:
    """A character as ASCII: the digit it is, in any script, a separator, another. 0: not shown."""
    character = chr(code)
    if character.isdecimal():
        return _ZERO + int(character)
    kind = unicodedata.category(character)
    if kind == "Cf" or code == gsm7.ESCAPE:
        return 0
    return code if character in "/.(),:" else _SEPARATORS.get(kind, _OTHER)
