"""GSM 7 bit characters: packing, the default alphabet, the national language shift tables.

3GPP TS 23.038 §6.1.2.1 (packing), §6.2.1 (default alphabet and its extension) and Annex A
(Spanish, Portuguese, Turkish). Any sequence of septets has a text; it refuses nothing, and knows
no other languages: their identifiers read as the default tables, as §6.2.1.2.4 asks of a receiver
that lacks a table.
"""

from __future__ import annotations

ESCAPE = 0x1B

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


def unpack(data: bytes | bytearray, count: int) -> bytes:
    """The first ``count`` septets packed in ``data``, one an octet; fewer where data is short."""
    bits = int.from_bytes(data, "little")
    count = min(count, len(data) * 8 // 7)
    return bytes(bits >> 7 * index & 0x7F for index in range(count))


def pack(septets: bytes | bytearray, fill_bits: int = 0) -> bytes:
    """Septets packed behind ``fill_bits`` zero bits, the last octet filled up with zeroes."""
    bits = sum((septet & 0x7F) << 7 * index for index, septet in enumerate(septets))
    size = (len(septets) * 7 + fill_bits + 7) // 8
    return (bits << fill_bits).to_bytes(size, "little")


def decode(septets: bytes, locking: int = 0, single: int = 0) -> str:
    """The text of ``septets`` under the tables of two national language identifiers.

    An escaped code that the single shift table lacks shows the character of the main table; an
    escape before another, or at the end, shows a space (§6.2.1.1, notes).
    """
    table = LOCKING.get(locking, DEFAULT)
    shifted = SINGLE.get(single, EXTENSION)
    text: list[str] = []
    codes = iter(septets)
    for code in codes:
        if code != ESCAPE:
            text.append(table[code])
            continue
        after = next(codes, ESCAPE)
        text.append(" " if after == ESCAPE else shifted.get(after, table[after]))
    return "".join(text)
