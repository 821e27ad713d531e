"""Opens one exported file on the reviewer's machine. The only place where plaintext is written,
and only what the reviewer asked for, readable by the reviewer alone."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tipline_gw.domain.wav import HEADER_OCTETS, PCM_RATE, header, heard_octets, streaming_header
from tipline_gw.errors import OpenError
from tipline_gw.sealing.identities import Identity
from tipline_gw.sealing.opener import open_file

_FOREIGN = "the gateway gives nothing like it such a name: age -d -i KEY FILE shows what it is"
_CUT = "the file is cut short: export it again"


@dataclass(frozen=True, slots=True)
class Opened:
    """What came out of ``file``: an envelope, or a recording written to a .wav file, ``seconds``
    long."""

    file: str
    truncated: bool
    envelope: dict[str, Any] | None = None
    recording: str | None = None
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value is not None}


def open_exported(file: Path, identities: Sequence[Identity], output: Path | None) -> Opened:
    """Raises OpenError if nothing of it can be read."""
    plaintext, truncated = _plaintext(file, identities)
    if file.name.endswith(".wav.age"):
        target = (output or file.parent) / file.name.removesuffix(".age")
        return _recording(file, plaintext, truncated, target)
    return Opened(str(file), truncated, envelope=_envelope(plaintext, truncated))


def _plaintext(file: Path, identities: Sequence[Identity]) -> tuple[bytes, bool]:
    """What is whole, and whether the file is cut short behind it."""
    sink = io.BytesIO()
    try:
        open_file(file, identities, sink)
    except OpenError as error:
        if not error.truncated or not sink.tell():
            raise
        return sink.getvalue(), True
    return sink.getvalue(), False


def _envelope(plaintext: bytes, truncated: bool) -> dict[str, Any]:
    """Anybody can seal to the reviewer's key: what could not be printed later is refused here."""
    try:
        envelope = json.loads(plaintext)
        # Half a surrogate pair is no text, and what is no number is no JSON.
        json.dumps(envelope, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        envelope = None
    if not isinstance(envelope, dict) or not all(map(_is_plain, envelope.values())):
        raise OpenError("opened, but it holds no envelope", _CUT if truncated else _FOREIGN)
    return envelope


def _is_plain(value: object) -> bool:
    """Nothing nested, but for a list of numbers: depth costs whoever copies or prints it."""
    items = value if isinstance(value, list) else [value]
    return not any(isinstance(item, dict | list) for item in items)


def _recording(file: Path, plaintext: bytes, truncated: bool, target: Path) -> Opened:
    """The true length goes into the WAV header; the silence that hid it is dropped."""
    if not plaintext.startswith(streaming_header()):
        raise OpenError("opened, but it holds no recording", _FOREIGN)
    pcm = plaintext[HEADER_OCTETS:]
    octets = heard_octets(pcm)
    pcm = pcm[:octets].ljust(octets, b"\0")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, header(len(pcm)), pcm)
    except OSError as error:
        raise OpenError(f"{target}: cannot be written ({error.strerror})") from None
    return Opened(str(file), truncated, recording=str(target), seconds=len(pcm) / PCM_RATE)


def _replace(target: Path, *content: bytes) -> None:
    """What stands there stays until the new file is whole and on disk. It is never written into: it
    may be a link, or a file that others can read."""
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
            file.writelines(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
