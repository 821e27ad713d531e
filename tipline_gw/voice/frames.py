"""The AudioSocket protocol as values: octets in, frames out. No I/O.

A frame is ``kind(1) length(2, big-endian) payload``
(docs.asterisk.org, Configuration/Channel-Drivers/AudioSocket).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum

from tipline_gw.errors import VoiceError

HEADER = 3
RATE = 8000
"""Samples a second of ``Kind.AUDIO``: signed linear, 16 bit, little-endian, mono."""
SAMPLE = 2
FRAME_SECONDS = 0.02
FRAME = int(RATE * FRAME_SECONDS) * SAMPLE
"""Octets of the audio in a frame as Asterisk sends them: 320, for 20 ms."""

MOST = 8192
"""Octets of the longest payload taken: half a second, far over any packet time."""


class Kind(IntEnum):
    HANGUP = 0x00
    UUID = 0x01
    DTMF = 0x03
    AUDIO = 0x10
    AUDIO_12 = 0x11
    AUDIO_16 = 0x12
    AUDIO_24 = 0x13
    AUDIO_32 = 0x14
    AUDIO_44 = 0x15
    AUDIO_48 = 0x16
    AUDIO_96 = 0x17
    AUDIO_192 = 0x18
    ERROR = 0xFF


_KINDS = {kind.value: kind for kind in Kind}
_LENGTHS = {Kind.HANGUP: (0, 1), Kind.UUID: (16, 16), Kind.DTMF: (1, 1), Kind.ERROR: (0, 16)}
_ANY = (0, MOST)


@dataclass(frozen=True, slots=True)
class Frame:
    """``packet``: octets of audio that each telephone packet in ``payload`` had."""

    kind: Kind
    payload: bytes
    packet: int = field(default=FRAME, compare=False)

    def to_bytes(self) -> bytes:
        return bytes((self.kind,)) + len(self.payload).to_bytes(2, "big") + self.payload


_STRIDE = HEADER + FRAME
_PLAIN = re.escape(bytes((Kind.AUDIO,)) + FRAME.to_bytes(2, "big"))
_RUN = re.compile(b"(?:%b.{%d}){1,%d}" % (_PLAIN, FRAME, MOST // FRAME), re.DOTALL)
"""Plain frames that follow one another, whole ones only."""

GIVE_BACK = Frame(Kind.HANGUP, b"").to_bytes()
"""Sent to Asterisk it ends the application, and the channel goes on with its AGI script."""


class FrameReader:
    """``feed`` octets as they come; whole frames come out, the rest waits: never more than one
    frame of it. At the first octets that are no AudioSocket the frames before them still come
    out; VoiceError after that, or at once if there are none.

    Frames of 20 ms of audio that follow one another come out as one, of up to ``MOST`` octets: ten
    lie there at a time, and each taken by itself was most of what a call cost."""

    def __init__(self) -> None:
        self._rest = b""
        self._broken = False

    @property
    def waiting(self) -> int:
        """Octets kept of a frame that is not whole yet."""
        return len(self._rest)

    def check(self) -> None:
        """VoiceError if what was fed last went on with something that is no frame."""
        if self._broken:
            raise VoiceError("a frame that AudioSocket does not have")

    def feed(self, data: bytes) -> list[Frame]:
        self.check()
        data = self._rest + data if self._rest else data
        frames: list[Frame] = []
        start = 0
        while len(data) - start >= HEADER and not self._broken:
            if run := _RUN.match(data, start):
                frames.append(Frame(Kind.AUDIO, _audio(run[0])))
                start = run.end()
                continue
            kind = _KINDS.get(data[start])
            length = int.from_bytes(data[start + 1 : start + HEADER], "big")
            end = start + HEADER + length
            if kind is None or not _fits(kind, length):
                self._broken = True
                start = len(data)
            elif end <= len(data):
                frames.append(Frame(kind, data[start + HEADER : end], length))
                start = end
            else:
                break
        self._rest = data[start:]
        if not frames:
            self.check()
        return frames


def _audio(run: bytes) -> bytes:
    """The payloads of plain frames: column by column their headers are taken out."""
    audio = bytearray(run)
    for left in range(HEADER):
        del audio[:: _STRIDE - left]
    return bytes(audio)


def _fits(kind: Kind, length: int) -> bool:
    least, most = _LENGTHS.get(kind, _ANY)
    return least <= length <= most
