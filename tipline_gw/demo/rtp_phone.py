"""The ear, mouth and keypad of a telephone: RTP with G.711 mu-law, and keys by RFC 4733.

A caller that only plays a file cannot wait for a prompt to end. This one hears, so that a script
for it says "when the line goes quiet, press 1" and holds on a slow machine. Why not SIPp's own
media: it needs raw sockets for keys, and hears nothing.
"""

from __future__ import annotations

import secrets
import socket
import struct
import threading
import time
from collections import deque

import numpy as np

RATE = 8000
TICK = 0.02
SAMPLES = int(RATE * TICK)
PCMU = 0
EVENT = 101
"""The payload type that the offer gives to telephone events."""

_EVENTS = "0123456789*#"
_KEY_TICKS = 8
_GAP_TICKS = 5
_END_REPEATS = 3
_SILENCE = b"\xff" * SAMPLES
_BIAS = 0x84
_CLIP = 32635


def encode(pcm: bytes) -> bytes:
    """Signed linear 16 bit to mu-law (ITU-T G.711)."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.int32)
    sign = np.where(samples < 0, 0x80, 0)
    level = np.minimum(np.abs(samples), _CLIP) + _BIAS
    exponent = np.floor(np.log2(level)).astype(np.int32) - 7
    mantissa = (level >> (exponent + 3)) & 0x0F
    return bytes((~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8))


def decode(law: bytes) -> bytes:
    """Mu-law to signed linear 16 bit little-endian."""
    values = ~np.frombuffer(law, dtype=np.uint8).astype(np.int32) & 0xFF
    level = (((values & 0x0F) << 3) + _BIAS) << ((values >> 4) & 0x07)
    signed = np.where(values & 0x80, _BIAS - level, level - _BIAS)
    return bytes(signed.astype("<i2"))


class Phone:
    """One telephone: ``port`` is where it hears. Sends as soon as ``connect`` says where to."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self.port: int = self._socket.getsockname()[1]
        self._queue: deque[tuple[int, bool, bytes]] = deque()
        self._peer: tuple[str, int] | None = None
        self._stop = threading.Event()
        self._sequence = secrets.randbelow(1 << 15)
        self._clock = secrets.randbelow(1 << 30)
        self._source = secrets.randbits(32)
        self._heard: list[bytes] = []
        self.last_heard = 0.0
        """``time.monotonic`` of the last packet that came; 0 before any."""
        self._threads = [
            threading.Thread(target=target, daemon=True) for target in (self._send, self._hear)
        ]

    def connect(self, host: str, port: int) -> None:
        self._peer = (host, port)
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(2.0)
        self._socket.close()

    @property
    def heard(self) -> bytes:
        """All that came, as PCM: signed linear 16 bit, 8 kHz. Pauses of the sender left out."""
        return decode(b"".join(self._heard))

    @property
    def busy(self) -> bool:
        """Whether something queued has not been sent yet."""
        return bool(self._queue)

    def speak(self, pcm: bytes) -> None:
        law = encode(pcm[: len(pcm) // 2 * 2])
        for start in range(0, len(law), SAMPLES):
            piece = law[start : start + SAMPLES]
            self._queue.append((PCMU, False, piece.ljust(SAMPLES, b"\xff")))

    def press(self, key: str) -> None:
        """160 ms of ``key``, and 100 ms of silence after it."""
        event = _EVENTS.index(key)
        for tick in range(_KEY_TICKS):
            body = struct.pack("!BBH", event, 10, (tick + 1) * SAMPLES)
            self._queue.append((EVENT, tick == 0, body))
        end = struct.pack("!BBH", event, 0x80 | 10, (_KEY_TICKS + 1) * SAMPLES)
        self._queue.extend([(EVENT, False, end)] * _END_REPEATS)
        self._queue.extend([(PCMU, False, _SILENCE)] * _GAP_TICKS)

    def _send(self) -> None:
        start = time.monotonic()
        ticks = 0
        event_clock = self._clock
        while not self._stop.is_set():
            # What is sent stays queued until it is: ``busy`` must not say done too early.
            queued = self._queue[0] if self._queue else None
            payload, first, body = queued or (PCMU, False, _SILENCE)
            if first:
                event_clock = self._clock
            # All packets of one event carry the time it began (RFC 4733 §2.4.1).
            clock = event_clock if payload == EVENT else self._clock
            self._transmit(payload, first, clock, body)
            if queued is not None:
                self._queue.popleft()
            self._clock += SAMPLES
            ticks += 1
            self._stop.wait(max(0.0, start + ticks * TICK - time.monotonic()))

    def _transmit(self, payload: int, marker: bool, clock: int, body: bytes) -> None:
        header = struct.pack(
            "!BBHII",
            0x80,
            payload | (0x80 if marker else 0),
            self._sequence & 0xFFFF,
            clock & 0xFFFFFFFF,
            self._source,
        )
        self._sequence += 1
        assert self._peer is not None
        try:
            self._socket.sendto(header + body, self._peer)
        except OSError:
            # The other side is gone already: the signalling says so too.
            self._stop.set()

    def _hear(self) -> None:
        self._socket.settimeout(0.2)
        while not self._stop.is_set():
            try:
                packet = self._socket.recv(2048)
            except OSError:
                continue
            if len(packet) > 12 and packet[1] & 0x7F == PCMU:
                self._heard.append(packet[12:])
                self.last_heard = time.monotonic()
