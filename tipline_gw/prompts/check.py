"""Says what a caller would miss: what is not there and what stands in for it, what is too long,
clipped, too soft or too loud, says old words, or is spoken by a machine.

It reads the files and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from tipline_gw.errors import PromptError
from tipline_gw.prompts import names, sound
from tipline_gw.prompts.build import source_of
from tipline_gw.prompts.catalogue import Catalogue
from tipline_gw.prompts.folder import Folder
from tipline_gw.prompts.manifest import Entry, Origin
from tipline_gw.prompts.plan import Piece, Plan, plan

BEFORE_TONE_SECONDS: Final = 8.0
"""All that is said before the tone, the language menu included: callers are in danger and hurry."""
LONGEST_SECONDS: Final = 40.0
"""One prompt. Whoever must say more than that should cut it in two."""
BEFORE_TONE: Final = "before-tone"
"""Stands in a finding for all the prompts before the tone together."""
TOLERANCE_LU: Final = 3.0
"""From the loudness that prompts are made at; more than that makes people move the telephone."""


class Problem(StrEnum):
    MISSING = "missing"
    UNREADABLE = "unreadable"
    NOT_BUILT = "not-built"
    OUTDATED = "outdated"
    CLIPPED = "clipped"
    TOO_LONG = "too-long"
    TOO_QUIET = "too-quiet"
    TOO_LOUD = "too-loud"
    SYNTHETIC = "synthetic"


_TODO: Final = {
    Problem.MISSING: "run tipline-gw prompts build, or record it",
    Problem.UNREADABLE: "take it away, lay a recording NAME.wav there, and build",
    Problem.NOT_BUILT: "its words or its recording changed: run tipline-gw prompts build",
    Problem.OUTDATED: "record it again: its words were changed since",
    Problem.CLIPPED: "record it again, less loud",
    Problem.TOO_LONG: "use fewer words",
    Problem.TOO_QUIET: "lay the recording there as NAME.wav and build: that sets how loud it is; "
    "if it is there, record it again",
    Problem.TOO_LOUD: "lay the recording there as NAME.wav and build: that sets how loud it is",
    Problem.SYNTHETIC: "record it with a human voice",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about one prompt, or with another ``kind`` (sms, keyword) about a text.

    ``seconds``: how long it is, ``loudness``: in LUFS, where that is known. ``stands_in``: the
    language that is heard or read in its place.
    """

    problem: Problem
    language: str
    name: str
    seconds: float | None = None
    stands_in: str | None = None
    loudness: float | None = None
    kind: str = "prompt"

    @property
    def fatal(self) -> bool:
        """Whether a caller hears nothing where something should be said."""
        silent = self.problem in (Problem.MISSING, Problem.UNREADABLE)
        return silent and self.stands_in is None

    @property
    def todo(self) -> str:
        if self.stands_in is None:
            return _TODO[self.problem]
        means = "record it" if self.kind == "prompt" else "translate it"
        return f"{self.stands_in} stands in until you {means}"


def check(directory: Path, languages: Sequence[str], emergency: str) -> list[Finding]:
    """Everything found, in the order of the languages and of the dialog. Raises ConfigError for a
    catalogue, PromptError where a folder cannot be read."""
    planned = plan(directory, languages, emergency)
    findings: list[Finding] = []
    for language in languages:
        pieces = {name: piece for (of, name), piece in planned.heard.items() if of == language}
        for piece in pieces.values():
            findings += _of_piece(language, piece, planned.folders[piece.language], languages)
        findings += _of_all_before_tone(planned, languages, language)
        findings += _texts(Catalogue.load(language, directory))
    return findings


def before_tone_seconds(directory: Path, languages: Sequence[str], language: str) -> float:
    """How long a caller of ``language`` waits for the tone, choosing as soon as each menu ends,
    and greeted with the longest greeting."""
    return _before_tone(plan(directory, languages, ""), languages, language)


def _before_tone(planned: Plan, languages: Sequence[str], language: str) -> float:
    menu = [planned.heard[languages[0], name] for name in names.language_menu(languages)]
    rest = [
        planned.heard[language, name] for name in names.before_tone(()) if name != names.WELCOME
    ]
    greetings = [
        piece for (of, name), piece in planned.heard.items()
        if of == language and names.is_greeting(name)
    ]  # fmt: skip
    longest = max(_seconds(planned, piece) for piece in greetings)
    return longest + sum(_seconds(planned, piece) for piece in (*menu, *rest))


def _seconds(planned: Plan, piece: Piece) -> float:
    return sound.seconds(_content(_file(planned, piece)) or b"")


def _file(planned: Plan, piece: Piece) -> Path:
    return planned.folders[piece.language].sound(piece.name)


def _of_piece(
    language: str, piece: Piece, folder: Folder, languages: Sequence[str]
) -> Iterator[Finding]:
    content = _content(folder.sound(piece.name))
    if piece.language != language and content:
        yield Finding(Problem.MISSING, language, piece.name, stands_in=piece.language)
        if piece.language in languages:
            return  # what else there is to say is said of that language
    if content is None:
        yield Finding(Problem.MISSING, language, piece.name)
    elif not content or len(content) % 2 or content.startswith(b"RIFF"):
        yield Finding(Problem.UNREADABLE, piece.language, piece.name)
    else:
        yield from _of_sound(piece, content, folder)


def _of_sound(piece: Piece, content: bytes, folder: Folder) -> Iterator[Finding]:
    length = round(sound.seconds(content), 2)
    _, entry = folder.state(piece.name)
    for problem in _made(piece, entry, folder):
        yield Finding(problem, piece.language, piece.name, length)
    if sound.clipped(content) or (entry and entry.clipped):
        yield Finding(Problem.CLIPPED, piece.language, piece.name, length)
    if length > LONGEST_SECONDS:
        yield Finding(Problem.TOO_LONG, piece.language, piece.name, length)
    if not piece.generated:
        yield from _loudness(piece, content, length)
    if entry and entry.origin is Origin.SYNTHETIC and not piece.generated:
        yield Finding(Problem.SYNTHETIC, piece.language, piece.name, length)


def _made(piece: Piece, entry: Entry | None, folder: Folder) -> Iterator[Problem]:
    """Whether it says what it should. What was made by hand since the last build is taken as it
    is: that build will learn of it."""
    wavs = folder.recordings().get(piece.name, [])
    synthetic = entry is not None and entry.origin is Origin.SYNTHETIC
    old = any(entry is None or entry.source != source_of(wav) for wav in wavs)
    if old or (entry and synthetic and entry.words != piece.sounding):
        yield Problem.NOT_BUILT
    elif entry and not synthetic and entry.words != piece.wording:
        yield Problem.OUTDATED


def _loudness(piece: Piece, content: bytes, length: float) -> Iterator[Finding]:
    from tipline_gw.prompts import shaping

    found = round(shaping.measured(content), 1)
    problem = None
    if found < sound.TARGET_LUFS - TOLERANCE_LU:
        problem = Problem.TOO_QUIET
    elif found > sound.TARGET_LUFS + TOLERANCE_LU:
        problem = Problem.TOO_LOUD
    if problem:
        # Silence has none, and minus infinity is no JSON.
        told = max(found, -99.9)
        yield Finding(problem, piece.language, piece.name, length, loudness=told)


def _of_all_before_tone(
    planned: Plan, languages: Sequence[str], language: str
) -> Iterator[Finding]:
    length = round(_before_tone(planned, languages, language), 2)
    if length > BEFORE_TONE_SECONDS:
        yield Finding(Problem.TOO_LONG, language, BEFORE_TONE, length)


def _texts(catalogue: Catalogue) -> Iterator[Finding]:
    """What another language writes in its place."""
    for kind, wanted in (("sms", names.WRITTEN), ("keyword", names.KEYWORDS)):
        for name in wanted:
            owner = catalogue.owner(kind, name).language
            if owner != catalogue.language:
                yield Finding(Problem.MISSING, catalogue.language, name, stands_in=owner, kind=kind)


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PromptError(
            f"{file} cannot be read ({type(error).__name__})", "see its owner and permissions"
        ) from None
