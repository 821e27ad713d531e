"""Reads the RIFF/WAVE files of recorders, telephones and editors: linear PCM and floating point.

It refuses what it would have to guess at: compressed sound, a file that was cut off in copying,
what is too large to be a prompt; and it never reads more than that limit. Imports numpy, so
nothing that the daemon loads at its start imports this.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from tipline_gw.errors import PromptError
from tipline_gw.prompts.folder import AS_WAV, LARGEST_RECORDING
from tipline_gw.prompts.loudness import Signal

LONGEST_SECONDS: Final = 180
RATES: Final = (8000, 192_000)
CHANNELS: Final = 8

_LINEAR, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_UNKNOWN_LENGTH: Final = 0x7FFF0000
"""From here on (and 0) a length says that the writer did not know it, as in a pipe."""
_ABSURD: Final = 1000.0
"""Full scales. Nobody's floating point is so far over it, nor is what is not a number."""
_FULL_SCALE: Final = 0.9999
_FLAT: Final = 4
"""So many samples at full scale in a row are a clipped peak, and not a lucky one."""


class Recording(NamedTuple):
    """The loudest channel, full scale at 1. ``clipped``: its peaks were cut off flat."""

    rate: int
    signal: Signal
    clipped: bool


class _Format(NamedTuple):
    kind: int
    channels: int
    rate: int
    bits: int


def load(file: Path) -> Recording:
    """Raises PromptError that names the file."""
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_RECORDING + 1)
    except OSError as error:
        raise PromptError(
            f"{file} cannot be read ({type(error).__name__})", "see its owner and permissions"
        ) from None
    try:
        return parse(content)
    except PromptError as error:
        raise PromptError(f"{file}: {error.what}", error.todo) from None


def parse(content: bytes) -> Recording:
    """Raises PromptError: not a WAV, not one of the formats, cut off, too large, or no sound."""
    if len(content) > LARGEST_RECORDING:
        raise PromptError(f"larger than {LARGEST_RECORDING >> 20} MiB", "record one prompt a file")
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise PromptError("not a WAV file", AS_WAV)
    described, data = None, None
    for name, chunk in _chunks(memoryview(content)):
        if name == b"fmt " and described is None:
            described = _format(chunk)
        elif name == b"data" and data is None:
            data = chunk
    if described is None or data is None:
        raise PromptError("a WAV file without its sound", "record it, or copy it, again")
    return _loudest(described, _samples(described, bytes(data)))


def _chunks(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at = 12
    while at + 8 <= len(content):
        name, length = struct.unpack_from("<4sI", content, at)
        at += 8
        if name == b"data" and (not length or length >= _UNKNOWN_LENGTH):
            length = len(content) - at
        if name == b"data" and length > len(content) - at:
            raise PromptError("it is cut off", "copy it again, whole")
        yield name, content[at : at + length]
        at += length + length % 2


def _format(chunk: memoryview) -> _Format:
    if len(chunk) < 16:
        raise PromptError("its format is not stated", AS_WAV)
    kind, channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", chunk)
    if kind == _EXTENSIBLE and len(chunk) >= 26:
        (kind,) = struct.unpack_from("<H", chunk, 24)
    if (kind, bits) not in _SAMPLES:
        raise PromptError("compressed, or an unusual format", AS_WAV)
    if not RATES[0] <= rate <= RATES[1] or not 1 <= channels <= CHANNELS:
        raise PromptError(
            "an unusual rate or number of channels", "save it at 44,100 or 48,000 Hz, mono"
        )
    if frame != channels * bits // 8:  # as 24 bit in four octets each: read closely, it is noise
        raise PromptError("its samples are not packed closely", AS_WAV)
    return _Format(kind, channels, rate, bits)


def _samples(described: _Format, data: bytes) -> Signal:
    """A column a channel."""
    frame = described.channels * described.bits // 8
    whole = data[: len(data) // frame * frame]
    if not whole:
        raise PromptError("a WAV file without its sound", "record it, or copy it, again")
    if len(whole) > frame * described.rate * LONGEST_SECONDS:
        raise PromptError(f"longer than {LONGEST_SECONDS} s", "record one prompt a file")
    samples = _SAMPLES[described.kind, described.bits](whole)
    if not (np.abs(samples) < _ABSURD).all():
        raise PromptError("it holds values that are no sound", AS_WAV)
    return np.asarray(samples.reshape(-1, described.channels))


def _loudest(described: _Format, samples: Signal) -> Recording:
    """Not their mean: two microphones in opposite phase would leave nothing."""
    signal = samples[:, int(np.argmax(samples.var(axis=0)))]
    return Recording(described.rate, np.ascontiguousarray(signal), _clipped(signal))


def _clipped(signal: Signal) -> bool:
    full = np.abs(signal) >= _FULL_SCALE
    runs = np.convolve(full, np.ones(_FLAT), "valid") if len(full) >= _FLAT else np.zeros(1)
    return bool((runs >= _FLAT - 0.5).any())


def _of_8(data: bytes) -> Signal:
    return (np.frombuffer(data, dtype="u1").astype(np.float64) - 128) / 127


def _of_16(data: bytes) -> Signal:
    return np.frombuffer(data, dtype="<i2").astype(np.float64) / 0x7FFF


def _of_24(data: bytes) -> Signal:
    octets = np.frombuffer(data, dtype="u1").reshape(-1, 3).astype(np.int32)
    value = (octets[:, 0] << 8) | (octets[:, 1] << 16) | (octets[:, 2] << 24)
    return (value >> 8).astype(np.float64) / 0x7FFFFF


def _of_32(data: bytes) -> Signal:
    return np.frombuffer(data, dtype="<i4").astype(np.float64) / 0x7FFFFFFF


def _of_float(data: bytes) -> Signal:
    with np.errstate(invalid="ignore"):  # a NaN that signals: what is no number is seen to later
        return np.frombuffer(data, dtype="<f4").astype(np.float64)


def _of_double(data: bytes) -> Signal:
    return np.frombuffer(data, dtype="<f8").astype(np.float64)


_SAMPLES: Final = {
    (_LINEAR, 8): _of_8,
    (_LINEAR, 16): _of_16,
    (_LINEAR, 24): _of_24,
    (_LINEAR, 32): _of_32,
    (_FLOAT, 32): _of_float,
    (_FLOAT, 64): _of_double,
}
