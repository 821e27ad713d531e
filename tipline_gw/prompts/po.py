"""Reads the gettext PO file of one language, entry by entry, as it stands: nothing is compiled.

Nothing is guessed: an entry under an unknown heading, or a field that this program would not fill,
refuses to load with file and line, because the other way to find out is a frightened caller who
hears nothing.
"""

from __future__ import annotations

import re
import stat
import string
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from babel.messages.catalog import Message
from babel.messages.pofile import PoFileError, read_po

from tipline_gw.errors import ConfigError
from tipline_gw.prompts import names
from tipline_gw.resources import catalogues

Entries = dict[tuple[str, str], str]
"""By msgctxt and msgid."""

_CODE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_FILE_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,40}")
_CONTEXTS: Final = ("voice", "prompt", "sms", "keyword", "site")
_FIELDS: Final = {"prompt": {"emergency", "key"}, "sms": {"code"}}
_NEEDED_FIELDS: Final = {
    ("prompt", names.LANGUAGE_CHOICE): "key",
    ("sms", names.RECEIVED_CODE): "code",
    ("sms", names.RECEIVED_CODE_NOT_OPEN): "code",
}


def entries(language: str, directory: Path | None) -> Entries:
    """The shipped entries of ``language``, reworded or replaced by ``directory``'s own.

    Raises ConfigError: there is no such catalogue, or an entry of it cannot be used.
    """
    return {key: text for file in files(language, directory) for key, text in read(file).items()}


def files(language: str, directory: Path | None) -> list[Path]:
    """The PO files of ``language``; the later ones reword the earlier. Raises ConfigError."""
    if not _CODE.fullmatch(language):
        raise ConfigError(
            "a language code is malformed", "write it as in BCP 47: es, en, maz, es-MX"
        )
    places = [folder / f"{language}.po" for folder in (catalogues(), directory) if folder]
    found = [file for file in places if _is_there(file)]
    if not found:
        raise ConfigError(
            f"there is no text catalogue for the language {language}",
            f"write {places[-1]} (start from a copy of {catalogues() / 'en.po'})",
        )
    return found


def _is_there(file: Path) -> bool:
    """What may not be looked for is not taken for missing: an operator's words would be left out.
    Raises ConfigError."""
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read ({error.strerror})", "see the permissions of its folder"
        ) from None


def read(file: Path) -> Entries:
    """What one file says; entries without a text are left out. Raises ConfigError."""
    return dict(_checked(file, messages(file)))


def messages(file: Path) -> list[Message]:
    """The file as Babel sees it. Raises ConfigError: it is not a PO file."""
    try:
        with file.open("rb") as lines:
            return list(read_po(lines, abort_invalid=True))
    except (PoFileError, ValueError, OSError, LookupError) as error:
        raise ConfigError(
            f"{file}: not a readable PO file ({type(error).__name__})", "check it with msgfmt -c"
        ) from None


def is_name(name: str) -> bool:
    """Whether a prompt, and so its file, may be called that."""
    return bool(_FILE_NAME.fullmatch(name))


def words(listed: str) -> list[str]:
    """What stands between commas."""
    return [word.strip() for word in listed.split(",")]


def _checked(file: Path, found: Iterable[Message]) -> Iterable[tuple[tuple[str, str], str]]:
    for message in found:
        key, text = (message.context or "", message.id), message.string
        # A translator's unfinished or unsure entry leaves what was there before.
        if key == ("", "") or message.fuzzy or (not text and key[0] != "voice"):
            continue
        if not isinstance(key[1], str) or not isinstance(text, str):
            raise _wrong(file, message, "plural forms are not used here")
        _check_place(file, message, key[0], key[1])
        if key[0] == "keyword" and not all(word.isalpha() for word in words(text)):
            raise _wrong(file, message, "must be words of letters, separated by commas")
        _check_fields(file, message, key[0], text)
        yield (key[0], key[1]), text


def _check_place(file: Path, message: Message, context: str, name: str) -> None:
    if context not in _CONTEXTS:
        raise _wrong(file, message, "msgctxt must be voice, prompt, sms, keyword or site")
    if context == "prompt" and not is_name(name):
        raise _wrong(file, message, "a prompt's name is that of a file: lower-case letters and -")


def _check_fields(file: Path, message: Message, context: str, text: str) -> None:
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError:
        raise _wrong(file, message, "a brace stands alone") from None
    if any(form or conversion for _, _, form, conversion in parsed):
        raise _wrong(file, message, "a field is its name alone, without : or !, as in {code}")
    fields = {field for _, field, _, _ in parsed if field is not None}
    allowed = _FIELDS.get(context, set())
    if not fields <= allowed:
        raise _wrong(file, message, f"only these fields are filled: {sorted(allowed)}")
    needed = _NEEDED_FIELDS.get((context, str(message.id)))
    if needed and needed not in fields:
        raise _wrong(file, message, f"the field {{{needed}}} is missing")


def _wrong(file: Path, message: Message, reason: str) -> ConfigError:
    return ConfigError(f"{file}:{message.lineno}: {message.id}: {reason}", "correct the entry")
