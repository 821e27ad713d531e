"""GSM 7 bit characters: packing, the default alphabet, the national language shift tables.

3GPP TS 23.038 §6.1.2.1 (packing), §6.2.1 (default alphabet and its extension) and Annex A
(Spanish, Portuguese, Turkish). Any sequence of septets has a text; it refuses nothing, and knows
no other languages: their identifiers read as the default tables, as §6.2.1.2.4 asks of a receiver
that lacks a table.
"""

from __future__ import annotations

import codecs
from functools import cache

ESCAPE = 0x1B
_ESCAPE = bytes((ESCAPE,))

DEFAULT = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""TS 23.038 §6.2.1. The character at 0x1B is never shown: it escapes."""

_TURKISH = (
    "@£$¥€éùıòÇ\nĞğ\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bŞşßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "İABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§çabcdefghijklmnopqrstuvwxyzäöñüà"
)
_PORTUGUESE = (
    "@£$¥êéúíóç\nÔô\rÁáΔ_ªÇÀ∞^\\€Ó|\x1bÂâÊÉ !\"#º%&'()*+,-./0123456789:;<=>?"
    "ÍABCDEFGHIJKLMNOPQRSTUVWXYZÃÕÚÜ§~abcdefghijklmnopqrstuvwxyzãõ`üà"
)

TURKISH, SPANISH, PORTUGUESE = 1, 2, 3
"""National language identifiers, TS 23.038 §6.2.1.2.4."""

LOCKING = {TURKISH: _TURKISH, PORTUGUESE: _PORTUGUESE}
"""Annex A.3. Spanish has no locking shift table (A.3.2 is void)."""

EXTENSION = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\",
    0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip
"""§6.2.1.1: what follows an escape where no single shift table is named."""

SINGLE = {
    TURKISH: EXTENSION
    | {0x47: "Ğ", 0x49: "İ", 0x53: "Ş", 0x63: "ç", 0x67: "ğ", 0x69: "ı", 0x73: "ş"},
    SPANISH: EXTENSION
    | {
        0x09: "ç", 0x41: "Á", 0x49: "Í", 0x4F: "Ó", 0x55: "Ú",
        0x61: "á", 0x69: "í", 0x6F: "ó", 0x75: "ú",
    },
    PORTUGUESE: EXTENSION
    | {
        0x05: "ê", 0x09: "ç", 0x0B: "Ô", 0x0C: "ô", 0x0E: "Á", 0x0F: "á", 0x12: "Φ", 0x13: "Γ",
        0x15: "Ω", 0x16: "Π", 0x17: "Ψ", 0x18: "Σ", 0x19: "Θ", 0x1F: "Ê", 0x41: "À", 0x49: "Í",
        0x4F: "Ó", 0x55: "Ú", 0x5B: "Ã", 0x5C: "Õ", 0x61: "Â", 0x69: "í", 0x6F: "ó", 0x75: "ú",
        0x7B: "ã", 0x7C: "õ", 0x7F: "â",
    },
}  # fmt: skip
"""Annex A.2: what follows an escape, by language."""


_FIRST_BLOCKS = 23
"""Blocks of a whole user data field: seven octets that hold eight septets."""


def _spread_masks(blocks: int) -> tuple[tuple[int, int, int], ...]:
    """For each step how far the upper half of every group moves, and the masks of both halves."""
    steps = ((4, 0x0FFFFFFF, 28), (2, 0x3FFF_00003FFF, 14), (1, 0x007F007F_007F007F, 7))
    ones = int.from_bytes((b"\x01" + bytes(7)) * blocks, "little")
    return tuple((shift, low * ones, low * ones << width) for shift, low, width in steps)


_MASKS = _spread_masks(_FIRST_BLOCKS)


def _masks(blocks: int) -> tuple[tuple[int, int, int], ...]:
    return _MASKS if blocks <= _FIRST_BLOCKS else _spread_masks(blocks)


def unpack(data: bytes | bytearray, count: int) -> bytes:
    """The first ``count`` septets packed in ``data``, one an octet; fewer where data is short."""
    count = min(count, len(data) * 8 // 7)
    blocks = (count + 7) // 8
    spread = bytearray(blocks * 8)
    for place in range(7):
        column = data[place : blocks * 7 : 7]
        spread[place : 8 * len(column) : 8] = column
    # Now each block has 64 bits, its septets in the lowest 56: halves move apart three times.
    bits = int.from_bytes(spread, "little")
    for shift, low, high in _masks(blocks):
        bits = bits & low | (bits & high) << shift
    return bits.to_bytes(len(spread), "little")[:count]


def pack(septets: bytes | bytearray, fill_bits: int = 0) -> bytes:
    """Septets packed behind ``fill_bits`` zero bits, the last octet filled up with zeroes."""
    blocks = (len(septets) + 7) // 8
    bits = int.from_bytes(septets, "little")
    for shift, low, high in reversed(_masks(blocks)):
        bits = bits & low | bits >> shift & high
    packed = bytearray(bits.to_bytes(blocks * 8, "little"))
    del packed[7::8]
    size = (len(septets) * 7 + fill_bits + 7) // 8
    if fill_bits:
        packed = bytearray(
            (int.from_bytes(packed, "little") << fill_bits).to_bytes(len(packed) + 1, "little")
        )
    return bytes(packed[:size])


def decode(septets: bytes, locking: int = 0, single: int = 0) -> str:
    """The text of ``septets`` under the tables of two national language identifiers.

    An escaped code that the single shift table lacks shows the character of the main table; an
    escape before another, or at the end, shows a space (§6.2.1.1, notes).
    """
    table = LOCKING.get(locking, DEFAULT)
    plain, *escaped = septets.split(_ESCAPE)
    if not escaped:
        return _shown(plain, table)
    return _shown(plain, table) + _escapes(escaped, table, SINGLE.get(single, EXTENSION))


def _shown(codes: bytes, table: str) -> str:
    return codecs.charmap_decode(codes, "strict", table)[0]


def _escapes(pieces: list[bytes], table: str, shifted: dict[int, str]) -> str:
    """What the pieces between escapes show; each has an escape in front."""
    text: list[str] = []
    pending = iter(pieces)
    for piece in pending:
        if piece:
            text.append(shifted.get(piece[0], table[piece[0]]) + _shown(piece[1:], table))
        else:
            # The escape that ends this piece is the one that was escaped, if there is one.
            text.append(" " + _shown(next(pending, b""), table))
    return "".join(text)


def encode(text: str, locking: int = 0, single: int = 0) -> bytes | None:
    """The septets of ``text``, one an octet; ``None`` where a character is in neither table.

    An escape in it is always followed by the code it escapes, which is never an escape.
    """
    codes = _codes(locking, single)
    pieces = [codes.get(char) for char in text]
    return b"".join(piece for piece in pieces if piece) if all(pieces) else None


@cache
def _codes(locking: int, single: int) -> dict[str, bytes]:
    shifted = SINGLE.get(single, EXTENSION)
    table = LOCKING.get(locking, DEFAULT)
    codes = {char: bytes((ESCAPE, code)) for code, char in shifted.items()}
    return codes | {char: bytes((code,)) for code, char in enumerate(table) if code != ESCAPE}
