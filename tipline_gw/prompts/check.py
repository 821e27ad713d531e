"""Says what a caller would miss: prompts that are not there, too long, clipped, or synthetic.

It reads the files and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from tipline_gw.errors import PromptError
from tipline_gw.prompts import manifest as manifests
from tipline_gw.prompts import names, sound
from tipline_gw.prompts.manifest import Entry, Manifest, Origin

BEFORE_TONE_SECONDS: Final = 8.0
"""All that is said before the tone, the language menu included: callers are in danger and hurry."""
LONGEST_SECONDS: Final = 40.0
"""One prompt. Whoever must say more than that should cut it in two."""
BEFORE_TONE: Final = "before-tone"
"""Stands in a finding for all the prompts before the tone together."""


class Problem(StrEnum):
    MISSING = "missing"
    UNREADABLE = "unreadable"
    CLIPPED = "clipped"
    TOO_LONG = "too-long"
    SYNTHETIC = "synthetic"


_TODO: Final = {
    Problem.MISSING: "run tipline-gw prompts build, or record it",
    Problem.UNREADABLE: "convert it: sox FILE -t raw -r 8000 -e signed -b 16 -c 1 NAME.sln",
    Problem.CLIPPED: "record it again, less loud",
    Problem.TOO_LONG: "use fewer words",
    Problem.SYNTHETIC: "record it with a human voice",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about one prompt. ``seconds``: how long it is, where that is known."""

    problem: Problem
    language: str
    name: str
    seconds: float | None = None

    @property
    def fatal(self) -> bool:
        """Whether a caller hears nothing where something should be said."""
        return self.problem in (Problem.MISSING, Problem.UNREADABLE)

    @property
    def todo(self) -> str:
        return _TODO[self.problem]


def check(directory: Path, languages: Sequence[str]) -> list[Finding]:
    """Everything found, in the order of the languages and of the dialog. Raises PromptError: a
    folder's manifest cannot be read."""
    findings: list[Finding] = []
    for language in languages:
        known = manifests.load(directory / language)
        for name in names.of_folder(languages, language):
            findings += _of_file(directory, language, name, known)
        findings += _of_all_before_tone(directory, languages, language)
    return findings


def before_tone_seconds(directory: Path, languages: Sequence[str], language: str) -> float:
    """How long a caller of ``language`` waits for the tone, choosing as soon as each menu ends."""
    menu = names.language_menu(languages)
    files = [directory / languages[0] / f"{name}.sln" for name in menu]
    files += [directory / language / f"{name}.sln" for name in names.before_tone(())]
    return sum(sound.seconds(_content(file) or b"") for file in files)


def _of_file(directory: Path, language: str, name: str, known: Manifest) -> Iterator[Finding]:
    content = _content(directory / language / f"{name}.sln")
    if content is None:
        yield Finding(Problem.MISSING, language, name)
        return
    length = round(sound.seconds(content), 2)
    if not content or len(content) % 2 or content.startswith(b"RIFF"):
        yield Finding(Problem.UNREADABLE, language, name)
        return
    if sound.clipped(content):
        yield Finding(Problem.CLIPPED, language, name, length)
    if length > LONGEST_SECONDS:
        yield Finding(Problem.TOO_LONG, language, name, length)
    if name not in names.GENERATED and _is_synthetic(content, known.get(name)):
        yield Finding(Problem.SYNTHETIC, language, name, length)


def _is_synthetic(content: bytes, entry: Entry | None) -> bool:
    """A file that was put in place of a synthetic one since the last build is a recording."""
    if entry is None or entry.origin is not Origin.SYNTHETIC:
        return False
    return manifests.digest_of(content) in entry.sounds


def _of_all_before_tone(
    directory: Path, languages: Sequence[str], language: str
) -> Iterator[Finding]:
    length = round(before_tone_seconds(directory, languages, language), 2)
    if length > BEFORE_TONE_SECONDS:
        yield Finding(Problem.TOO_LONG, language, BEFORE_TONE, length)


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PromptError(
            f"{file} cannot be read ({type(error).__name__})", "see its owner and permissions"
        ) from None
