"""What the line says and writes in one language: a gettext PO file, read as it stands.

Languages are data: a file that an operator lays beside the recordings adds one, or rewords a
shipped one entry by entry, and nothing is compiled. Nothing is guessed: an entry that is missing,
or a field that this program would not fill, refuses to load with file and line, because the other
way to find out is a frightened caller who hears nothing.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from babel.messages.catalog import Message
from babel.messages.pofile import PoFileError, read_po

from tipline_gw.errors import ConfigError
from tipline_gw.prompts import names
from tipline_gw.resources import catalogues

_CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_CONTEXTS: Final = ("voice", "prompt", "sms", "keyword")
_FIELDS: Final = {"prompt": {"emergency", "key"}, "sms": {"code"}}
_NEEDED_FIELDS: Final = {
    ("prompt", names.LANGUAGE_CHOICE): "key",
    ("sms", names.RECEIVED_CODE): "code",
    ("sms", names.RECEIVED_CODE_NOT_OPEN): "code",
}
_ESPEAK, _WPM, _WPM_HURRIED = "espeak-ng", "words-per-minute", "words-per-minute-before-tone"

Entries = dict[tuple[str, str], str]


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
    language: str
    voice: Voice
    prompts: Mapping[str, str]
    texts: Mapping[str, str]
    keywords: Mapping[str, str]
    """What senders write to ask for something, by what they ask for; see :meth:`words`."""

    @classmethod
    def load(cls, language: str, directory: Path | None = None) -> Catalogue:
        """The shipped catalogue of ``language``, reworded or replaced by ``directory``'s own.

        Raises ConfigError: there is no such catalogue, or it is not whole.
        """
        entries = _entries(language, directory)
        _whole(language, entries)
        return cls(
            language=language,
            voice=_voice(language, entries),
            prompts=_of(entries, "prompt"),
            texts=_of(entries, "sms"),
            keywords=_of(entries, "keyword"),
        )

    def words(self, keyword: str) -> tuple[str, ...]:
        """The words of a keyword. The first is the one that texts name."""
        return tuple(_words(self.keywords[keyword]))

    def prompt(self, name: str) -> str:
        """The words of a prompt, its ``{fields}`` not yet filled. Raises ConfigError."""
        return self._text(self.prompts, "prompt", name)

    def prompt_names(self) -> tuple[str, ...]:
        return tuple(self.prompts)

    def spoken(self, name: str, emergency: str = "", key: str = "") -> str:
        """The words of a prompt with its numbers in words, digit by digit. Raises ConfigError."""
        words = {"emergency": self.digits(emergency), "key": self.digits(key)}
        return _sentences(self.prompt(name).format_map(words))

    def digits(self, number: str) -> str:
        """``911`` as ``nueve uno uno``: said together, no caller mistakes it for nine hundred."""
        return " ".join(self.prompt(names.digit(digit)) for digit in number)

    def sms(self, name: str, **fields: str) -> str:
        """A text ready to send. Raises ConfigError for a name or a field that is not there."""
        try:
            return self._text(self.texts, "sms", name).format_map(fields)
        except KeyError:
            raise ConfigError(
                f"the {self.language} text “{name}” was given no value for one of its fields",
                "this is a defect of the program; please report it",
            ) from None

    def _text(self, texts: Mapping[str, str], kind: str, name: str) -> str:
        try:
            return texts[name]
        except KeyError:
            raise ConfigError(
                f"the {self.language} catalogue has no {kind} “{name}”",
                f'add an entry with msgctxt "{kind}" and msgid "{name}"',
            ) from None


def shipped() -> tuple[str, ...]:
    """The languages that come with the program."""
    return tuple(sorted(file.stem for file in catalogues().glob("*.po")))


def _sentences(text: str) -> str:
    """A number in words may begin a sentence: synthesis follows the capital's intonation."""
    return re.sub(r"(^|[.?!] )(\w)", lambda found: found[1] + found[2].upper(), text)


def _entries(language: str, directory: Path | None) -> Entries:
    if not _CODE.fullmatch(language):
        raise ConfigError(
            "a language code is malformed", "write it as in BCP 47: es, en, maz, es-MX"
        )
    files = [folder / f"{language}.po" for folder in (catalogues(), directory) if folder]
    found = [file for file in files if file.is_file()]
    if not found:
        raise ConfigError(
            f"there is no text catalogue for the language {language}",
            f"write {files[-1]} (start from a copy of {catalogues() / 'en.po'})",
        )
    return {key: text for file in found for key, text in _read(file).items()}


def _read(file: Path) -> Entries:
    try:
        with file.open("rb") as lines:
            messages = list(read_po(lines, abort_invalid=True))
    except (PoFileError, ValueError, OSError, LookupError) as error:
        raise ConfigError(
            f"{file}: not a readable PO file ({type(error).__name__})", "check it with msgfmt -c"
        ) from None
    return dict(_checked(file, messages))


def _checked(file: Path, messages: Iterable[Message]) -> Iterable[tuple[tuple[str, str], str]]:
    for message in messages:
        key, text = (message.context or "", message.id), message.string
        # A translator's unfinished or unsure entry leaves what was there before.
        if key == ("", "") or message.fuzzy or (not text and key[0] != "voice"):
            continue
        if not isinstance(key[1], str) or not isinstance(text, str):
            raise _wrong(file, message, "plural forms are not used here")
        if key[0] not in _CONTEXTS:
            raise _wrong(file, message, "msgctxt must be voice, prompt, sms or keyword")
        if key[0] == "keyword" and not all(word.isalpha() for word in _words(text)):
            raise _wrong(file, message, "must be words of letters, separated by commas")
        _check_fields(file, message, key[0], text)
        yield (key[0], key[1]), text


def _words(keyword: str) -> list[str]:
    return [word.strip() for word in keyword.split(",")]


def _check_fields(file: Path, message: Message, context: str, text: str) -> None:
    try:
        fields = {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}
    except ValueError:
        raise _wrong(file, message, "a brace stands alone") from None
    allowed = _FIELDS.get(context, set())
    if not fields <= allowed:
        raise _wrong(file, message, f"only these fields are filled: {sorted(allowed)}")
    needed = _NEEDED_FIELDS.get((context, str(message.id)))
    if needed and needed not in fields:
        raise _wrong(file, message, f"the field {{{needed}}} is missing")


def _wrong(file: Path, message: Message, reason: str) -> ConfigError:
    return ConfigError(f"{file}:{message.lineno}: {message.id}: {reason}", "correct the entry")


def _whole(language: str, entries: Entries) -> None:
    wanted = [("prompt", name) for name in (names.LANGUAGE_CHOICE, *names.SAID)]
    wanted += [("sms", name) for name in names.WRITTEN]
    wanted += [("keyword", name) for name in names.KEYWORDS]
    missing = [f"{context} {name}" for context, name in wanted if (context, name) not in entries]
    if missing:
        raise ConfigError(
            f"the {language} catalogue lacks {', '.join(missing)}",
            "add the entries (and take away the mark “fuzzy” where it stands)",
        )


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
