"""Case codes: twelve decimal digits, the last a Damm check digit.

A keypad and an old phone can type it, and one mistyped or two swapped digits are noticed before
the store is asked. Why Damm: it catches every single error and every swap of neighbours
(H. M. Damm, *Total anti-symmetrische Quasigruppen*, 2004).
"""

from __future__ import annotations

import re
import secrets
from typing import NewType

CaseCode = NewType("CaseCode", str)
"""Twelve digits, no spaces, check digit valid. A secret: whoever has it hears the case."""

DIGITS = 12
GROUP = 4

_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


def check_digit(digits: str) -> int:
    """The Damm digit of ``digits``; 0 for a string that carries its own valid one."""
    interim = 0
    for digit in digits:
        interim = _DAMM[interim][int(digit)]
    return interim


def draw() -> CaseCode:
    """A fresh code: eleven digits of randomness and the check digit."""
    free = f"{secrets.randbelow(10 ** (DIGITS - 1)):0{DIGITS - 1}d}"
    return CaseCode(free + str(check_digit(free)))


def parse(typed: str) -> CaseCode | None:
    """What a person typed, spaces and dashes and dots forgiven; ``None`` if it is no code."""
    digits = re.sub(r"[\s.\-]", "", typed)
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    return CaseCode(digits) if check_digit(digits) == 0 else None


def groups(code: CaseCode) -> tuple[str, ...]:
    """Groups of four, as the code is said and written."""
    return tuple(code[i : i + GROUP] for i in range(0, DIGITS, GROUP))


def written(code: CaseCode) -> str:
    return " ".join(groups(code))
