"""USSD answers, which operators fill with numbers: masked, whatever alphabet they are in.

``+CUSD: m,"string",dcs`` (3GPP TS 27.007 §7.15): the string is plain text, or hex of UCS-2, or
hex of packed GSM-7, as the modem likes. All three are masked in place, their length unchanged.
Best effort: it refuses to guess further, and masks plain digits that might be hex.
"""

from __future__ import annotations

import re
from typing import Final

from tipline_gw.boundary import at_rules, gsm7
from tipline_gw.boundary.octets import hexed, unhex, wipe
from tipline_gw.boundary.user_data import scheme
from tipline_gw.errors import PduError

_ANSWER: Final = re.compile(rb'\+CUSD\s*:\s*\d\s*,\s*"([0-9A-Fa-f]{8,})"\s*(?:,\s*(\d{1,3}))?')
_UCS2_DIGIT: Final = re.compile(rb"(?:\x00[0-9](?:\x00[ \-])?){7,}")
_ADDRESS: Final = re.compile(rb"(?:0[5-9A-Fa-f]|1[0-4])[89ABab][0-9A-Fa-f]((?:[0-9Ff][0-9]){4,})")
"""An address field of a PDU in hex (3GPP TS 23.040 §9.1.2.5), at any nibble: one may have run
into the string. Octets of a text that look like one are rare, and masked with it."""
_STAR: Final = ord("*")


def mask(line: bytearray | memoryview, *, wary: bool) -> None:
    """Overwrite the digits of what may be a number in a line of a USSD answer."""
    match = _ANSWER.match(line)
    if match is None or not _mask_hex(line, match):
        at_rules.mask(line, wary=wary)
        return
    rest = memoryview(line)[match.end(1) :]
    at_rules.mask_hex(rest)
    at_rules.mask(rest, wary=True)


def _mask_hex(line: bytearray | memoryview, match: re.Match[bytes]) -> bool:
    """Whether the string was hex of text, and is masked as such."""
    start, end = match.span(1)
    coding = int(bytes(line[match.start(2) : match.end(2)]) or b"15")
    wide = coding <= 0xFF and scheme(coding).encoding == "ucs2"
    if not wide and all(chr(digit).isdigit() for digit in line[start:end]):
        return False
    try:
        octets = unhex(line[start:end])
    except PduError:
        return False
    masked = _mask_ucs2(octets) if wide else _mask_packed(octets)
    line[start:end] = hexed(masked)
    wipe(octets)
    for address in list(_ADDRESS.finditer(line, start, end)):
        for index in range(*address.span(1)):
            line[index] = _STAR
    return True


def _mask_ucs2(octets: bytearray) -> bytearray:
    for match in list(_UCS2_DIGIT.finditer(octets)):
        for index in range(match.start() + 1, match.end(), 2):
            if chr(octets[index]).isdigit():
                octets[index] = _STAR
    return octets


def _mask_packed(octets: bytearray) -> bytearray:
    # In the default alphabet digits, space and dash have their ASCII codes.
    septets = bytearray(gsm7.unpack(octets, len(octets) * 8 // 7))
    if not at_rules.mask(septets):
        return octets
    return bytearray(gsm7.pack(septets).ljust(len(octets), b"\x00")[: len(octets)])
