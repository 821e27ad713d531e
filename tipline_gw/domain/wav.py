"""A WAV header for speech whose end is not known yet.

RIFF has no way to say "until the end"; the largest length is what streaming programs write and
what players take for it. ``tips open`` writes the true length.
"""

import struct

RATE = 8000
PCM_RATE = 2 * RATE
"""Octets a second: 16 bit, mono."""

HEADER_OCTETS = 44

_STILL = bytes(4096)


def header(octets: int) -> bytes:
    """Canonical 44-octet header of 8 kHz 16-bit mono PCM with ``octets`` of data."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", min(octets + 36, 0xFFFFFFFF), b"WAVE",
        b"fmt ", 16, 1, 1, RATE, PCM_RATE, 2, 16,
        b"data", octets,
    )  # fmt: skip


def heard_octets(pcm: bytes | bytearray) -> int:
    """Octets of 16-bit samples up to the last one that is not zero. The zeros behind it hide how
    long a recording is, or stand for what the line lost at its end: nobody said them. Nothing is
    copied, because nobody would wipe the copy."""
    end = len(pcm)
    with memoryview(pcm) as view:
        while end and view[max(0, end - len(_STILL)) : end] == _STILL[-end:]:
            end = max(0, end - len(_STILL))
        while end and not view[end - 1]:
            end -= 1
    return end + end % 2


def streaming_header() -> bytes:
    return header(0xFFFFFFFF)
