"""A recording whose voice is changed before it is sealed: what was really said goes nowhere."""

from __future__ import annotations

from typing import Protocol

from tipline_gw.domain.dialog import Ended
from tipline_gw.domain.intake import Recording
from tipline_gw.errors import TiplineError


class Disguising(Protocol):
    """Sample for sample as long as what it is fed, once it is flushed."""

    def feed(self, pcm: bytes | memoryview) -> bytes: ...

    def flush(self) -> bytes: ...


class ChangedRecording:
    """A Recording in front of another. It holds some audio back, until ``finish``."""

    def __init__(self, recording: Recording, disguise: Disguising) -> None:
        self._recording = recording
        self._disguise = disguise

    @property
    def room(self) -> float:
        return self._recording.room

    def write(self, pcm: bytes | bytearray | memoryview) -> None:
        changed = self._disguise.feed(bytes(pcm) if isinstance(pcm, bytearray) else pcm)
        if changed:
            self._recording.write(changed)

    def finish(self, ended: Ended, *, spoken: bool = True) -> None:
        try:
            if rest := self._disguise.flush():
                self._recording.write(rest)
        except TiplineError:
            self._recording.finish(Ended.FAILED, spoken=spoken)
            raise
        self._recording.finish(ended, spoken=spoken)
