"""The network behind the virtual modem: what waits for its SIM, and what came out of it.

Why it exists: a real network keeps a message until the phone took it, sends status reports, and
is the only witness of what a gateway really sent. Part of the outside world (see
:mod:`tipline_gw.demo.virtual_modem`): the numbers of senders and receivers live here. It keeps
everything in memory and writes nothing down.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from tipline_gw.demo import tpdu

SERVICE_CENTRE = "+526560000000"


def now() -> datetime:
    return datetime.now().astimezone()


@dataclass(slots=True)
class Sent:
    """One message of the gateway, its parts by sequence number."""

    number: str
    total: int
    encoding: str
    sms_class: int | None
    parts: dict[int, tpdu.Body] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return len(self.parts) == self.total

    @property
    def text(self) -> str:
        bodies = [self.parts[seq] for seq in sorted(self.parts)]
        if self.encoding == "ucs2":
            return b"".join(body.data for body in bodies).decode("utf-16-be", "replace")
        return "".join(body.text for body in bodies)

    def to_dict(self) -> dict[str, object]:
        return {
            "to": self.number,
            "text": self.text,
            "encoding": self.encoding,
            "class": self.sms_class,
            "parts": len(self.parts),
            "total": self.total,
            "complete": self.complete,
        }


class Outbox:
    """What the gateway sent; parts of one message are joined by number, reference and total."""

    def __init__(self) -> None:
        self.messages: list[Sent] = []
        self.complete = 0
        self._open: dict[tuple[str, int, int], Sent] = {}

    def add(self, number: str, body: tpdu.Body) -> None:
        if body.concat is None:
            whole = Sent(number, 1, body.encoding, body.sms_class, {1: body})
            self.messages.append(whole)
            self.complete += 1
            return
        ref, total, seq = body.concat
        key = (number, ref, total)
        sent = self._open.get(key)
        if sent is None or seq in sent.parts:
            sent = Sent(number, total, body.encoding, body.sms_class)
            self._open[key] = sent
            self.messages.append(sent)
        sent.parts[seq] = body
        if sent.complete:
            del self._open[key]
            self.complete += 1

    def clear(self) -> None:
        self.messages.clear()
        self.complete = 0
        self._open.clear()


class Network:
    """Queues of whole PDUs (service centre first), kept until the modem has taken them."""

    def __init__(self, seed: int = 0) -> None:
        self.waiting: deque[bytes] = deque()
        self.reports: deque[tuple[float, bytes]] = deque()
        """Status reports, each with the time from which it may come."""
        self.outbox = Outbox()
        self.accepted = 0
        self._reference = 0
        self._concat_reference = 0
        # Reproducible on purpose, and no secret.
        self._random = random.Random(seed)  # noqa: S311  # nosec B311

    def queue(self, pdus: Iterable[bytes]) -> int:
        """Whole PDUs as they are; returns how many."""
        count = len(self.waiting)
        self.waiting.extend(pdus)
        return len(self.waiting) - count

    def post(self, letter: tpdu.Letter) -> list[bytes]:
        """The PDUs of a letter, in order; the caller queues them. Raises PduError."""
        prefix = tpdu.service_centre(SERVICE_CENTRE)
        return [prefix + one for one in tpdu.deliver(letter, now())]

    def shuffled(self, pdus: list[bytes]) -> list[bytes]:
        return self._random.sample(pdus, len(pdus))

    def next_concat_reference(self) -> int:
        """A reference of its own for each concatenated letter, as a phone counts them."""
        self._concat_reference = (self._concat_reference + 1) & 0xFFFF
        return self._concat_reference

    def submit(self, message: bytes, report_at: float) -> int:
        """Take an SMS-SUBMIT TPDU; returns the message reference. Raises PduError."""
        submitted = tpdu.read_submit(message)
        wanted = report_at if submitted.wants_report else None
        return self.take(submitted.number, submitted.body, wanted)

    def take(self, number: str, body: tpdu.Body, report_at: float | None) -> int:
        self.outbox.add(number, body)
        self.accepted += 1
        self._reference = (self._reference + 1) & 0xFF
        if report_at is not None:
            done = tpdu.status_report(self._reference, number, now())
            self.reports.append((report_at, tpdu.service_centre(SERVICE_CENTRE) + done))
        return self._reference
