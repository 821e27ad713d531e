"""Numbers that nobody has, drawn anew for each audit: what is found of them was put there by it.

All that are drawn for one audit share eight digits, so that a piece of memory without those need
not be searched for each number.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

COUNTRY = "52"
SHARED_DIGITS = 8
MOST = 100


@dataclass(slots=True)
class Canaries:
    """``next(what)`` gives a fresh number (``+`` and digits) and remembers what it was for.
    ``own``: real ones, of who has the audit made."""

    shared: str = field(default_factory=lambda: _drawn())
    used: dict[str, str] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)

    def next(self, what: str) -> str:
        number = f"+{COUNTRY}{self.shared}{len(self.used):02}"
        if len(self.used) >= MOST:
            raise ValueError("an audit has a hundred numbers")
        self.used[number] = what
        return number

    def what(self, number: str) -> str:
        return self.used.get(number) or self.own[number]

    def among(self, count: int, what: str) -> Iterator[str]:
        return (self.next(what) for _ in range(count))


def _drawn() -> str:
    """Not two equal digits side by side and no zero: such runs stand in memory by themselves."""
    digits = [secrets.choice("123456789")]
    while len(digits) < SHARED_DIGITS:
        digit = secrets.choice("123456789")
        if digit != digits[-1]:
            digits.append(digit)
    return "".join(digits)
