"""Bech32 (BIP 173) as age writes its keys: no limit on the length, the checksum of 2016.

A hybrid public key has nearly two thousand characters, which the libraries made for payment
addresses refuse. No Bech32m, no correction of mistypings: a key is pasted, or it is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tipline_gw.errors import SealError

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUE = {character: value for value, character in enumerate(_CHARSET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_LENGTH = 6


def encode(prefix: str, data: bytes) -> str:
    """``prefix`` "1" ``data`` checksum, in lower case or, for an upper-case prefix, in upper.

    The checksum is always that of the lower-case string (C2SP age, "Conventions").
    """
    values = list(_regroup(data, 8, 5, pad=True))
    lower = prefix.lower()
    text = "".join(_CHARSET[value] for value in values + _checksum(lower, values))
    whole = f"{lower}1{text}"
    return whole.upper() if prefix.isupper() else whole


def decode(text: str) -> tuple[str, bytes]:
    """The prefix, in the case it was written in, and the octets.

    Raises SealError saying what is wrong with the string, never the string itself.
    """
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise SealError("upper and lower case are mixed in the key")
    if not text.isascii() or not all("!" <= character <= "~" for character in text):
        raise SealError("the key has a character that no key has")
    prefix, separator, rest = lower.rpartition("1")
    if not (prefix and separator) or len(rest) < _CHECKSUM_LENGTH:
        raise SealError("the key is too short, or not a key")
    values = _values(rest)
    if _polymod([*_expand(prefix), *values]) != 1:
        raise SealError("the key's checksum is wrong", "copy it again, whole")
    return text[: len(prefix)], _octets(values[:-_CHECKSUM_LENGTH])


def _values(rest: str) -> list[int]:
    try:
        return [_VALUE[character] for character in rest]
    except KeyError:
        raise SealError("the key has a character that no key has") from None


def _octets(values: list[int]) -> bytes:
    try:
        return bytes(_regroup(values, 5, 8, pad=False))
    except ValueError:
        raise SealError("the key's last character carries stray bits") from None


def _checksum(prefix: str, values: list[int]) -> list[int]:
    state = _polymod([*_expand(prefix), *values, *[0] * _CHECKSUM_LENGTH]) ^ 1
    return [(state >> 5 * (_CHECKSUM_LENGTH - 1 - place)) & 31 for place in range(_CHECKSUM_LENGTH)]


def _expand(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _polymod(values: Iterable[int]) -> int:
    state = 1
    for value in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATOR):
            state ^= generator if top >> place & 1 else 0
    return state


def _regroup(values: Iterable[int], width: int, to: int, *, pad: bool) -> Iterator[int]:
    """Bits in groups of ``width`` to groups of ``to``; ValueError for padding not all zero."""
    held = bits = 0
    for value in values:
        held = (held << width | value) & (1 << width + to - 1) - 1
        bits += width
        while bits >= to:
            bits -= to
            yield held >> bits & (1 << to) - 1
    left = held & (1 << bits) - 1
    if pad and bits:
        yield left << to - bits
    elif not pad and (bits >= width or left):
        raise ValueError("padding")
