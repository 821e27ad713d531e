"""Address fields of a TPDU: their bounds, whether they can be answered, tokens in their place.

3GPP TS 23.040 §9.1.2.5: an octet with the number of useful semi-octets, the type of address, the
digits. It refuses to read a digit as text: digits are compared as nibbles, in place.
"""

from __future__ import annotations

import re
from typing import Final

from tipline_gw.boundary import gsm7
from tipline_gw.domain.sms import TOKEN_LENGTH, ReplyToken
from tipline_gw.errors import PduError

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZhjkmnp"
"""32 letters of the GSM alphabet: no digit, so that no token ever looks like a number."""

_LETTERS: Final = [low + high for high in ALPHABET for low in ALPHABET]
_TOKEN: Final = re.compile(f"[TA][{ALPHABET}]{{{TOKEN_LENGTH - 1}}}")

SUBSCRIBER, OTHER = "T", "A"
MAX_SEMI_OCTETS = 20
MAX_FIELD = 2 + MAX_SEMI_OCTETS // 2
_SHORTEST_NUMBER = 7
_ALPHANUMERIC = 0xD0
# Type of number, bits 6 to 4: unknown, international, national, subscriber number.
_ANSWERABLE_TYPES = frozenset((0, 1, 2, 4))
_BOTH = "".join(f"\\x{tens}{units}" for tens in range(10) for units in range(10))
_LOWER = "".join(f"\\x{fill:x}{units}" for fill in range(16) for units in range(10))
_EVEN_DIGITS: Final = re.compile(f"[{_BOTH}]*".encode("ascii"))
_ODD_DIGITS: Final = re.compile(f"[{_BOTH}]*[{_LOWER}]".encode("ascii"))


def field_end(pdu: bytes | bytearray | memoryview, start: int) -> int:
    """Where the address field that begins at ``start`` ends; PduError if it cannot be one."""
    if start >= len(pdu):
        raise PduError("truncated")
    if pdu[start] > MAX_SEMI_OCTETS:
        raise PduError("bad-address")
    end = start + 2 + (pdu[start] + 1) // 2
    if end > len(pdu):
        raise PduError("truncated")
    return end


def answerable(field: bytearray | memoryview) -> bool:
    """Whether this is a subscriber's number: seven digits or more, of a type that can be dialled.

    Alphanumeric senders, short codes and numbers with ``*``, ``#`` or letters are not.
    """
    length, kind = field[0], field[1] >> 4 & 7
    if length < _SHORTEST_NUMBER or kind not in _ANSWERABLE_TYPES:
        return False
    digits = _ODD_DIGITS if length % 2 else _EVEN_DIGITS
    return digits.fullmatch(field, 2) is not None


def set_fill(field: bytearray) -> None:
    """Put 1111 into the half octet behind an odd number of digits, where senders differ."""
    if field[0] % 2:
        field[-1] |= 0xF0


def spelled(kind: str, number: int) -> ReplyToken:
    """The token of ``kind`` for a 50-bit number."""
    pairs = (_LETTERS[number >> bits & 0x3FF] for bits in range(0, 5 * (TOKEN_LENGTH - 1), 10))
    return ReplyToken(kind + "".join(pairs))


def token_field(token: ReplyToken) -> bytes:
    """``token`` as an alphanumeric address field (TS 23.040 §9.1.2.5, type 101)."""
    packed = gsm7.pack(token.encode("ascii"))
    return bytes((2 * len(packed), _ALPHANUMERIC)) + packed


def token_in(field: bytes | bytearray | memoryview) -> ReplyToken | None:
    """The token that stands in an address field; ``None`` where an address or nothing does."""
    if len(field) != 2 + (TOKEN_LENGTH * 7 + 7) // 8 or field[1] != _ALPHANUMERIC:
        return None
    name = gsm7.decode(gsm7.unpack(bytes(field[2:]), TOKEN_LENGTH))
    return ReplyToken(name) if _TOKEN.fullmatch(name) else None
