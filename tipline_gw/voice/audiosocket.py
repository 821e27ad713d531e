"""The AudioSocket server: Asterisk connects here with a channel's audio, when it was told to.

A call announces a one-time token (``expect``), tells Asterisk to connect with it, and gets back
what became of the stream. A connection with no token, or one that is not announced, is closed:
nobody on this machine can listen in or speak into a call by connecting first. No audio is kept
here: it goes on to the handler as it arrives.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from time import monotonic
from typing import Generic, TypeVar

import structlog

from tipline_gw.errors import VoiceError
from tipline_gw.voice.frames import FRAME, GIVE_BACK, HEADER, Frame, FrameReader, Kind
from tipline_gw.voice.listener import Listener
from tipline_gw.voice.lobby import Reason, TurnedAway, Verdict
from tipline_gw.voice.pump import WINDOW, Carried, Pump

_log = structlog.get_logger()

TOKEN_SECONDS = 5.0
SILENCE_SECONDS = 30.0
"""A channel that sends nothing at all for so long is gone, though nobody said so: if not told
otherwise."""
GRACE_SECONDS = 0.5
PATIENCE_SECONDS = 2.0
_CHUNK = 65536
_TOKEN = 16
_TOKEN_HEADER = bytes((Kind.UUID,)) + _TOKEN.to_bytes(2, "big")
_GIVE_BACK_SECONDS = 2.0

R = TypeVar("R")
T = TypeVar("T")

IDLE = Frame(Kind.AUDIO, b"")
"""Given in place of a frame when none came for some time (:mod:`tipline_gw.voice.pump`)."""


class AudioStream:
    """One connection after its token: frames in, audio out. Used by one thread."""

    def __init__(
        self, connection: socket.socket, reader: FrameReader, first: list[Frame], pump: Pump
    ) -> None:
        self._socket = connection
        self._pump = pump
        self._reader = reader
        self._first = first
        self.came_at = monotonic()
        """When what is given now was read."""
        self._beside = threading.Lock()
        self._owed = b""
        """What Asterisk has not taken yet of a frame of which it has the beginning."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def take_in(
        self, take: Callable[[Frame], R | None], silence: float = SILENCE_SECONDS
    ) -> R | None:
        """Hands every frame to ``take`` until that returns something, which is returned; ``None``
        when the stream ends first. ``take`` runs in a thread that others share: it must not wait.

        Raises what ``take`` raises; VoiceError after ``silence`` seconds without a frame, and for
        what is no frame. ``take`` is given ``IDLE`` whenever nothing came for a while.
        """
        outcome = self._hand_over(take)
        if outcome is not None:
            return outcome
        self._socket.setblocking(False)
        # Else each frame is acknowledged by itself, which costs Asterisk as much as sending it.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        stream = Carried(
            self._socket.fileno(),
            lambda data, read_at: self._feed(data, read_at, take),
            lambda: take(IDLE),
            silence,
        )
        return self._pump.carry(stream)

    def _feed(self, data: bytes, read_at: float, take: Callable[[Frame], R | None]) -> R | None:
        self.came_at = read_at
        self._first += self._reader.feed(data)
        outcome = self._hand_over(take)
        if outcome is None:
            self._reader.check()
        return outcome

    def _hand_over(self, take: Callable[[Frame], R | None]) -> R | None:
        """Whoever stops in the middle finds the rest in ``unread``."""
        while self._first:
            outcome = take(self._first.pop(0))
            if outcome is not None:
                return outcome
        return None

    @property
    def following(self) -> Sequence[Frame]:
        """What came together with the last frame given, and is given next. Not a copy, which each
        frame would cost: to be looked at before the next one is given."""
        return self._first

    def unread(self) -> list[Frame]:
        """What came after the last frame that was taken, as far as it is here."""
        return self._take_first()

    def pending(self) -> list[Frame] | None:
        """What lies there now, without waiting; ``None`` once the stream has ended. VoiceError
        for what is no frame."""
        self._reader.check()
        frames = self._take_first()
        data = self._receive_now()
        if data is None:
            return frames
        return frames + self._reader.feed(data) if data else None

    def send_audio(self, pcm: memoryview, timeout: float = 2.0) -> None:
        """One frame of at most 320 octets, the last of a piece filled up with silence.
        VoiceError when Asterisk takes it no more."""
        payload = bytes(pcm).ljust(FRAME, b"\0")
        try:
            self._socket.settimeout(timeout)
            self._socket.sendall(Frame(Kind.AUDIO, payload).to_bytes())
        except OSError:
            raise VoiceError("the channel took no more audio") from None

    def send_beside(self, pcm: bytes) -> None:
        """One whole frame, from any thread; waits for nothing. The rest of one that Asterisk took
        in part goes in the place of the next. VoiceError when Asterisk takes it no more."""
        with self._beside:
            octets = self._owed or Frame(Kind.AUDIO, pcm).to_bytes()
            try:
                self._owed = octets[self._socket.send(octets, socket.MSG_DONTWAIT) :]
            except OSError:
                raise VoiceError("the channel took no more audio") from None

    def give_back(self) -> None:
        """Gives the channel back to its AGI script, and waits until Asterisk has closed."""
        # What still comes is read: unread, it would turn our close into a reset, which can
        # overtake the frame just sent.
        with contextlib.suppress(OSError):
            self._socket.settimeout(_GIVE_BACK_SECONDS)
            self._socket.sendall(self._owed + GIVE_BACK)
            self._socket.shutdown(socket.SHUT_WR)
            until = monotonic() + _GIVE_BACK_SECONDS
            while (data := self._socket.recv(_CHUNK)) and monotonic() < until:
                with contextlib.suppress(VoiceError):
                    self._first += self._reader.feed(data)

    def cut(self) -> None:
        """Ends it from another thread: who reads gets what has come already, then the end."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _take_first(self) -> list[Frame]:
        first, self._first = self._first, []
        return first

    def _receive_now(self) -> bytes | None:
        # Not MSG_DONTWAIT: with a time-out set, Python waits for it before it asks the kernel.
        self._socket.settimeout(0)
        try:
            return self._socket.recv(_CHUNK)
        except BlockingIOError:
            return None
        except OSError:
            return b""


Handler = Callable[[AudioStream], T]


class Expected(Generic[T]):
    """A connection that was announced."""

    def __init__(self, server: AudioSocketServer, handler: Handler[T]) -> None:
        self.uuid = str(uuid.uuid4())
        self._server = server
        self._handler = handler
        self._future: Future[T] = Future()
        self._begun = threading.Event()
        self._stream: AudioStream | None = None

    def result(self, patience: float = PATIENCE_SECONDS) -> T | None:
        """What the handler returned, once it has; ``None`` if nobody ever connected, or it
        raised. To be asked when Asterisk said that its end is over, or is gone itself: a stream
        that goes on for ``patience`` seconds more is cut."""
        # A caller may have hung up before the thread of the connection came to its token.
        self._begun.wait(GRACE_SECONDS)
        self._server.forget(self.uuid)
        if self._future.cancel():
            return None
        wait([self._future], patience)
        if self._stream is not None:
            self._stream.cut()
        if self._future.exception() is not None:
            return None
        return self._future.result()

    def run(self, stream: AudioStream) -> None:
        """Called once, in the thread of the connection."""
        self._stream = stream
        self._begun.set()
        if not self._future.set_running_or_notify_cancel():
            return
        try:
            self._future.set_result(self._handler(stream))
        except Exception as error:
            # It is the call that decides what a broken stream means to it.
            _log.warning("audio-failed", error=type(error).__name__)
            # Not the error itself: its traceback would keep the audio in its frames alive.
            self._future.set_exception(VoiceError("the audio of a call failed"))


class AudioSocketServer:
    """Listens for Asterisk's AudioSocket application. ``address`` is what to tell Asterisk."""

    def __init__(self, listen: str, *, max_calls: int) -> None:
        # Twice: the last stream of a call may still be closing when its next one begins.
        self._listener = Listener(
            "audio", listen, self._serve, 2 * max_calls, self._judge, TOKEN_SECONDS, WINDOW
        )
        self.address = self._listener.address
        self._pump = Pump()
        self._lock = threading.Lock()
        self._expected: dict[str, Expected[object]] = {}

    @property
    def active(self) -> int:
        return self._listener.active

    @property
    def alive(self) -> bool:
        return self._listener.alive and self._pump.alive

    @property
    def turned_away(self) -> TurnedAway:
        return self._listener.turned_away

    def expect(self, handler: Handler[T]) -> Expected[T]:
        """Announces one connection; ``handler(stream)`` runs in its thread when it comes."""
        expected = Expected(self, handler)
        with self._lock:
            self._expected[expected.uuid] = expected  # type: ignore[assignment]
        return expected

    def forget(self, token: str) -> None:
        with self._lock:
            self._expected.pop(token, None)

    def serve_forever(self) -> None:
        self._pump.start()
        self._listener.serve_forever()

    def close(self, drain_seconds: float = 0.0) -> None:
        self._listener.close(drain_seconds)
        self._pump.close()

    def _serve(self, connection: socket.socket, said: memoryview) -> None:
        reader = FrameReader()
        try:
            frames = reader.feed(bytes(said))
            expected = self._claim(frames[0])
        except VoiceError:
            self.turned_away.add(Reason.MALFORMED)
            return
        expected.run(AudioStream(connection, reader, frames[1:], self._pump))

    def _judge(self, buffer: bytearray, size: int) -> Verdict:
        """Admits who brings a token that is announced; it is claimed when it is served."""
        if not buffer.startswith(_TOKEN_HEADER[:size]):
            return Verdict.REFUSE
        if size < HEADER + _TOKEN:
            return Verdict.WAIT
        token = str(uuid.UUID(bytes=bytes(buffer[HEADER : HEADER + _TOKEN])))
        return Verdict.ADMIT if token in self._expected else Verdict.REFUSE

    def _claim(self, frame: Frame) -> Expected[object]:
        if frame.kind is not Kind.UUID:
            raise VoiceError("an AudioSocket connection did not begin with its token")
        with self._lock:
            expected = self._expected.pop(str(uuid.UUID(bytes=frame.payload)), None)
        if expected is None:
            raise VoiceError("an AudioSocket connection that nobody announced")
        return expected
