"""Hex and wiping, on bytearrays alone.

Why it exists: ``bytes.fromhex``, ``binascii`` and slices of ``bytes`` leave copies that cannot be
overwritten. What may hold an address goes through these loops instead, from one bytearray into
another, and both are wiped. It refuses to return ``bytes`` or ``str``.
"""

from __future__ import annotations

from tipline_gw.errors import PduError

_DIGITS = b"0123456789ABCDEF"
_NOT_HEX = 0xFF


def _values() -> bytearray:
    values = bytearray([_NOT_HEX]) * 256
    for value, digit in enumerate(_DIGITS):
        values[digit] = value
        values[ord(chr(digit).lower())] = value
    return values


_VALUES = bytes(_values())


def wipe(buffer: bytearray | memoryview) -> None:
    """Overwrite with zeroes, in place."""
    buffer[:] = bytes(len(buffer))


def unhex(line: bytearray | memoryview) -> bytearray:
    """The octets of a line of hex digits; PduError if it is anything else, or an odd number."""
    if len(line) % 2:
        raise PduError("not-hex")
    octets = bytearray(len(line) // 2)
    for index in range(len(octets)):
        high, low = _VALUES[line[2 * index]], _VALUES[line[2 * index + 1]]
        if high == _NOT_HEX or low == _NOT_HEX:
            wipe(octets)
            raise PduError("not-hex")
        octets[index] = high << 4 | low
    return octets


def hexed(octets: bytearray | memoryview) -> bytearray:
    """The hex digits of ``octets``, upper case, as AT commands give them."""
    line = bytearray(2 * len(octets))
    for index, octet in enumerate(octets):
        line[2 * index] = _DIGITS[octet >> 4]
        line[2 * index + 1] = _DIGITS[octet & 0x0F]
    return line
