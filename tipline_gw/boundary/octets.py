"""Hex and wiping, on bytearrays alone.

Why it exists: ``bytes.fromhex``, ``binascii`` and slices of ``bytes`` leave copies that cannot be
overwritten. What may hold an address goes through these loops instead, from one bytearray into
another, and both are wiped. It refuses to return ``bytes`` or ``str``.
"""

from __future__ import annotations

import re
import sys
from typing import Final

from tipline_gw.errors import PduError

_HEX: Final = re.compile(rb"[0-9A-Fa-f]*")


def _pair(digits: str) -> int:
    """Two hex digits as this machine reads a number of 16 bits."""
    return int.from_bytes(digits.encode("ascii"), sys.byteorder)


_PAIRS: Final = tuple(_pair(f"{octet:02X}") for octet in range(256))
_LOW: Final = bytes(
    int(chr(code), 16) if _HEX.fullmatch(b"%c" % code) else 0 for code in range(128)
)
_HIGH: Final = bytes(value << 4 for value in _LOW)


def wipe(buffer: bytearray | memoryview) -> None:
    """Overwrite with zeroes, in place."""
    buffer[:] = bytes(len(buffer))


def unhex(line: bytearray | memoryview) -> bytearray:
    """The octets of a line of hex digits; PduError if it is anything else, or an odd number."""
    if len(line) % 2 or _HEX.fullmatch(line) is None:
        raise PduError("not-hex")
    octets = bytearray(len(line) // 2)
    with memoryview(line) as digits:
        for index, (high, low) in enumerate(zip(digits[::2], digits[1::2], strict=True)):
            octets[index] = _HIGH[high] | _LOW[low]
    return octets


def hexed(octets: bytearray | memoryview) -> bytearray:
    """The hex digits of ``octets``, upper case, as AT commands give them."""
    line = bytearray(2 * len(octets))
    with memoryview(line) as view, view.cast("H") as pairs:
        for index, octet in enumerate(octets):
            pairs[index] = _PAIRS[octet]
    return line
