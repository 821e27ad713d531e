"""The process that is the crowd: one thread, one clock, a socket for each caller.

Why not a phone of :mod:`tipline_gw.demo.rtp_phone` each: two threads a caller cost more than what
is to be measured. Why not SIPp: it hears nothing, and cannot put a number into each frame it
sends. What is heard is read while the tone is waited for; else the first packet alone, whose time
the kernel wrote on it.

Reads a plan as JSON from stdin, writes ``speaking`` when every caller does, and the report.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import secrets
import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict

from tests.crowd import codes, signals
from tests.crowd.plan import Call, Plan, Report, Step
from tipline_gw.demo.rtp_phone import EVENT, PCMU, SAMPLES, TICK

HOST = "127.0.0.1"
SLOTS = 20
"""Callers begin their ticks at so many different moments."""
PATIENCE = 30.0
"""Seconds a caller waits for an answer, and for the tone; then it speaks all the same."""
RESEND = 0.5
AFTER_TONE = 8
"""Ticks until a caller begins to speak: 0.16 s, as quick as anybody is at a sound."""
_SO_TIMESTAMPNS = 35
_NICE = -10
_SILENCE = b"\xff" * SAMPLES
_RTP_HEADER = 12
_PERIOD = 8
"""Samples, of 1000 Hz."""
_KEYS = "0123456789*#"
_KEY_TICKS = 6
_KEY_GAP = 5

Packet = tuple[int, int, bytes]
"""Payload type with its marker, samples that its clock is behind, body."""


def spoken(script: list[Step], call: Call, ear: Ear) -> Iterator[Packet]:
    """One packet a tick."""
    for what, how in script:
        if what == "key":
            yield from _pressed(str(how))
        elif what == "speak":
            call.spoke = time.time()
            while call.spoken < int(how):
                call.spoken += 1
                yield PCMU, 0, codes.frame(call.number, call.spoken - 1)
        elif what == "skip":
            yield from _skipped(str(how), ear)
        else:
            for _ in range(int(how)):
                yield PCMU, 0, _SILENCE


def _pressed(key: str) -> Iterator[Packet]:
    """RFC 4733: every packet of an event carries the time at which it began (§2.4.1)."""
    event = _KEYS.index(key)
    for tick in range(_KEY_TICKS):
        body = struct.pack("!BBH", event, 10, (tick + 1) * SAMPLES)
        yield EVENT | (0x80 if tick == 0 else 0), tick * SAMPLES, body
    end = struct.pack("!BBH", event, 0x80 | 10, _KEY_TICKS * SAMPLES)
    for repeat in range(3):
        yield EVENT, (_KEY_TICKS + repeat) * SAMPLES, end
    for _ in range(_KEY_GAP):
        yield PCMU, 0, _SILENCE


def _skipped(key: str, ear: Ear) -> Iterator[Packet]:
    """The tone may be over before the key is."""
    for packet in _pressed(key):
        ear.listen()
        yield packet
    for _ in range(round(PATIENCE / TICK)):
        if ear.tone_is_over:
            return
        yield PCMU, 0, _SILENCE
        ear.listen()


class Ear:
    """What comes from the other side. ``first``: when the first packet of it came, by the kernel's
    stamp; 0 until it is read."""

    def __init__(self, media: socket.socket) -> None:
        self._media = media
        self._tone = False
        self._still = 0
        self.first = 0.0

    @property
    def tone_is_over(self) -> bool:
        return self._tone and self._still >= AFTER_TONE

    def listen(self) -> None:
        """Once a tick."""
        came = list(self.heard())
        self._tone = self._tone or any(_same_again(body) for body in came)
        self._still = 0 if came else self._still + 1

    def heard(self) -> Iterator[bytes]:
        """The bodies of the packets that lie there."""
        with contextlib.suppress(OSError):
            while True:
                data, stamp = stamped(self._media)
                if len(data) > _RTP_HEADER and data[1] & 0x7F == PCMU:
                    self.first = self.first or stamp
                    yield data[_RTP_HEADER:]


def _same_again(body: bytes) -> bool:
    """Whether it is the tone: every millisecond of it is like the one before, and no silence."""
    return body[:-_PERIOD] == body[_PERIOD:] and len(set(body)) > 2


class Phone:
    """One caller, from INVITE to the end of its call."""

    def __init__(self, plan: Plan, number: int, line: socket.socket) -> None:
        self.call = Call(number)
        self._line = line
        self._media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._media.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._media.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._media.bind((HOST, 0))
        self._media.setblocking(False)
        self.id = f"{number}-{secrets.token_hex(6)}"
        port = line.getsockname()[1]
        self._sip = signals.Speaker(HOST, port, plan.peer, plan.called, self.id)
        self._ear = Ear(self._media)
        self._packets = spoken(plan.scripts[number % len(plan.scripts)], self.call, self._ear)
        self._head = bytearray(struct.pack("!BBHII", 0x80, 0, 0, 0, secrets.randbits(32)))
        self._at = secrets.randbelow(1 << 14)
        self._again = 0.0

    @property
    def ended(self) -> bool:
        return bool(self.call.ended)

    def tick(self, now: float) -> None:
        if not self.call.answered:
            self._ring(now)
            return
        packet = next(self._packets, None)
        if packet is None:
            self._line.send(self._sip.bye())
            self._end("caller")
            return
        self._send(*packet)

    def _ring(self, now: float) -> None:
        self.call.invited = self.call.invited or now
        if now - self.call.invited > PATIENCE:
            self._end("no answer")
        elif now >= self._again:
            self._again = now + RESEND
            self._line.send(self._sip.invite(self._media.getsockname()[1]))

    def _send(self, kind: int, behind: int, body: bytes) -> None:
        clock = (self._at * SAMPLES - behind) & 0xFFFFFFFF
        struct.pack_into("!BHI", self._head, 1, kind, self._at & 0xFFFF, clock)
        self._at += 1
        # Refused when the other side is gone; its BYE says so too.
        with contextlib.suppress(OSError):
            self._media.send(self._head + body)

    def take(self, came: signals.Heard, stamp: float, now: float) -> None:
        if came.status == 0:
            self._line.send(self._sip.ok(came))
            if came.method == "BYE":
                self._end("gateway")
        elif came.method == "INVITE" and came.status >= 200:
            self._sip.to = came.header("To")
            self._line.send(self._sip.ack())
            if came.status >= 300:
                self._end(f"refused {came.status}")
            elif not self.call.answered:
                self.call.answered = stamp
                self._media.connect((HOST, came.media))
                self.tick(now)
        elif came.status == 100:
            self._again = now + PATIENCE

    def _end(self, how: str) -> None:
        if self.ended:
            return
        self.call.ended = how
        next(self._ear.heard(), None)
        self.call.heard = self._ear.first
        self._media.close()


def stamped(sock: socket.socket) -> tuple[bytes, float]:
    """A datagram and the time at which the kernel had it."""
    data, extra, _, _ = sock.recvmsg(4096, 64)
    seconds, nanoseconds = struct.unpack("@qq", extra[0][2][:16])
    return data, seconds + nanoseconds / 1e9


class Crowd:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        host, port = plan.peer.rsplit(":", 1)
        self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._line.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._line.bind((HOST, 0))
        self._line.connect((host, int(port)))
        self._line.setblocking(False)
        self._phones = [Phone(plan, number, self._line) for number in range(plan.callers)]
        self._by_id = {phone.id: phone for phone in self._phones}
        self._slots: list[list[Phone]] = [[] for _ in range(SLOTS)]
        self._late = 0.0
        self._slipped = 0.0
        self._told = False

    def run(self) -> Report:
        start, slots, begun = time.monotonic(), 0, 0
        while begun < len(self._phones) or any(self._slots):
            due = (time.monotonic() - start) * self._plan.rate
            while begun < min(due, len(self._phones)):
                self._slots[slots % SLOTS].append(self._phones[begun])
                begun += 1
            self._listen()
            self._tick(slots % SLOTS)
            slots += 1
            if slots % SLOTS == 0:
                self._tell()
            slipped = self._await(start + slots * TICK / SLOTS)
            start, self._slipped = start + slipped, self._slipped + slipped
        spent = resource.getrusage(resource.RUSAGE_SELF)
        calls = [phone.call for phone in self._phones]
        return Report(calls, self._late, self._slipped, spent.ru_utime + spent.ru_stime)

    def _listen(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data, stamp = stamped(self._line)
                came = signals.read(data)
                phone = self._by_id.get(came.header("Call-ID"))
                if phone is not None:
                    phone.take(came, stamp, time.time())

    def _tick(self, slot: int) -> None:
        now = time.time()
        for phone in self._slots[slot]:
            if not phone.ended:
                phone.tick(now)
        self._slots[slot] = [phone for phone in self._slots[slot] if not phone.ended]

    def _tell(self) -> None:
        if not self._told and all(phone.call.spoken or phone.ended for phone in self._phones):
            self._told = True
            print("speaking", flush=True)

    def _await(self, moment: float) -> float:
        """How much later than ``moment`` it is. What is late is not caught up with: a burst is
        nothing that a telephone sends."""
        left = moment - time.monotonic()
        if left > 0:
            time.sleep(left)
            return 0.0
        self._late = max(self._late, -left)
        return -left if -left > TICK else 0.0


def main() -> None:
    # A crowd that is late because what it calls is busy would measure nothing.
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    told = json.load(sys.stdin)
    report = Crowd(Plan(**told)).run()
    print(json.dumps(asdict(report)), flush=True)


if __name__ == "__main__":
    main()
