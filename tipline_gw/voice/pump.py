"""Takes the audio of every recording under way off its socket: one thread, five times in two
seconds.

Why not the thread that each stream has anyway: to be woken costs it ten times what its 400 ms of
audio cost, since by then the processor's caches know nothing of it any more. Here one wake serves
all of them. What is done with the octets must not wait for anything: while one waits all do, and
their audio lies in the kernel.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from time import monotonic
from typing import Generic, TypeVar

from tipline_gw.errors import VoiceError

R = TypeVar("R")

SWEEP_SECONDS = 0.4
"""So late a key or a hang-up may be seen."""
IDLE_SECONDS = 1.5 * SWEEP_SECONDS
"""One sweep may come just before what it should have found; two in a row do not."""
WINDOW = 3400
"""Octets that the kernel is told to hold of a stream, about half of what comes between two sweeps.
When they have come, Asterisk's next frames stay with it, gathered, and go as one segment as soon
as these were read. A segment for each frame cost Asterisk most of the way here."""
_MOST = 16384
"""Octets taken of one stream a sweep, a second of audio: what piled up is worked off in turns."""


class Pump:
    """Its thread is started by ``start`` and ended by ``close``, which leaves no stream waiting."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._streams: list[Carried[object]] = []
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="audio-pump", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def carry(self, stream: Carried[R]) -> R | None:
        """What became of ``stream``: what its ``take`` or ``idle`` returned, in the pump's thread,
        or ``None`` at its end.

        Raises what these raise, and VoiceError when nothing comes for ``silence`` seconds.
        """
        with self._changed:
            if self._closed:
                return None
            self._streams.append(stream)  # type: ignore[arg-type]
            self._changed.notify()
        return stream.outcome.result()

    def _run(self) -> None:
        due = monotonic()
        while self._await(due):
            self._sweep()
            due = max(due + SWEEP_SECONDS, monotonic())
        for stream in self._streams:
            stream.end()

    def _sweep(self) -> None:
        """All are read, then all are worked on: each of the two finds its code in the caches."""
        streams = self._streams.copy()
        for stream in streams:
            stream.read()
        for stream in streams:
            if stream.over():
                self._streams.remove(stream)

    def _await(self, due: float) -> bool:
        """Until it is time and there is a stream; whether there is more to do at all."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed, max(0.0, due - monotonic()))
            self._changed.wait_for(lambda: self._closed or bool(self._streams))
            return not self._closed


class Carried(Generic[R]):
    """A stream on the non-blocking socket ``file``. ``take`` is handed what comes and when it was
    read, ``idle`` is called whenever nothing came for a while; either ends it by returning
    something."""

    def __init__(
        self,
        file: int,
        take: Callable[[bytes, float], R | None],
        idle: Callable[[], R | None],
        silence: float,
    ) -> None:
        self._file = file
        self._take = take
        self._idle = idle
        self._silence = silence
        self._heard = self._read_at = monotonic()
        self._data: bytes | None = None
        self._unread: Exception | None = None
        self.outcome: Future[R | None] = Future()

    def read(self) -> None:
        """What lies there, for ``over``, which also tells why it could not be read: there may be no
        memory for it just now. Raises nothing, since all streams are read by one thread."""
        try:
            self._data, self._read_at = _lying_there(self._file), monotonic()
        except Exception as error:
            self._unread = error

    def over(self) -> bool:
        """Hands on what was read; whether that was the last of it."""
        try:
            if self._unread is not None:
                raise self._unread
            return self._step()
        except Exception as error:
            # Its traceback would keep the audio in these frames alive.
            self.outcome.set_exception(error.with_traceback(None))
            return True

    def end(self) -> None:
        self.outcome.set_result(None)

    def _step(self) -> bool:
        data, self._data = self._data, None
        outcome = self._nothing() if data is None else None
        if data:
            self._heard = self._read_at
            outcome = self._take(data, self._read_at)
        if data == b"" or outcome is not None:
            self.outcome.set_result(outcome)
            return True
        return False

    def _nothing(self) -> R | None:
        waited = monotonic() - self._heard
        if waited >= self._silence:
            raise VoiceError("the channel sent no audio for some time")
        return self._idle() if waited >= IDLE_SECONDS else None


def _lying_there(file: int) -> bytes | None:
    """``None`` while nothing does; no octets at the end of the stream, however it came. Read until
    there is no more: what Asterisk held back comes when there is room for it (``WINDOW``)."""
    lying = b""
    with suppress(OSError):
        while len(lying) < _MOST and (data := _read(file)) != b"":
            if data is None:
                return lying or None
            lying += data
    return lying


def _read(file: int) -> bytes | None:
    try:
        return os.read(file, _MOST)
    except BlockingIOError:
        return None
