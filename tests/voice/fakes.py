"""The other sides of this room: an intake in memory, and Asterisk's two ends of the wire."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tipline_gw.domain.case_code import CaseCode, draw
from tipline_gw.domain.dialog import Ended
from tipline_gw.domain.tip import TipId
from tipline_gw.errors import StoreError
from tipline_gw.voice.audiosocket import AudioSocketServer
from tipline_gw.voice.frames import FRAME, Frame, FrameReader, Kind

SPEECH = bytes(range(1, 161)) * 2
"""One frame of something that is not silence."""
assert len(SPEECH) == FRAME


HALF_A_SECOND = 25
"""Frames: a hash sooner than that does not end a recording."""


def audio(payload: bytes = SPEECH) -> bytes:
    return Frame(Kind.AUDIO, payload).to_bytes()


def key(name: str) -> bytes:
    return Frame(Kind.DTMF, name.encode()).to_bytes()


HANG_UP = Frame(Kind.HANGUP, b"").to_bytes()


class FakeRecording:
    def __init__(self, limit: int | None = None, room: float = 1e6) -> None:
        self.pcm = bytearray()
        self.ended: list[Ended] = []
        self.spoken: list[bool] = []
        self._limit = limit
        self.room = room

    def write(self, pcm: bytes | bytearray | memoryview) -> None:
        if self._limit is not None and len(self.pcm) >= self._limit:
            raise StoreError("the store takes no more")
        self.pcm += pcm

    def finish(self, ended: Ended, *, spoken: bool = True) -> None:
        self.ended.append(ended)
        self.spoken.append(spoken)


class FakeTip:
    """A VoiceTip whose recordings stay in memory."""

    def __init__(
        self, *, limit: int | None = None, refuse: bool = False, room: float = 1e6
    ) -> None:
        self.language: str | None = None
        self.adds_to: TipId | None = None
        self.disguised = False
        self.recordings: list[FakeRecording] = []
        self.appended: list[bool] = []
        self.code = draw()
        self.closed = 0
        self._limit = limit
        self._refuse = refuse
        self._room = room

    def record(self, *, append: bool) -> FakeRecording:
        if self._refuse:
            raise StoreError("no room")
        self.appended.append(append)
        self.recordings.append(FakeRecording(self._limit, self._room))
        return self.recordings[-1]

    def spoken(self) -> memoryview:
        return memoryview(bytearray(b"".join(bytes(r.pcm) for r in self.recordings)))

    def keep(self) -> CaseCode | None:
        if self._refuse:
            raise StoreError("no room")
        return self.code if self.adds_to is None else None

    def close(self) -> None:
        self.closed += 1


class AudioPeer:
    """Asterisk's AudioSocket application: connects with a token and talks frames."""

    def __init__(self, address: str, token: str | None = None) -> None:
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.reader = FrameReader()
        if token is not None:
            self.send(Frame(Kind.UUID, uuid.UUID(token).bytes).to_bytes())

    def send(self, *data: bytes) -> None:
        self.socket.sendall(b"".join(data))

    def frames_until_end(self) -> list[Frame]:
        """What the server sent until it closed, or said that the channel is given back."""
        frames: list[Frame] = []
        while not any(frame.kind is Kind.HANGUP for frame in frames):
            data = self.socket.recv(65536)
            if not data:
                break
            frames += self.reader.feed(data)
        return frames

    def closed_by_server(self) -> bool:
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionError:
            return True
        return True

    def close(self) -> None:
        self.socket.close()


@contextmanager
def audio_server(max_calls: int = 4) -> Iterator[AudioSocketServer]:
    server = AudioSocketServer("127.0.0.1:0", max_calls=max_calls)
    server.serve_forever()
    try:
        yield server
    finally:
        server.close()


Answer = bytes | Callable[[str], bytes | None]


class AgiPeer:
    """Asterisk's end of an AGI session: answers the commands it is sent, in order, by a script.

    Each answer is octets, or a callable that is given the command. ``commands`` is what came.
    """

    def __init__(self, connection: socket.socket, answers: list[Answer]) -> None:
        self.commands: list[str] = []
        self.socket = connection
        self._answers = list(answers)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with self.socket, self.socket.makefile("rb") as commands:
            for line in commands:
                command = line.decode().rstrip("\n")
                self.commands.append(command)
                if not self._answers:
                    return
                answer = self._answers.pop(0)
                octets = answer if isinstance(answer, bytes) else answer(command)
                if octets is None:
                    return
                try:
                    self.socket.sendall(octets)
                except OSError:
                    return


OK = b"200 result=0\n"


def pressed(name: str, endpos: int = 800) -> bytes:
    return f"200 result={ord(name)} endpos={endpos}\n".encode()


PLAYED = b"200 result=0 endpos=1600\n"
