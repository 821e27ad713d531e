"""The folder of one language: which sounds and recordings lie in it, and whose work they are.

An operator records ``NAME.wav`` and lays it here; the sound that Asterisk plays is ``NAME.sln``
beside it, made from the recording or from the words. An ``.sln`` that somebody made by hand is a
recording, too. Nothing here changes a file.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from tipline_gw.errors import PromptError
from tipline_gw.prompts import manifest as manifests
from tipline_gw.prompts.manifest import Entry, Origin

LARGEST_RECORDING: Final = 64 * 1024 * 1024
"""Octets: three minutes of stereo at 44,100 Hz, 32 bit. A prompt is forty seconds."""

AS_WAV: Final = "save it as WAV, 16 bit PCM"

_NO_WAV: Final = frozenset(
    {".3gp", ".aac", ".aif", ".aiff", ".amr", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wma"}
)


class Folder:
    """``known`` is the manifest, to be brought up to date by who builds. ``unusable``: recordings
    of another kind than WAV."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.language = path.name
        self.known = manifests.load(path)
        self._wavs: dict[str, list[Path]] = {}
        files = sorted(path.glob("*"))
        self.unusable = [file for file in files if file.suffix.lower() in _NO_WAV]
        for file in files:
            # Recorders write .WAV.
            if file.suffix.lower() == ".wav" and file.is_file():
                self._wavs.setdefault(file.stem, []).append(file)

    def sound(self, name: str) -> Path:
        return self.path / f"{name}.sln"

    def recordings(self) -> dict[str, list[Path]]:
        """The WAV files, by the name of their prompt."""
        return dict(self._wavs)

    def wav(self, name: str) -> Path | None:
        """The recording of a prompt. Raises PromptError: there are two."""
        found = self._wavs.get(name, [])
        if len(found) > 1:
            raise PromptError(
                f"{found[0]} and {found[1].name} are the same prompt", "take one of them away"
            )
        return found[0] if found else None

    def state(self, name: str) -> tuple[str | None, Entry | None]:
        """The digest of a sound and what is known of it: an entry only if it is of this file.

        ``(digest, None)`` is what somebody made by hand. Raises PromptError: unreadable.
        """
        there, entry = manifests.digest(self.sound(name)), self.known.get(name)
        return there, entry if entry and there in entry.sounds else None

    def recorded(self, name: str) -> bool:
        """Whether there is a human voice for it. Raises PromptError: unreadable."""
        if self._wavs.get(name):
            return True
        there, entry = self.state(name)
        return there is not None and (entry is None or entry.origin is Origin.RECORDED)


def fingerprint(wav: Path) -> str:
    """Of a recording's content. One that cannot be read, or is too large to be one, has a
    fingerprint that no sound was made from: whoever takes it in is told why."""
    with contextlib.suppress(OSError, PromptError):
        if wav.stat().st_size <= LARGEST_RECORDING:
            return manifests.digest(wav) or "gone"
    return "unusable"
