"""Replies as SMS-SUBMIT, in as few parts as they fit in, to a token.

Why it exists: the modem library's encoder stops at the first emoji and knows no shift tables. It
refuses a destination that is not a token, a status report (which would bring the number back), and
a text that no phone could put together again.

Of what fits, fewest parts win; then what most phones show rightly: the default alphabet, UCS-2, a
national single shift table (a phone without it shows ``a`` for ``á``), a locking shift table (a
phone without it shows wrong letters).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

from tipline_gw.boundary import address, gsm7
from tipline_gw.boundary.user_data import CONCAT_8, LOCKING_SHIFT, SINGLE_SHIFT
from tipline_gw.domain.sms import ReplyToken
from tipline_gw.errors import PduError

USER_DATA: Final = 140
"""Octets of user data in one message (3GPP TS 23.040 §9.2.3.24)."""
MAX_PARTS: Final = 255

# SMS-SUBMIT, its validity period relative, no status report; and that a header is there.
_FIRST, _HAS_HEADER = 0x11, 0x40
_DEFAULT_ALPHABET, _UCS2 = 0x00, 0x08
# A day (§9.2.3.12.1): a phone that is off for a night gets its code. Not longer: as long as the
# service centre waits it keeps the text and the number side by side.
_VALIDITY = 167
_CONCAT_OCTETS = 5
_NO_SMSC = b"\x00"
_TABLES: Final = tuple(product((0, *gsm7.LOCKING), (0, *gsm7.SINGLE)))


@dataclass(frozen=True, slots=True)
class Submit:
    """One part. ``pdu``: hex, the empty SMSC field first. ``length``: octets of the TPDU."""

    pdu: str
    length: int


@dataclass(frozen=True, slots=True)
class _Coded:
    """A text in one alphabet, cut into parts. ``shift``: header elements that name its tables.
    ``rank``: how few phones show it rightly."""

    dcs: int
    shift: bytes
    rank: int
    parts: tuple[bytes, ...]

    def weight(self) -> tuple[int, int, int]:
        return len(self.parts), self.rank, sum(map(len, self.parts))


def submits(token: ReplyToken, text: str, reference: int) -> list[Submit]:
    """``text`` to ``token`` as SMS-SUBMITs, in order. ``reference``: of the concatenation, its
    lowest eight bits count.

    Raises PduError: half a surrogate pair in it, or more than 255 parts.
    """
    coded = min((*_in_gsm7(text), _in_ucs2(text)), key=_Coded.weight)
    total = len(coded.parts)
    if total > MAX_PARTS:
        raise PduError("too-long", f"a text has at most {MAX_PARTS} parts")
    return [
        _submit(token, coded, _header(coded.shift, reference, total, seq), part)
        for seq, part in enumerate(coded.parts, 1)
    ]


def _in_gsm7(text: str) -> Iterator[_Coded]:
    for locking, single in _TABLES:
        septets = gsm7.encode(text, locking, single)
        if septets is not None:
            shift = _element(LOCKING_SHIFT, locking) + _element(SINGLE_SHIFT, single)
            rank = 3 if locking else 2 if single else 0
            yield _Coded(_DEFAULT_ALPHABET, shift, rank, _cut_septets(septets, len(shift)))


def _in_ucs2(text: str) -> _Coded:
    try:
        octets = text.encode("utf-16-be")
    except UnicodeEncodeError:
        raise PduError("half-a-character") from None
    return _Coded(_UCS2, b"", 1, _cut_utf16(octets))


def _element(kind: int, language: int) -> bytes:
    return bytes((kind, 1, language)) if language else b""


def _cut_septets(septets: bytes, shift: int) -> tuple[bytes, ...]:
    """Cut so that no escape is parted from its code."""
    if len(septets) <= _septets_beside(shift):
        return (septets,)
    room, parts = _septets_beside(_CONCAT_OCTETS + shift), []
    while septets:
        end = room - (len(septets) > room and septets[room - 1] == gsm7.ESCAPE)
        parts.append(septets[:end])
        septets = septets[end:]
    return tuple(parts)


def _septets_beside(elements: int) -> int:
    """Septets that fit beside so many octets of header elements."""
    return (USER_DATA - (1 + elements if elements else 0)) * 8 // 7


def _cut_utf16(octets: bytes) -> tuple[bytes, ...]:
    """Cut so that no surrogate pair is parted."""
    if len(octets) <= USER_DATA:
        return (octets,)
    room, parts = USER_DATA - 1 - _CONCAT_OCTETS, []
    while octets:
        end = room - 2 * (octets[room : room + 2] >= b"\xdc\x00" and octets[room] <= 0xDF)
        parts.append(octets[:end])
        octets = octets[end:]
    return tuple(parts)


def _header(shift: bytes, reference: int, total: int, seq: int) -> bytes:
    """The user data header, its length octet first; empty where there is nothing to say."""
    concat = bytes((CONCAT_8, 3, reference & 0xFF, total, seq)) if total > 1 else b""
    elements = concat + shift
    return bytes((len(elements),)) + elements if elements else b""


def _submit(token: ReplyToken, coded: _Coded, header: bytes, part: bytes) -> Submit:
    if coded.dcs == _UCS2:
        length, data = len(header) + len(part), part
    else:
        fill = -len(header) * 8 % 7
        length = (len(header) * 8 + fill) // 7 + len(part)
        data = gsm7.pack(part, fill)
    first = _FIRST | (_HAS_HEADER if header else 0)
    # Message reference and protocol identifier are zero: the modem counts, it is a plain text.
    tpdu = bytes((first, 0)) + address.token_field(token)
    tpdu += bytes((0, coded.dcs, _VALIDITY, length)) + header + data
    return Submit((_NO_SMSC + tpdu).hex().upper(), len(tpdu))
