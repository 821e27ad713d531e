"""What is done with a channel's audio: recording it, and letting the caller hear it again.

Nothing is gathered up here: each frame goes to the recording as it comes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from tipline_gw.domain.dialog import EMPTY_SECONDS, Ended
from tipline_gw.domain.intake import Recording
from tipline_gw.errors import TiplineError, VoiceError
from tipline_gw.voice.activity import Activity
from tipline_gw.voice.audiosocket import IDLE, SILENCE_SECONDS, AudioStream
from tipline_gw.voice.channel import KEYS
from tipline_gw.voice.frames import FRAME, FRAME_SECONDS, RATE, SAMPLE, Frame, Kind
from tipline_gw.voice.keypad import Keypad, StopKey
from tipline_gw.voice.timeline import Timeline
from tipline_gw.voice.warning import Warner, warn_at

STOP_KEY = "#"
ALIVE_SECONDS = 1.0
"""Asterisk gives a channel up on which for two seconds nothing was said either way
(app_audiosocket): so often, at the next sweep, it is sent a moment of silence, while the caller is
silent."""
PRESS_SECONDS = 0.04
"""Taken for the length of a press. Where it comes as an event (RFC 4733) it lasts 80 ms at least
and there is no audio meanwhile; where it is a tone its own audio goes on."""
_SILENCE = bytes(FRAME)


@dataclass(frozen=True, slots=True)
class Taken:
    """How a recording ended, the seconds of speech that went to its sink, whether anybody spoke,
    and the keys pressed right after its end."""

    ended: Ended
    seconds: float
    spoken: bool = True
    keys: str = ""


def record(
    stream: AudioStream,
    sink: Recording,
    longest: float,
    silence: float | None = None,
    *,
    keypad: Keypad | None = None,
) -> Taken:
    """Writes what is said to ``sink`` until ``#``, hang-up or ``longest`` seconds, then gives
    the channel back. Does not finish the sink. Before the longest time is over a tone says so.
    What the line lost is silence in it. ``keypad``: of the call that the stream belongs to.
    ``silence``: seconds without a frame that end it as ``FAILED``. Unless told, the longest time is
    over before: some telephones send nothing while their caller is silent, frightened people
    hesitate, and who does so on any other telephone is waited for as long.

    A sink that takes no more, or a stream that breaks off, ends it as ``FAILED``; it raises
    nothing of TiplineError, since what was written stands.
    """
    keypad = keypad or Keypad()
    recorder = _Recorder(stream, sink, longest, keypad)
    ended = recorder.run(longest + SILENCE_SECONDS if silence is None else silence)
    if ended is not Ended.HANGUP:
        stream.give_back()
    seconds = recorder.octets / (RATE * SAMPLE)
    keys = recorder.keys + keys_of(stream.unread(), keypad)
    return Taken(ended, seconds, recorder.spoken, keys)


class _Recorder:
    def __init__(
        self,
        stream: AudioStream,
        sink: Recording,
        longest: float,
        keypad: Keypad,
    ) -> None:
        self._stream = stream
        self._sink = sink
        self._activity = Activity()
        self._warner = Warner(stream)
        self._keypad = keypad
        self._stop_key = StopKey()
        self._timeline = Timeline()
        self._most = int(longest * RATE) * SAMPLE
        self._warn_at = int(warn_at(longest) * RATE) * SAMPLE
        self._began = self._alive_at = time.monotonic()
        # A telephone that sends nothing in pauses would stretch a recording without end.
        self._until = self._began + longest + 1.0
        self.octets = 0
        self.keys = ""

    @property
    def spoken(self) -> bool:
        return self._activity.spoken

    def run(self, silence: float) -> Ended:
        try:
            return self._take_in(silence)
        except TiplineError:
            return Ended.FAILED
        finally:
            self._warner.stop()

    def _take_in(self, silence: float) -> Ended:
        try:
            return self._stream.take_in(self._take, silence) or Ended.HANGUP
        finally:
            self._write(self._timeline.settle())

    def _take(self, frame: Frame) -> Ended | None:
        if frame is IDLE:
            return self._idle()
        if frame.kind is Kind.AUDIO:
            return self._hear(frame)
        if frame.kind is Kind.DTMF:
            return self._press(key_of(frame))
        if frame.kind is Kind.HANGUP:
            return Ended.HANGUP
        # An error, or audio at a rate that was not asked for: not to be sealed as speech.
        return Ended.FAILED

    def _begun(self, at: float) -> bool:
        """A ``#`` sooner than that was pressed out of habit after the key before the tone."""
        return max(at - self._began, self.octets / (RATE * SAMPLE)) >= EMPTY_SECONDS

    def _idle(self) -> Ended | None:
        """A telephone that sends nothing while nobody speaks."""
        now = time.monotonic()
        if now - self._alive_at >= ALIVE_SECONDS:
            self._alive_at = now
            with suppress(VoiceError):
                self._stream.send_beside(_SILENCE)
        full = self._write(self._timeline.settle())
        if self._stop_key.idle(now):
            return Ended.KEY
        return Ended.LIMIT if now > self._until else full

    def _hear(self, frame: Frame) -> Ended | None:
        pcm, stream = frame.payload, self._stream
        self._alive_at = time.monotonic()
        self._activity.feed(pcm)
        ahead = _audio_octets(stream.following)
        pieces = self._timeline.put(pcm, ahead, stream.came_at, frame.packet)
        full = self._write(pieces)
        return Ended.KEY if self._stop_key.heard(pcm) else full

    def _press(self, key: str) -> Ended | None:
        at = _pressed_at(self._stream.following, self._stream.came_at)
        full = self._write(self._timeline.release())
        key = self._keypad.press(key, at) if self._begun(at) else ""
        if key == STOP_KEY:
            return Ended.KEY if self._stop_key.pressed(at) else full
        if key and self._stop_key.doubted:
            # Who presses on after the hash has done speaking: this key is for the menu.
            self.keys += key
            return Ended.KEY
        return full

    def _write(self, pieces: list[bytes]) -> Ended | None:
        """Whether that is all that may be said."""
        full = [self._write_piece(piece) for piece in pieces]
        return Ended.LIMIT if any(full) else None

    def _write_piece(self, pcm: bytes) -> bool:
        piece = pcm[: self._most - self.octets]
        self._sink.write(piece)
        if self.octets < self._warn_at <= self.octets + len(piece):
            self._warner.begin()
        self.octets += len(piece)
        return self.octets >= self._most or time.monotonic() > self._until


def play(stream: AudioStream, pcm: memoryview, *, keypad: Keypad | None = None) -> str:
    """Sends ``pcm`` at the pace of speech; the keys that interrupted it, or nothing at its end.
    ``keypad``: of the call that the stream belongs to.

    VoiceError when the stream breaks off or the caller hangs up; the channel says which.
    """
    keypad = keypad or Keypad()
    start = time.monotonic()
    keys = ""
    for number, offset in enumerate(range(0, len(pcm), FRAME)):
        stream.send_audio(pcm[offset : offset + FRAME])
        keys = _pressed(stream, keypad)
        if keys:
            break
        _sleep_until(start + (number + 1) * FRAME_SECONDS)
    stream.give_back()
    return keys + keys_of(stream.unread(), keypad)


def _pressed(stream: AudioStream, keypad: Keypad) -> str:
    frames = stream.pending()
    if frames is None or any(frame.kind in (Kind.HANGUP, Kind.ERROR) for frame in frames):
        raise VoiceError("the channel's audio ended while it was played to")
    return keys_of(frames, keypad)


def keys_of(frames: Sequence[Frame], keypad: Keypad) -> str:
    """The keys pressed among ``frames``, which were just read, but for ``#``, which answers
    nothing: people press it after a choice, out of habit."""
    now = time.monotonic()
    said = ((key_of(frame), frames[at:]) for at, frame in enumerate(frames, 1) if _is_key(frame))
    keys = [keypad.press(key, _pressed_at(rest, now)) for key, rest in said if key]
    return "".join(key for key in keys if key != STOP_KEY)


def _pressed_at(following: Sequence[Frame], read_at: float) -> float:
    """When a key was pressed before which, at ``read_at``, all this had come: many frames are read
    at a time, and what counts is how far apart its keys were."""
    keys = sum(map(_is_key, following))
    return read_at - _audio_octets(following) / (RATE * SAMPLE) - keys * PRESS_SECONDS


def _audio_octets(frames: Sequence[Frame]) -> int:
    return sum(len(frame.payload) for frame in frames if frame.kind is Kind.AUDIO)


def _is_key(frame: Frame) -> bool:
    return frame.kind is Kind.DTMF


def key_of(frame: Frame) -> str:
    """The key of a DTMF frame; nothing for octets that are no key of a telephone."""
    key = frame.payload.decode("latin-1")
    return key if key in KEYS else ""


def _sleep_until(moment: float) -> None:
    left = moment - time.monotonic()
    if left > 0:
        time.sleep(left)
