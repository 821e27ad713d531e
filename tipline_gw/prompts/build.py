"""Makes the sound files of the prompts that nobody recorded, from the text catalogues.

A line must speak before anybody had time to record it, and it must never speak old words after
they were changed, nor lose a recording to a synthetic voice. So this builds what is missing or
was reworded, leaves alone what is current, and never writes over a file that it did not make.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from tipline_gw.prompts import manifest as manifests
from tipline_gw.prompts import names, sound
from tipline_gw.prompts.catalogue import Catalogue, Voice
from tipline_gw.prompts.check import Finding, check
from tipline_gw.prompts.manifest import Entry, Manifest, Origin
from tipline_gw.prompts.speech import Speak, espeak

__all__ = ["Finding", "Report", "build", "check"]

Progress = Callable[[int, int], None]
"""Called with (made, to make) after each prompt made."""

_VERSION: Final = 2
"""Of the sound processing: raise it and every synthetic prompt is made again."""
_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE: Final = 0.35
_LONGEST_PAUSE_HURRIED: Final = 0.1
"""No shorter: the closure of a plosive is a pause, too."""


@dataclass(slots=True)
class Report:
    """What a build did; each prompt as ``<language>/<name>``.

    ``outdated``: recorded, but the words were changed since. ``unspoken``: espeak-ng has no
    voice for the language, so it waits for a recording.
    """

    built: list[str] = field(default_factory=list)
    recorded: list[str] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)
    unspoken: list[str] = field(default_factory=list)
    unchanged: int = 0


class _Piece(NamedTuple):
    """One file to be: what it says, or nothing where arithmetic makes it."""

    folder: Path
    name: str
    text: str
    voice: Voice

    @property
    def label(self) -> str:
        return f"{self.folder.name}/{self.name}"

    @property
    def file(self) -> Path:
        return self.folder / f"{self.name}.sln"

    @property
    def hurried(self) -> bool:
        return self.name in _HURRIED or self.name.startswith(names.language(""))

    @property
    def speed(self) -> int:
        return self.voice.hurried if self.hurried else self.voice.words_per_minute

    @property
    def words(self) -> str:
        """The fingerprint of all that decides how it sounds."""
        said = [_VERSION, self.name, self.text, self.voice.name, self.speed]
        return manifests.digest_of(json.dumps(said).encode())


_HURRIED: Final = frozenset(names.before_tone(()))


def build(
    directory: Path,
    languages: Sequence[str],
    emergency: str,
    progress: Progress | None = None,
    speak: Speak = espeak,
) -> Report:
    """Make ``<directory>/<language>/<name>.sln`` for all that is missing or was reworded.

    ``directory`` may hold an operator's own ``<language>.po``. ``emergency`` is the number said
    in the prompts. Raises ConfigError for a catalogue, PromptError for the rest; what was there
    before an error is still there and whole.
    """
    catalogues = {language: Catalogue.load(language, directory) for language in languages}
    report = Report()
    to_make: dict[Path, list[_Piece]] = {}
    known: dict[Path, Manifest] = {}
    for language in languages:
        folder = directory / language
        known[folder] = manifests.load(folder)
        pieces = _pieces(folder, catalogues, languages, emergency)
        to_make[folder] = [piece for piece in pieces if _is_ours(piece, known[folder], report)]
    made = _make([piece for pieces in to_make.values() for piece in pieces], speak, progress)
    for folder, pieces in to_make.items():
        _put(folder, known[folder], [(piece, made[piece]) for piece in pieces])
    report.built += [piece.label for piece in made]
    return report


def _pieces(
    folder: Path, catalogues: dict[str, Catalogue], languages: Sequence[str], emergency: str
) -> Iterable[_Piece]:
    mine = catalogues[folder.name]
    offers = {names.language(code): (code, str(key)) for key, code in enumerate(languages, 1)}
    for name in names.of_folder(languages, folder.name):
        if name in names.GENERATED:
            yield _Piece(folder, name, "", mine.voice)
        elif name in offers:
            other, key = offers[name]
            text = catalogues[other].spoken(names.LANGUAGE_CHOICE, key=key)
            yield _Piece(folder, name, text, catalogues[other].voice)
        else:
            yield _Piece(folder, name, mine.spoken(name, emergency), mine.voice)


def _is_ours(piece: _Piece, known: Manifest, report: Report) -> bool:
    """Whether ``piece`` is to be made; notes in the report why not, in ``known`` what is new."""
    there, entry = manifests.digest(piece.file), known.get(piece.name)
    if there is None:
        known.pop(piece.name, None)
        if piece.voice.name or not piece.text:
            return True
        report.unspoken.append(piece.label)
    elif entry is None or there not in entry.sounds or entry.origin is Origin.RECORDED:
        _note_recording(piece, there, known, report)
    elif entry.words != piece.words:
        return True
    else:
        report.unchanged += 1
    return False


def _note_recording(piece: _Piece, there: str, known: Manifest, report: Report) -> None:
    entry = known.get(piece.name)
    if entry is None or there not in entry.sounds:
        entry = known[piece.name] = Entry(Origin.RECORDED, piece.words, (there,))
    report.recorded.append(piece.label)
    if entry.words != piece.words:
        report.outdated.append(piece.label)


def _make(pieces: list[_Piece], speak: Speak, progress: Progress | None) -> dict[_Piece, bytes]:
    """All of them, side by side. The first that fails ends it, and nothing is written."""
    made: dict[_Piece, bytes] = {}
    with ThreadPoolExecutor(thread_name_prefix="prompts") as pool:
        try:
            for piece, content in zip(
                pieces, pool.map(partial(_sound, speak), pieces), strict=True
            ):
                made[piece] = content
                if progress:
                    progress(len(made), len(pieces))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return made


def _sound(speak: Speak, piece: _Piece) -> bytes:
    from tipline_gw.prompts import shaping

    if piece.name == names.TONE:
        return shaping.tone()
    if piece.name == names.PAUSE:
        return sound.silence(_PAUSE_SECONDS)
    pause = _LONGEST_PAUSE_HURRIED if piece.hurried else _LONGEST_PAUSE
    return shaping.synthetic(speak(piece.text, piece.voice.name, piece.speed), pause)


def _put(folder: Path, known: Manifest, made: list[tuple[_Piece, bytes]]) -> None:
    """Write the sounds. The manifest claims them before and settles after, so that a build that
    is cut off leaves no file of ours that a later one would take for a recording."""
    for piece, content in made:
        old = known.get(piece.name)
        new = manifests.digest_of(content)
        sounds = (*(old.sounds if old else ()), new)
        known[piece.name] = Entry(Origin.SYNTHETIC, old.words if old else "", sounds)
    if made:
        manifests.save(folder, known)
    for piece, content in made:
        manifests.write(piece.file, content)
        new = manifests.digest_of(content)
        known[piece.name] = Entry(Origin.SYNTHETIC, piece.words, (new,))
    if known != manifests.load(folder):
        manifests.save(folder, known)
