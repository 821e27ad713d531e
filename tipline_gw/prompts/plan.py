"""Which sound a caller hears for each prompt of each language: the one place that decides it.

A prompt is heard in the caller's language if somebody recorded it or a synthetic voice speaks it;
else in the first language of the stated order of which that is true. What is built, what is
checked and what is laid before Asterisk all follow from this.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from tipline_gw.prompts import manifest as manifests
from tipline_gw.prompts import names, po
from tipline_gw.prompts.catalogue import Catalogue, Voice
from tipline_gw.prompts.folder import Folder

VERSION: Final = 2
"""Of the sound processing: raise it and what it made is made again."""

_NOBODY: Final = Voice("", 0, 0)
_BEFORE_TONE: Final = frozenset(names.before_tone(()))


class Piece(NamedTuple):
    """One sound file: what it says (nothing where arithmetic makes it), and which voice can speak
    it, if any."""

    language: str
    name: str
    text: str
    voice: Voice

    @property
    def label(self) -> str:
        return f"{self.language}/{self.name}"

    @property
    def generated(self) -> bool:
        return self.name in names.GENERATED

    @property
    def hurried(self) -> bool:
        offer = self.name.startswith(names.language(""))
        return offer or self.name in _BEFORE_TONE or names.is_greeting(self.name)

    @property
    def speed(self) -> int:
        return self.voice.hurried if self.hurried else self.voice.words_per_minute

    @property
    def sounding(self) -> str:
        """The fingerprint of all that decides how it sounds, synthesised."""
        said = [VERSION, self.name, self.text, self.voice.name, self.speed]
        return manifests.digest_of(json.dumps(said).encode())

    @property
    def wording(self) -> str:
        """The fingerprint of what a person is to say."""
        return manifests.digest_of(json.dumps([self.name, self.text]).encode())


@dataclass(frozen=True, slots=True)
class Plan:
    """``heard``: for each language of the line and each of its prompts, the sound that is heard.
    ``folders``: by language, those that stand in included."""

    heard: Mapping[tuple[str, str], Piece]
    folders: Mapping[str, Folder]

    def pieces(self) -> tuple[Piece, ...]:
        """Every file once."""
        return tuple({piece.label: piece for piece in self.heard.values()}.values())


def plan(directory: Path, languages: Sequence[str], emergency: str) -> Plan:
    """Raises ConfigError for a catalogue, PromptError for a folder that cannot be read."""
    catalogues = {language: Catalogue.load(language, directory) for language in languages}
    chains = [each for catalogue in catalogues.values() for each in catalogue.chain]
    folders = {each.language: Folder(directory / each.language) for each in chains}
    heard = {
        (language, name): _heard(catalogue, name, emergency, folders)
        for language, catalogue in catalogues.items()
        for name in _names(catalogue, languages, folders[language])
    }
    for offer in _offers(catalogues, languages):
        heard[languages[0], offer.name] = offer
    return Plan(heard, folders)


def sounds(directory: Path, language: str) -> list[Path]:
    """The files that Asterisk is to play for ``language``: its own, and for what it lacks those
    that stand in. Raises ConfigError for the catalogue."""
    found: dict[str, Path] = {}
    for each in Catalogue.load(language, directory).chain:
        for file in sorted((directory / each.language).glob("*.sln")):
            # The language menu is that of one folder, with the keys of that line.
            if each.language == language or not file.name.startswith(names.language("")):
                found.setdefault(file.name, file)
    return list(found.values())


def _names(catalogue: Catalogue, languages: Sequence[str], folder: Folder) -> Iterator[str]:
    """Those of the dialog, and those that an operator added with or without words, such as the
    greeting of a number."""
    # The places of the offers are kept, because reports follow the dialog's order.
    yield from names.of_folder(languages, catalogue.language)
    known = {names.LANGUAGE_CHOICE, *names.SAID, *names.GENERATED}
    recorded = (name for name in folder.recordings() if not name.startswith(names.language("")))
    added = dict.fromkeys((*catalogue.prompt_names(), *filter(po.is_name, recorded)))
    yield from (name for name in added if name not in known)


def _heard(catalogue: Catalogue, name: str, emergency: str, folders: Mapping[str, Folder]) -> Piece:
    if name in names.GENERATED or name.startswith(names.language("")):
        return Piece(catalogue.language, name, "", _NOBODY)
    if name not in catalogue.prompt_names():
        return Piece(catalogue.language, name, "", _NOBODY)
    options = [_piece(each, catalogue, name, emergency) for each in catalogue.chain]
    for piece in options:
        if piece.voice.name or folders[piece.language].recorded(name):
            return piece
    return options[0]


def _piece(speaking: Catalogue, asked: Catalogue, name: str, emergency: str) -> Piece:
    """A language without words of its own for it is recorded after the words that stand in, and
    no synthetic voice reads another language's words."""
    if name in speaking.prompts:
        text = speaking.spoken(name, emergency)
        return Piece(speaking.language, name, text, speaking.voice)
    return Piece(speaking.language, name, asked.spoken(name, emergency), _NOBODY)


def _offers(catalogues: Mapping[str, Catalogue], languages: Sequence[str]) -> Iterator[Piece]:
    """The language menu: each in its own name, said by the voice that speaks for it."""
    keys = {names.language(code): (code, str(key)) for key, code in enumerate(languages, 1)}
    for name in names.language_menu(languages):
        code, key = keys[name]
        text = catalogues[code].spoken(names.LANGUAGE_CHOICE, key=key)
        yield Piece(languages[0], name, text, catalogues[code].speaker)
