"""What the line says and writes in one language: gettext PO files, and which language stands in.

Languages are data: a file that an operator lays beside the recordings adds one, or rewords a
shipped one entry by entry. A language that nobody here can write is a catalogue of empty entries
and a stated order of fallback; whatever it lacks comes from the first of those languages that has
it. It refuses what nobody in that order can say, and an order that runs in a circle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tipline_gw.errors import ConfigError
from tipline_gw.prompts import names, po
from tipline_gw.prompts.po import Entries
from tipline_gw.resources import catalogues

_ESPEAK, _FALLBACK = "espeak-ng", "fallback"
_WPM, _WPM_HURRIED = "words-per-minute", "words-per-minute-before-tone"
_ATTRIBUTES: Final = {
    "prompt": "prompts", "sms": "texts", "keyword": "keywords", "site": "pages"
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Voice:
    """How espeak-ng speaks a language. ``name`` empty: it does not, there are recordings only.

    ``words_per_minute``, and ``hurried`` for what is said before the tone.
    """

    name: str
    words_per_minute: int
    hurried: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The mappings hold what this language has of its own, by name; the methods also what the
    languages of ``fallback`` have, in their order."""

    language: str
    voice: Voice
    prompts: Mapping[str, str]
    texts: Mapping[str, str]
    keywords: Mapping[str, str]
    """What senders write to ask for something, by what they ask for; see :meth:`words`."""
    pages: Mapping[str, str]
    """Texts of the public site."""
    fallback: tuple[Catalogue, ...] = ()

    @classmethod
    def load(cls, language: str, directory: Path | None = None) -> Catalogue:
        """The shipped catalogue of ``language``, reworded or replaced by ``directory``'s own.

        Raises ConfigError: there is no such catalogue, it is not whole, even with those that
        stand in for it, or they stand in for one another.
        """
        loaded = _loaded(language, directory, ())
        _whole(loaded)
        return loaded

    @property
    def chain(self) -> tuple[Catalogue, ...]:
        """This language, and then those that stand in for it."""
        return (self, *self.fallback)

    @property
    def speaker(self) -> Voice:
        """The synthetic voice that speaks for this language: its own, or the first there is."""
        return next((each.voice for each in self.chain if each.voice.name), self.voice)

    def owner(self, context: str, name: str) -> Catalogue:
        """Whose words are used. Raises ConfigError where nobody has any."""
        for each in self.chain:
            if name in getattr(each, _ATTRIBUTES[context]):
                return each
        raise ConfigError(
            f"the {self.language} catalogue has no {context} “{name}”",
            f'add an entry with msgctxt "{context}" and msgid "{name}"',
        )

    def words(self, keyword: str) -> tuple[str, ...]:
        """The words of a keyword. The first is the one that texts name. Raises ConfigError."""
        return tuple(po.words(self.owner("keyword", keyword).keywords[keyword]))

    def prompt(self, name: str) -> str:
        """The words of a prompt, its ``{fields}`` not yet filled. Raises ConfigError."""
        return self.owner("prompt", name).prompts[name]

    def prompt_names(self) -> tuple[str, ...]:
        """Of this language and those that stand in for it."""
        return tuple(dict.fromkeys(name for each in self.chain for name in each.prompts))

    def spoken(self, name: str, emergency: str = "", key: str = "") -> str:
        """The words of a prompt with its numbers in words, digit by digit. Raises ConfigError."""
        owner = self.owner("prompt", name)
        words = {"emergency": owner.digits(emergency), "key": owner.digits(key)}
        return _sentences(owner.prompts[name].format_map(words))

    def digits(self, number: str) -> str:
        """``911`` as ``nueve uno uno``: said together, no caller mistakes it for nine hundred."""
        return " ".join(self.prompt(names.digit(digit)) for digit in number)

    def sms(self, name: str, **fields: str) -> str:
        """A text ready to send. Raises ConfigError for a name or a field that is not there."""
        try:
            return self.owner("sms", name).texts[name].format_map(fields)
        except KeyError:
            raise ConfigError(
                f"the {self.language} text “{name}” was given no value for one of its fields",
                "this is a defect of the program; please report it",
            ) from None

    def page(self, name: str) -> str:
        """A text of the public site. Raises ConfigError."""
        return self.owner("site", name).pages[name]


def shipped() -> tuple[str, ...]:
    """The languages that come with the program."""
    return tuple(sorted(file.stem for file in catalogues().glob("*.po")))


def _sentences(text: str) -> str:
    """A number in words may begin a sentence: synthesis follows the capital's intonation."""
    return re.sub(r"(^|[.?!] )(\w)", lambda found: found[1] + found[2].upper(), text)


def _loaded(language: str, directory: Path | None, above: tuple[str, ...]) -> Catalogue:
    if language in above:
        circle = " → ".join((*above, language))
        raise ConfigError(
            f"languages stand in for one another in a circle: {circle}",
            f'correct msgid "{_FALLBACK}" in the catalogue of one of them',
        )
    entries = po.entries(language, directory)
    asked = entries.get(("voice", _FALLBACK), "")
    codes = po.words(asked) if asked else []
    others = [_loaded(code, directory, (*above, language)) for code in codes]
    return Catalogue(
        language=language,
        voice=_voice(language, entries),
        prompts=_of(entries, "prompt"),
        texts=_of(entries, "sms"),
        keywords=_of(entries, "keyword"),
        pages=_of(entries, "site"),
        fallback=tuple({each.language: each for other in others for each in other.chain}.values()),
    )


def _whole(catalogue: Catalogue) -> None:
    """A language must offer itself, in its own name; anything else may be another's."""
    missing = [f"{context} {name}" for context, name in _lacking(catalogue)]
    if missing:
        raise ConfigError(
            f"the {catalogue.language} catalogue lacks {', '.join(missing)}",
            "add the entries (and take away the mark “fuzzy” where it stands)",
        )


def _lacking(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    if names.LANGUAGE_CHOICE not in catalogue.prompts:
        yield "prompt", names.LANGUAGE_CHOICE
    wanted = (("prompt", names.SAID), ("sms", names.WRITTEN), ("keyword", names.KEYWORDS))
    for context, listed in wanted:
        for name in listed:
            if not any(name in getattr(each, _ATTRIBUTES[context]) for each in catalogue.chain):
                yield context, name


def _voice(language: str, entries: Entries) -> Voice:
    texts = _of(entries, "voice")
    speeds = texts.get(_WPM, "165"), texts.get(_WPM_HURRIED, "185")
    if not all(speed.isascii() and speed.isdigit() and 80 <= int(speed) <= 450 for speed in speeds):
        raise ConfigError(
            f"the {language} catalogue asks for a speed that espeak-ng does not have",
            "give words per minute from 80 to 450",
        )
    return Voice(texts.get(_ESPEAK, ""), int(speeds[0]), int(speeds[1]))


def _of(entries: Entries, context: str) -> dict[str, str]:
    return {name: text for (of, name), text in entries.items() if of == context}
