"""Tells the few texts that ask the line for something from the texts that are tips.

It forgives what hurried people and old phones do: case, accents, spaces, punctuation, doubled
letters, one wrong letter, O for 0 and l for 1. It is never so forgiving that a tip could be lost:
what is answered instead of stored holds nothing but known words and a code, and where that is
not certain (``sure``) only the store, which knows the codes, can tell. When in doubt it is a tip.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import NamedTuple

from tipline_gw.domain.case_code import DIGITS, CaseCode, parse
from tipline_gw.prompts import names
from tipline_gw.prompts.catalogue import Catalogue

FEWEST_DIGITS = 6
"""With fewer, it is more likely a house number than a code with digits lost."""
FORGIVEN_FROM = 5
"""Shorter words become other words too easily: ALTO and auto, HELP and held."""
SHORT = 60
"""Characters within which a text is looked at for keywords; a longer one asks for nothing, unless
a code stands in it."""
LONGEST = 200
"""Letters; who writes more does not ask for something."""


@dataclass(frozen=True, slots=True)
class Tip:
    """``not_open``: it begins with twelve digits that cannot be a code."""

    not_open: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """Asks for a state. ``code`` None: what stands there cannot be a code, or nothing does.
    Not ``sure``: if there is no such code it is a tip. ``language``: of its keyword."""

    code: CaseCode | None
    sure: bool
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Addition:
    """Begins with what may be the code of an open case; ``text`` is what follows it."""

    code: CaseCode
    text: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Help:
    language: str | None


@dataclass(frozen=True, slots=True)
class Stop:
    language: str | None


Heard = Tip | Question | Addition | Help | Stop


class _Token(NamedTuple):
    """A word, folded, or a group of ``digits``; ``end``: where the text goes on."""

    word: str
    digits: str
    end: int


class Conversation:
    """Understands the keywords of ``catalogues``."""

    def __init__(self, catalogues: Sequence[Catalogue]) -> None:
        self._words = {
            (name, catalogue.owner("keyword", name).language): [
                _folded(word) for word in catalogue.words(name)
            ]
            for catalogue in catalogues
            for name in names.KEYWORDS
        }
        self._small = self._all(names.KEYWORD_FILLER)
        self._before_code = self._all(names.KEYWORD_CODE)
        self._status = self._all(names.KEYWORD_STATUS)
        self._named = self._first(names.KEYWORD_STATUS)

    def _all(self, name: str) -> set[str]:
        return {word for (of, _), words in self._words.items() if of == name for word in words}

    def _first(self, name: str) -> set[str]:
        return {words[0] for (of, _), words in self._words.items() if of == name}

    def hear(self, text: str) -> Heard:
        """What ``text`` is. Takes it as it is written first, and then as it may be meant."""
        heard: Heard = Tip()
        if len(text) > SHORT and not _CODE_LIKE.search(text, 0, LONGEST):
            return heard
        for lenient in (False, True):
            tokens = _tokens(text[:LONGEST], lenient=lenient)
            if len(text) <= LONGEST:
                heard = self._command(tokens) or self._question(tokens) or heard
            if isinstance(heard, Tip):
                heard = self._addition(tokens, text) or heard
            if not isinstance(heard, Tip):
                break
        return heard

    def _command(self, tokens: list[_Token]) -> Help | Stop | None:
        """One word and nothing else."""
        if len(tokens) != 1 or not tokens[0].word:
            return None
        for kind, name in ((Help, names.KEYWORD_HELP), (Stop, names.KEYWORD_STOP)):
            languages = self._languages(name, tokens[0].word, forgive=True)
            if languages:
                return kind(_only(languages))
        return None

    def _question(self, tokens: list[_Token]) -> Question | None:
        """Nothing but known words and one number."""
        words = [token.word for token in tokens if token.word]
        runs = [word for word, _ in groupby(bool(token.digits) for token in tokens) if word]
        digits = "".join(token.digits for token in tokens)
        asking = [word for word in words if word not in self._small | self._before_code]
        if len(runs) > 1 or len(asking) > 1:
            return None
        if not asking:
            code = parse(digits)
            return Question(code, sure=False, language=self._spoken(words)) if code else None
        return self._asked(asking[0], digits)

    def _asked(self, word: str, digits: str) -> Question | None:
        """Only the word that the answers name is certain to be meant for us."""
        languages = self._languages(names.KEYWORD_STATUS, word, forgive=True)
        code, sure = parse(digits), word in self._named
        if not languages or (code is None and not sure):
            return None
        if code is None and 0 < len(digits) < FEWEST_DIGITS:
            return None
        return Question(code, sure, _only(languages))

    def _addition(self, tokens: list[_Token], text: str) -> Addition | Tip | None:
        known = self._small | self._before_code | self._status
        before = [t.word for t in takewhile(lambda t: not t.digits and t.word in known, tokens)]
        if before and not set(before) & (self._before_code | self._status):
            return None
        number, rest = _twelve(tokens[len(before) :])
        if not number or not rest:
            return None
        code = parse("".join(token.digits for token in number))
        if code is None:
            return None if rest[0].digits else Tip(not_open=True)
        said = text[number[-1].end :].lstrip(" \t\r\n.,:;)-–—")
        return Addition(code, said, self._spoken(before))

    def _languages(self, name: str, word: str, *, forgive: bool) -> list[str]:
        """The languages in which ``word`` is that keyword, or failing that may be meant as it."""
        mine = [(language, words) for (of, language), words in self._words.items() if of == name]
        exact = [language for language, words in mine if word in words]
        if exact or not forgive:
            return exact
        return [lang for lang, words in mine if any(_nearly(word, each) for each in words)]

    def _spoken(self, words: Iterable[str]) -> str | None:
        """The one language of the words before a code."""
        keywords = (names.KEYWORD_CODE, names.KEYWORD_STATUS)
        found = [self._languages(k, word, forgive=False) for word in words for k in keywords]
        return _only(language for languages in found for language in languages)


def _only(languages: Iterable[str]) -> str | None:
    found = set(languages)
    return found.pop() if len(found) == 1 else None


def _twelve(tokens: Sequence[_Token]) -> tuple[list[_Token], Sequence[_Token]]:
    """The groups that make twelve digits exactly, and what follows; nothing if none do."""
    count = 0
    for n, token in enumerate(tokens, 1):
        if not token.digits:
            break
        count += len(token.digits)
        if count >= DIGITS:
            return (list(tokens[:n]), tokens[n:]) if count == DIGITS else ([], ())
    return [], ()


_CODE_LIKE = re.compile(r"(?:[\dOoQIilL][\W_]*){12}")
_RUN = re.compile(r"[^\W_]+")
_PIECE = re.compile(r"\d+|[^\W\d]+")
_TYPED_DIGITS = str.maketrans("OoQIilL", "0001111")
_TYPED_LETTERS = str.maketrans("013457", "oieast")
_NUMBER = re.compile(r"[\dOoQIilL]*\d[\dOoQIilL]*")
_MOST_TYPED = 2


def _tokens(text: str, *, lenient: bool) -> list[_Token]:
    """Words and groups of digits; all else separates. ``lenient``: as they may be meant."""
    return [token for run in _RUN.finditer(text) for token in _split(run, lenient=lenient)]


def _split(run: re.Match[str], *, lenient: bool) -> Iterator[_Token]:
    typed = run[0]
    if lenient and _NUMBER.fullmatch(typed):
        yield _Token("", _digits(typed.translate(_TYPED_DIGITS)), run.end())
    elif lenient and 0 < sum(map(str.isdigit, typed)) <= min(_MOST_TYPED, len(typed) // 3):
        yield _Token(_folded(typed.translate(_TYPED_LETTERS)), "", run.end())
    else:
        for piece in _PIECE.finditer(typed):
            end = run.start() + piece.end()
            number = piece[0].isdecimal()
            yield _Token(
                "" if number else _folded(piece[0]), _digits(piece[0]) if number else "", end
            )


def _digits(typed: str) -> str:
    """ASCII digits: a phone may write them in another script."""
    return "".join(str(unicodedata.decimal(character)) for character in typed)


def _folded(word: str) -> str:
    """Without case, accents and doubled letters: old phones and hurried people."""
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c, _ in groupby(c for c in plain if not unicodedata.combining(c)))


def _nearly(word: str, keyword: str) -> bool:
    """One letter wrong, missing, too many, or two swapped; never in a short word."""
    if len(keyword) < FORGIVEN_FROM or abs(len(word) - len(keyword)) > 1:
        return False
    same = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, keyword, strict=False))
    )
    left, right = word[same:], keyword[same:]
    return (
        left[1:] == right[1:]
        or left[1:] == right
        or left == right[1:]
        or (left[:2] == right[1::-1] and left[2:] == right[2:])
    )
