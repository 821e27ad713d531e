"""What there is to record and to translate: the list for whoever sits at the microphone, and the
PO file for whoever translates. Both show the words that stand in, because a name says little."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from tipline_gw.errors import ConfigError
from tipline_gw.prompts import names, po
from tipline_gw.prompts.catalogue import Catalogue
from tipline_gw.prompts.manifest import Origin
from tipline_gw.prompts.plan import Piece, Plan, plan

_HEAD: Final = """\
# What the line says and writes in the language {language}.
#
# An entry that is empty is said and written in the language that stands in: its words are above
# the entry. Fill in only what a speaker of this language has said, and another one has confirmed;
# a prompt may be recorded without being written here (see docs/prompts.md).
# {{emergency}} and {{key}} are said digit by digit, {{code}} is written in groups of four.
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
_VOICE_COMMENTS: Final = {
    "espeak-ng": "Empty: espeak-ng does not speak this language, there are recordings only.",
    "fallback": "Which languages stand in, in this order: codes separated by commas.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One prompt. ``file``: what a recording is to be called. ``heard``: recorded, synthetic, the
    language that stands in, or nothing. ``words``, and the language they are in."""

    language: str
    name: str
    file: Path
    heard: str
    words: str
    words_in: str


def listing(directory: Path, languages: Sequence[str], emergency: str, language: str) -> list[Line]:
    """The prompts of ``language``, which need not be one of the line's ``languages`` yet, and its
    line in the language menu. Raises ConfigError or PromptError."""
    spoken = [*languages] if language in languages else [*languages, language]
    planned = plan(directory, spoken, emergency)
    catalogue = Catalogue.load(language, directory)
    offer = planned.heard.get((spoken[0], names.language(language)))
    lines = [_line(directory, offer, offer.language, language, planned)] if offer else []
    for (of, name), piece in planned.heard.items():
        if of == language and piece.text and not name.startswith(names.language("")):
            owner = catalogue.owner("prompt", name).language
            lines.append(_line(directory, piece, language, owner, planned))
    return lines


def _line(directory: Path, piece: Piece, language: str, words_in: str, planned: Plan) -> Line:
    file = directory / language / f"{piece.name}.wav"
    return Line(language, piece.name, file, _heard(piece, language, planned), piece.text, words_in)


def _heard(piece: Piece, language: str, planned: Plan) -> str:
    folder = planned.folders[piece.language]
    there, entry = folder.state(piece.name)
    if piece.language != language:
        return f"{piece.language} stands in"
    if folder.recorded(piece.name):
        return "recorded"
    synthetic = entry is not None and entry.origin is Origin.SYNTHETIC
    return "synthetic" if there and synthetic else "not built"


def template(language: str, directory: Path | None = None) -> str:
    """The catalogue of ``language`` as a PO file to be filled in: every entry that the first
    language standing in for it has, in that order, with its words as a comment.

    Raises ConfigError: no such catalogue, or none stands in for it.
    """
    catalogue = Catalogue.load(language, directory)
    if not catalogue.fallback:
        raise ConfigError(
            f"no language stands in for {language}",
            'name one in its catalogue: msgctxt "voice", msgid "fallback"',
        )
    own = po.entries(language, directory)
    made = Catalog()
    for name, comment in _VOICE_COMMENTS.items():
        text = own.get(("voice", name), "")
        made.add(name, text, context="voice", auto_comments=[comment])
    for context, name, comments in _asked(catalogue.fallback[0], directory):
        made.add(name, own.get((context, name), ""), context=context, auto_comments=comments)
    out = io.BytesIO()
    write_po(out, made, width=96, omit_header=True)
    return _HEAD.format(language=language) + out.getvalue().decode().strip("\n") + "\n"


def _asked(first: Catalogue, directory: Path | None) -> Iterator[tuple[str, str, list[str]]]:
    found = {
        (message.context or "", str(message.id)): message
        for file in po.files(first.language, directory)
        for message in po.messages(file)
    }
    for (context, name), message in found.items():
        if context in ("prompt", "sms", "keyword", "site"):
            yield context, name, [*message.auto_comments, f"{first.language}: {message.string}"]
