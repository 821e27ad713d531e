"""What the builder knows of a folder of prompts: which files are its own work, and of which words.

It exists so that a file that somebody recorded is never written over: only a file whose digest
stands here as synthetic is the builder's to change, and what is not known is somebody's work.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from tipline_gw.errors import PromptError

FILE: Final = "manifest.json"


class Origin(StrEnum):
    SYNTHETIC = "synthetic"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Entry:
    """One sound file. ``words``: the fingerprint of what it says; ``sounds``: the SHA-256 of the
    file. There are two of them only while a build replaces it, in case that is interrupted.

    ``source``: the fingerprint of the WAV it was made from, if it was; ``clipped``: its peaks were
    cut off there already.
    """

    origin: Origin
    words: str
    sounds: tuple[str, ...]
    source: str = ""
    clipped: bool = False


Manifest = dict[str, Entry]
"""By prompt name."""


def load(folder: Path) -> Manifest:
    """Empty where there is none. Raises PromptError: unreadable, or not what was written."""
    file = folder / FILE
    try:
        known = json.loads(file.read_bytes())
        return {name: _entry(value) for name, value in known["prompts"].items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unreadable(file, error) from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise PromptError(
            f"{file} cannot be read ({type(error).__name__})",
            "move it and the synthetic prompts away and build again: without it every file that"
            " is there counts as recorded",
        ) from None


def _entry(value: Any) -> Entry:
    return Entry(
        Origin(value["origin"]),
        str(value["words"]),
        tuple(map(str, value["sounds"])),
        str(value.get("source", "")),
        value.get("clipped", False) is True,
    )


def save(folder: Path, manifest: Manifest) -> None:
    prompts = {name: asdict(entry) for name, entry in sorted(manifest.items())}
    document = json.dumps({"version": 1, "prompts": prompts}, indent=1) + "\n"
    write(folder / FILE, document.encode())


def digest(file: Path) -> str | None:
    """SHA-256 of the file; ``None`` where there is none. Raises PromptError."""
    try:
        return digest_of(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(file, error) from None


def _unreadable(file: Path, error: OSError) -> PromptError:
    return PromptError(
        f"{file} cannot be read ({type(error).__name__})", "see its owner and permissions"
    )


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def remove(file: Path) -> None:
    """Raises PromptError."""
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise PromptError(
            f"{file} cannot be removed ({type(error).__name__})", "see its owner and permissions"
        ) from None


def write(file: Path, content: bytes) -> None:
    """All of it or nothing: a call never plays half a prompt. Raises PromptError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".part")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(content)
            # Asterisk runs as another user than whoever builds.
            temporary.chmod(0o644)
            temporary.replace(file)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise PromptError(
            f"{file} cannot be written ({type(error).__name__})", "see space and permissions"
        ) from None
