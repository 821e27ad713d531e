"""Tells a text that asks for the state of a case from a text that is a tip.

When in doubt it is a tip: a word that merely begins like the keyword, or a keyword followed by
words, must not lose what somebody wanted to report.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from tipline_gw.domain.case_code import CaseCode, parse

_WORD_AND_DIGITS = re.compile(r"\W*([^\W\d_]+)\W+([\d\s.\-]*\d)\W*")
FEWEST_DIGITS = 6
"""With fewer, it is more likely a house number than a code with digits lost."""


def asked_code(text: str, keywords: Iterable[str]) -> tuple[bool, CaseCode | None]:
    """Whether ``text`` asks for a state, and the code; None for one that cannot be a code."""
    match = _WORD_AND_DIGITS.fullmatch(text)
    if match is None or _folded(match[1]) not in {_folded(keyword) for keyword in keywords}:
        return False, None
    if sum(character.isdigit() for character in match[2]) < FEWEST_DIGITS:
        return False, None
    return True, parse(match[2])


def _folded(word: str) -> str:
    """Without case and accents: old phones and hurried people have neither."""
    plain = unicodedata.normalize("NFD", word.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))
