"""Writes the WAV files that recorders, telephones and editors write, in every kind there is."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

LINEAR, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE


def voice(seconds: float = 1.5, rate: int = 48000, height: float = 0.3) -> np.ndarray:
    """Not speech, but as uneven: syllables of a buzz between 120 and 3000 Hz."""
    moments = np.arange(round(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * 150 * k * moments + k * k) / k for k in range(1, 20))
    syllables = 0.55 - 0.45 * np.cos(2 * np.pi * 4 * moments)
    return np.asarray(height * syllables * buzz / np.abs(buzz).max())


def wav(
    signal: np.ndarray,
    rate: int = 48000,
    bits: int = 16,
    kind: int = LINEAR,
    extensible: bool = False,
    before: bytes = b"",
    length: int | None = None,
    container: int | None = None,
) -> bytes:
    """``signal``: a column a channel, or one channel. ``before``: chunks before the sound.
    ``container``: bits that each sample takes up, its own at the top."""
    columns = signal if signal.ndim == 2 else signal.reshape(-1, 1)
    data = encoded(columns, container or bits, kind)
    channels, frame = columns.shape[1], columns.shape[1] * (container or bits) // 8
    written = EXTENSIBLE if extensible else kind
    fmt = struct.pack("<HHIIHH", written, channels, rate, rate * frame, frame, bits)
    if extensible:
        tail = b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
        fmt += struct.pack("<HHIH", 22, bits, 0, kind) + tail
    chunks = chunk(b"fmt ", fmt) + before
    chunks += struct.pack("<4sI", b"data", len(data) if length is None else length) + data
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content + b"\x00" * (len(content) % 2)


def encoded(columns: np.ndarray, bits: int, kind: int) -> bytes:
    flat = columns.reshape(-1)
    if kind == FLOAT:
        return flat.astype("<f4" if bits == 32 else "<f8").tobytes()
    whole = np.rint(np.clip(flat, -1, 1) * ((1 << (bits - 1)) - 1)).astype(np.int64)
    if bits == 8:
        return (whole + 128).astype("u1").tobytes()
    octets = whole.astype("<i8").view("u1").reshape(-1, 8)[:, : bits // 8]
    return octets.tobytes()


def save(file: Path, signal: np.ndarray, rate: int = 48000, bits: int = 16) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(wav(signal, rate, bits))
    return file
