"""Looks for known numbers in every form they can take in this stack.

Plain, with and without country code, escaped for a URL, as UTF-16 (binary and as the hex text of
modems), as UTF-32, as which Python keeps a string with an emoji, and as semi-octets (nibbles
swapped, 3GPP TS 23.040 §9.1.2.3), both binary and as hex text, also shifted by the 1 that Mexican
networks put behind the country code.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

NATIONAL_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Hit:
    where: str
    form: str


def forms(number: str) -> dict[str, bytes]:
    """Each form's name and octets. ``number``: ``+`` and digits. The national digits are in all
    longer forms of the same kind, so they are the shortest thing to look for."""
    digits = number.lstrip("+")
    national = digits[-NATIONAL_DIGITS:]
    packed = _semi_octets(digits), _semi_octets(national), _semi_octets(f"1{national}")
    return {
        "plain": national.encode(),
        "utf-16le": national.encode("utf-16-le"),
        "utf-16be": national.encode("utf-16-be"),
        "utf-32le": national.encode("utf-32-le"),
        "utf-16be in hex": national.encode("utf-16-be").hex().upper().encode(),
        "spaced": " ".join(national).encode(),
        "semi-octets": packed[0],
        "semi-octets, national": packed[1],
        "semi-octets in hex": packed[0].hex().upper().encode(),
        "semi-octets in hex, national": packed[1].hex().upper().encode(),
        "semi-octets after 521": packed[2],
        "semi-octets after 521 in hex": packed[2].hex().upper().encode(),
        "digits in hex": national.encode().hex().upper().encode(),
    }


def _semi_octets(digits: str) -> bytes:
    """The whole octets only: a filler nibble differs from writer to writer."""
    even = digits[: len(digits) // 2 * 2]
    return bytes(int(even[i + 1] + even[i], 16) for i in range(0, len(even), 2))


def search_octets(data: bytes, numbers: Iterable[str]) -> Iterator[str]:
    """The forms found in ``data``. Hex is looked for in either case."""
    upper = data.upper()
    for number in numbers:
        for form, octets in forms(number).items():
            if octets in data or ("hex" in form and octets in upper):
                yield form


def search_files(roots: Iterable[Path], numbers: list[str]) -> tuple[int, list[Hit]]:
    """Every regular file below ``roots``: how many were read, and what was found, names of the
    files themselves included."""
    read, hits = 0, []
    for path in sorted(_files(roots)):
        read += 1
        data = path.read_bytes() + b"\0" + os.fsencode(path.name)
        hits += [Hit(str(path), form) for form in search_octets(data, numbers)]
    return read, hits


def _files(roots: Iterable[Path]) -> Iterator[Path]:
    for root in roots:
        for folder, _, names in os.walk(root):
            for name in names:
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink():
                    yield path
