"""The ear, mouth and keypad of a telephone: RTP with G.711 mu-law, keys by RFC 4733 or in-band.

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
from dataclasses import dataclass
from itertools import islice, takewhile

import numpy as np

from tipline_gw.demo.bad_line import FAULTLESS, BadLine, Quality

RATE = 8000
TICK = 0.02
SAMPLES = int(RATE * TICK)
PCMU = 0
EVENT = 101
"""The payload type that the offer gives to telephone events."""

_EVENTS = "0123456789*#"
_ROWS = (697, 770, 852, 941)
_COLUMNS = (1209, 1336, 1477)
_PAD = ("123", "456", "789", "*0#")
_TONE = 6000
"""Amplitude of each of the two frequencies of a key: about -12 dBm0."""
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


def tones(key: str, seconds: float) -> bytes:
    """A key in-band (ITU-T Q.23), as PCM."""
    (row,) = (row for row, keys in enumerate(_PAD) if key in keys)
    time = np.arange(int(seconds * RATE)) / RATE
    pair = (_ROWS[row], _COLUMNS[_PAD[row].index(key)])
    wave = sum(_TONE * np.sin(2 * np.pi * hertz * time) for hertz in pair)
    return bytes(np.asarray(wave).astype("<i2"))


@dataclass(frozen=True, slots=True)
class Handset:
    """How a telephone and its line behave. ``inband``: keys are sounds, and no telephone events
    are offered. ``pieces``: how many 20 ms there are in a packet. ``pauses``: nothing is sent
    while nothing is said (silence suppression). ``quality``: of the line to the gateway."""

    inband: bool = False
    pieces: int = 1
    pauses: bool = False
    quality: Quality = FAULTLESS

    @property
    def payloads(self) -> str:
        """The formats of its offer."""
        return str(PCMU) if self.inband else f"{PCMU} {EVENT}"


PLAIN = Handset()


class Phone:
    """One telephone: ``port`` is where it hears. Sends as soon as ``connect`` says where to."""

    def __init__(self, host: str = "127.0.0.1", handset: Handset = PLAIN) -> None:
        self._handset = handset
        self._line = BadLine(handset.quality)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self.port: int = self._socket.getsockname()[1]
        self._queue: deque[tuple[int, bool, bytes]] = deque()
        self._peer: tuple[str, int] | None = None
        self._stop = threading.Event()
        self._sequence = secrets.randbelow(1 << 15)
        self._clock = secrets.randbelow(1 << 30)
        self._source = secrets.randbits(32)
        self._silent = False
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

    def press(self, key: str, seconds: float = 0.16, gap: float = 0.1) -> None:
        """``key`` for ``seconds``, and ``gap`` of silence after it."""
        if self._handset.inband:
            self.speak(tones(key, seconds))
        else:
            self._queue_event(_EVENTS.index(key), max(1, round(seconds / TICK)))
        self._queue.extend([(PCMU, False, _SILENCE)] * round(gap / TICK))

    def _queue_event(self, event: int, ticks: int) -> None:
        for tick in range(ticks):
            body = struct.pack("!BBH", event, 10, (tick + 1) * SAMPLES)
            self._queue.append((EVENT, tick == 0, body))
        end = struct.pack("!BBH", event, 0x80 | 10, (ticks + 1) * SAMPLES)
        self._queue.extend([(EVENT, False, end)] * _END_REPEATS)

    def _send(self) -> None:
        start = time.monotonic()
        ticks = 0
        event_clock = self._clock
        while not self._stop.is_set():
            # What is sent stays queued until it is: ``busy`` must not say done too early.
            packet, queued = self._next_packet()
            payload, first, _ = packet[0]
            if payload == EVENT:
                # A finger takes its time, also after this machine was too busy: keys that came in a
                # burst would be one key to Asterisk. What is spoken makes up for it.
                start = max(start, time.monotonic() - ticks * TICK)
            if first:
                event_clock = self._clock
            # All packets of one event carry the time it began (RFC 4733 §2.4.1).
            clock = event_clock if payload == EVENT else self._clock
            self._transmit(payload, first, clock, b"".join(piece for *_, piece in packet))
            for _ in range(queued):
                self._queue.popleft()
            self._clock += SAMPLES * len(packet)
            ticks += len(packet)
            self._stop.wait(max(0.0, start + ticks * TICK - time.monotonic()))

    def _next_packet(self) -> tuple[list[tuple[int, bool, bytes]], int]:
        """What goes into one packet: an event, or as many pieces of sound as it holds; and how many
        of them are in the queue: more may come into it meanwhile."""
        if self._queue and self._queue[0][0] == EVENT:
            return [self._queue[0]], 1
        pieces = list(islice(self._queue, self._handset.pieces))
        sounds = list(takewhile(lambda piece: piece[0] == PCMU, pieces))
        silence = (PCMU, False, _SILENCE)
        return sounds + [silence] * (self._handset.pieces - len(sounds)), len(sounds)

    def _transmit(self, payload: int, marker: bool, clock: int, body: bytes) -> None:
        silent = payload == PCMU and body.count(b"\xff") == len(body)
        if silent and self._handset.pauses:
            self._silent = True
            self._deliver()
            return
        marker = marker or self._silent
        self._silent = False
        header = struct.pack(
            "!BBHII",
            0x80,
            payload | (0x80 if marker else 0),
            self._sequence & 0xFFFF,
            clock & 0xFFFFFFFF,
            self._source,
        )
        self._sequence += 1
        self._line.put(header + body, time.monotonic())
        self._deliver()

    def _deliver(self) -> None:
        assert self._peer is not None
        try:
            for packet in self._line.due(time.monotonic()):
                self._socket.sendto(packet, self._peer)
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
