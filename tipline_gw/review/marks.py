"""Finds in a tip's text what could tell who sent it or who is accused: telephone numbers, names,
plates, addresses, official identifiers.

A second person strips these before anything is passed on or published. It marks rather too much
than too little, and still does not find everything: a nickname, a job, a dog say who somebody is
as well. So it takes nothing out by itself, and refuses to say that a text is clean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

import phonenumbers

from tipline_gw.review import words

REGIONS: Final = ("MX", "US")
"""Whose numbers are understood without a country code: the two sides of the border."""
LONGEST: Final = 40_000
"""Characters looked at; 255 parts of a message hold 39,015 at most. No search here takes more than
in proportion to the length: whoever sends a text must not keep its reader waiting."""


class Kind(StrEnum):
    """In the order of certainty: where two overlap, the first stands, and of the other what sticks
    out."""

    ELECTRONIC = "electronic"
    IDENTIFIER = "identifier"
    PLATE = "plate"
    PHONE = "phone"
    ADDRESS = "address"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Mark:
    """``text[start:end]`` is of that kind."""

    kind: Kind
    start: int
    end: int


def marks(text: str) -> list[Mark]:
    """All that was found, in the order of the text, none over another."""
    looked_at = text[:LONGEST]
    kinds: list[Kind | None] = [None] * len(looked_at)
    for kind, find in _FINDERS:
        for start, end in find(looked_at):
            kinds[start:end] = [taken or kind for taken in kinds[start:end]]
    return list(_runs(looked_at, kinds))


def _runs(text: str, kinds: list[Kind | None]) -> Iterator[Mark]:
    """``kinds`` has one for each character of ``text``. Space at the edges is nothing to mark, nor
    is a sign that another mark left over."""
    end = 0
    for kind, run in groupby(kinds):
        start, end = end, end + len(list(run))
        piece = text[start:end]
        if kind and re.search(r"\w", piece):
            yield Mark(kind, end - len(piece.lstrip()), start + len(piece.rstrip()))


def shown(text: str, found: Iterable[Mark]) -> str:
    """``text`` with each mark in double brackets and named."""
    pieces, at = [], 0
    for mark in found:
        pieces += [text[at : mark.start], f"[[{mark.kind}: {text[mark.start : mark.end]}]]"]
        at = mark.end
    return "".join([*pieces, text[at:]])


Span = tuple[int, int]


def _matches(*patterns: re.Pattern[str]) -> Callable[[str], Iterator[Span]]:
    """The group ``what`` of each match, or all of it."""

    def find(text: str) -> Iterator[Span]:
        for pattern in patterns:
            group: str | int = "what" if "what" in pattern.groupindex else 0
            yield from (found.span(group) for found in pattern.finditer(text))

    return find


# Telephone numbers: what the library knows as one, any long run of digits, digits in words.

_DIGITS = re.compile(r"\+?\d(?:[\s().\-/]{0,3}\d){6,}")


def _phones(text: str) -> Iterator[Span]:
    for region in REGIONS:
        lenient = phonenumbers.Leniency.POSSIBLE
        for match in phonenumbers.PhoneNumberMatcher(text, region, leniency=lenient):
            yield match.start, match.end
    yield from _matches(_DIGITS, words.SPELLED_DIGITS)(text)


# Names: after what announces one, and two capitalised words one after the other.

_PART = r"[^\W\d_][\w'’\-]*"
_CAPITAL = r"[A-ZÁÉÍÓÚÜÑ][\w'’\-]+"
_LINK = r"(?:de|del|la|las|los|y|of|the|el)"
_NAME = rf"{_CAPITAL}(?:\s+(?:{_LINK}\s+){{0,2}}{_CAPITAL}){{0,3}}"
_ANY_NAME = rf"{_PART}(?:\s+{_PART}){{0,2}}"
_TITLED = re.compile(rf"\b(?i:{words.TITLES})\.?\s+(?P<what>{_NAME}|{_PART})")
_ANNOUNCED = re.compile(rf"\b(?i:{words.INTRODUCTIONS})\s+(?P<what>{_NAME}|{_ANY_NAME})")
_FIRST = _CAPITAL.replace("+", "{1,60}")  # each of many joined by hyphens may be the first
_PAIR = re.compile(rf"\b{_FIRST}(?:\s+(?:{_LINK}\s+){{0,2}}{_CAPITAL}){{1,3}}")

# Addresses: from what begins one to the next stop. Another may begin before that.

_STREET = re.compile(rf"\b(?i:{words.STREETS})\b\.?\s*(?=(?P<rest>[^.;!?\n]{{0,60}}))")
_HOUSE = re.compile(
    rf"(?:#|\b(?i:{words.HOUSES})\.?)\s*(?:[A-Z]?\d{{1,5}}(?:\s?-?[A-Z0-9]{{1,3}}\b)?)"
)
_POSTAL = re.compile(r"\b(?i:c\.?\s?p\.?|zip)[\s:]*\d{5}\b")
_NUMBERED = re.compile(rf"\b\d{{1,5}}\s+(?:{_CAPITAL}\s+){{1,3}}(?i:{words.STREETS_AFTER})\b")

# Plates. NOM-001-SCT-2-2016 has letters and digits in groups; those of Texas and New Mexico too.
# What is called one may have any form, and ends before a word without a digit, unless that belongs
# to a form, is joined by a hyphen, or is a letter.

_FORMS = "|".join((
    r"[A-Z]{3}[ -]?\d{3}[ -]?[A-Z]", r"[A-Z]{3}[ -]?\d{2}[ -]?\d{2}", r"[A-Z]{3}[ -]?\d{3,4}",
    r"[A-Z]{2}[ -]?\d{2}[ -]?\d{3}", r"[A-Z]{2}[ -]?\d{4}[ -]?[A-Z]", r"[A-Z]\d{2}[ -]?[A-Z]{3}",
    r"\d{2}[ -]?[A-Z]{3}[ -]?\d",
))  # fmt: skip
_PLATE = re.compile(rf"(?<![\w-])(?:{_FORMS})(?![\w-])")
_CALLED_PLATE = re.compile(
    rf"\b(?i:{words.PLATES})[\s:]*"
    rf"(?P<what>[\w\s-]{{0,8}}?(?:\b(?i:{_FORMS})\b|\d\w*)(?:[ -]\w*\d\w*|-\w+| [^\W\d_]\b){{0,3}})"
)

# Official identifiers: CURP (RENAPO, 18 characters), RFC (SAT, 12 or 13), and accounts.

_CURP = re.compile(r"\b(?i:[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d)\b")
_RFC = re.compile(r"\b(?i:[A-ZÑ&]{3,4}\d{6}[A-Z0-9]{3})\b")
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_HANDLE = re.compile(r"(?<![\w@])@[\w.]{2,30}")
_LINK_TO = re.compile(r"\b(?:https?://|www\.)\S{3,200}", re.IGNORECASE)


def _addresses(text: str) -> Iterator[Span]:
    yield from _matches(_POSTAL, _NUMBERED)(text)
    for found in _STREET.finditer(text):
        yield found.start(), found.start("rest") + _address_end(found["rest"])
    yield from _matches(_HOUSE)(text)


def _address_end(rest: str) -> int:
    """Up to the last capitalised word or number of the first words after a street's kind; one word
    at the least: many write without capitals."""
    end = 0
    for word in re.finditer(r"[\w#'’-]+", rest):
        if not words.is_link(word[0]):
            if end and not (word[0][0].isupper() or any(map(str.isdigit, word[0]))):
                break
            end = word.end()
    return end


_FINDERS: tuple[tuple[Kind, Callable[[str], Iterable[Span]]], ...] = (
    (Kind.ELECTRONIC, _matches(_MAIL, _LINK_TO, _HANDLE)),
    (Kind.IDENTIFIER, _matches(_CURP, _RFC)),
    (Kind.PLATE, _matches(_CALLED_PLATE, _PLATE)),
    (Kind.PHONE, _phones),
    (Kind.ADDRESS, _addresses),
    (Kind.NAME, _matches(_TITLED, _ANNOUNCED, _PAIR)),
)
