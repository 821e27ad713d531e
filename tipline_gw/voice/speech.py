"""What is done with a channel's audio: recording it, and letting the caller hear it again.

Nothing is gathered up here: each frame goes to the recording as it comes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from tipline_gw.domain.dialog import Ended
from tipline_gw.domain.intake import Recording
from tipline_gw.errors import TiplineError, VoiceError
from tipline_gw.voice.audiosocket import SILENCE_SECONDS, AudioStream
from tipline_gw.voice.channel import KEYS
from tipline_gw.voice.frames import FRAME, FRAME_SECONDS, RATE, SAMPLE, Frame, Kind

STOP_KEY = "#"


@dataclass(frozen=True, slots=True)
class Taken:
    """How a recording ended, and the seconds of speech that went to its sink."""

    ended: Ended
    seconds: float


def record(
    stream: AudioStream, sink: Recording, longest: float, silence: float = SILENCE_SECONDS
) -> Taken:
    """Writes what is said to ``sink`` until ``#``, hang-up or ``longest`` seconds, then gives
    the channel back. Does not finish the sink.

    A sink that takes no more, or a stream that breaks off, ends it as ``FAILED``; it raises
    nothing of TiplineError, since what was written stands.
    """
    recorder = _Recorder(sink, longest)
    ended = recorder.run(stream, silence)
    if ended is not Ended.HANGUP:
        stream.give_back()
    return Taken(ended, recorder.octets / (RATE * SAMPLE))


class _Recorder:
    def __init__(self, sink: Recording, longest: float) -> None:
        self._sink = sink
        self._most = int(longest * RATE) * SAMPLE
        # A telephone that sends nothing in pauses would stretch a recording without end.
        self._until = time.monotonic() + longest + 1.0
        self.octets = 0

    def run(self, stream: AudioStream, silence: float) -> Ended:
        try:
            return stream.take_in(self._take, silence) or Ended.HANGUP
        except TiplineError:
            return Ended.FAILED

    def _take(self, frame: Frame) -> Ended | None:
        if frame.kind is Kind.AUDIO:
            return self._write(frame.payload)
        if frame.kind is Kind.DTMF:
            return Ended.KEY if key_of(frame) == STOP_KEY else None
        if frame.kind is Kind.HANGUP:
            return Ended.HANGUP
        # An error, or audio at a rate that was not asked for: not to be sealed as speech.
        return Ended.FAILED

    def _write(self, pcm: bytes) -> Ended | None:
        piece = pcm[: self._most - self.octets]
        self._sink.write(piece)
        self.octets += len(piece)
        over = self.octets >= self._most or time.monotonic() > self._until
        return Ended.LIMIT if over else None


def play(stream: AudioStream, pcm: memoryview) -> str:
    """Sends ``pcm`` at the pace of speech; the key that interrupted it, or nothing at its end.

    VoiceError when the stream breaks off or the caller hangs up; the channel says which.
    """
    start = time.monotonic()
    for number, offset in enumerate(range(0, len(pcm), FRAME)):
        stream.send_audio(pcm[offset : offset + FRAME])
        key = _pressed(stream)
        if key:
            break
        _sleep_until(start + (number + 1) * FRAME_SECONDS)
    else:
        key = ""
    stream.give_back()
    return key


def _pressed(stream: AudioStream) -> str:
    frames = stream.pending()
    if frames is None or any(frame.kind in (Kind.HANGUP, Kind.ERROR) for frame in frames):
        raise VoiceError("the channel's audio ended while it was played to")
    keys = [key_of(frame) for frame in frames if frame.kind is Kind.DTMF]
    return next((key for key in keys if key), "")


def key_of(frame: Frame) -> str:
    """The key of a DTMF frame; nothing for octets that are no key of a telephone."""
    key = frame.payload.decode("latin-1")
    return key if key in KEYS else ""


def _sleep_until(moment: float) -> None:
    left = moment - time.monotonic()
    if left > 0:
        time.sleep(left)
