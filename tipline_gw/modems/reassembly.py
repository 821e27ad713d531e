"""Puts concatenated messages together again, in any order (3GPP TS 23.040 §9.2.3.24.1).

Parts belong together by sender token, reference and total; no number is needed. Where they came
from is remembered, because the modem keeps its copies until the whole is on disk: a restart
loses nothing. Parts whose others do not come in time are given out as a partial message.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from tipline_gw.domain.bank import Place
from tipline_gw.domain.sms import Message, Part, ReplyToken, Undecodable

Key = tuple[ReplyToken | None, int, int]


@dataclass(frozen=True, slots=True)
class Assembled:
    """A message, where it lies, by what it is known again, and which offers it makes obsolete."""

    message: Message
    places: tuple[Place, ...]
    fingerprints: tuple[bytes, ...]
    replaces: tuple[int, ...] = ()


@dataclass(slots=True)
class _Pending:
    started: float
    parts: dict[int, Part] = field(default_factory=dict)
    places: dict[bytes, Place | None] = field(default_factory=dict)
    pieces: list[int] = field(default_factory=list)

    def fits(self, part: Part, seq: int) -> bool:
        there = self.parts.get(seq)
        return there is None or there.fingerprint == part.fingerprint or there.data == part.data

    def seconds_from(self, part: Part) -> float:
        """Between this part and the nearest of those that are there, by the service centre."""
        return min((_apart(one.received, part.received) for one in self.parts.values()), default=0)


class Reassembly:
    """Used by one modem's thread. ``seconds``: how long the first part waits for the others."""

    def __init__(
        self, modem: str, seconds: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._modem = modem
        self._seconds = seconds
        self._now = now
        self._pending: dict[Key, list[_Pending]] = {}

    def add(self, part: Part | Undecodable, place: Place) -> Assembled | None:
        """The whole message if this part completes it."""
        if isinstance(part, Undecodable):
            message = Message(self._modem, part.sender, (), undecodable=part)
            return Assembled(message, (place,), (part.fingerprint,))
        concat = part.concat
        if concat is None or concat.total < 2 or not 1 <= concat.seq <= concat.total:
            return Assembled(
                Message(self._modem, part.sender, (part,)), (place,), (part.fingerprint,)
            )
        key = (part.sender, concat.ref, concat.total)
        pending = self._place(key, part, concat.seq)
        pending.parts.setdefault(concat.seq, part)
        pending.places[part.fingerprint] = place
        return self._give(key, pending) if len(pending.parts) == concat.total else None

    def piece(self, fingerprint: bytes, number: int) -> None:
        """This waiting part was offered by itself under ``number``: where it lies, if it does, is
        no matter of the whole any more."""
        for pending in self._holding(fingerprint):
            pending.pieces.append(number)
            pending.places[fingerprint] = None

    def reopened(self) -> None:
        """The device is opened anew: nothing is where it was until it is found there again."""
        for sets in self._pending.values():
            for pending in sets:
                pending.places = dict.fromkeys(pending.places)

    def knows(self, fingerprint: bytes) -> bool:
        """Whether this part waits for its others here."""
        return any(True for _ in self._holding(fingerprint))

    def lying_in(self, storage: str) -> list[tuple[Part, Place]]:
        """The parts that wait for their others in slots of ``storage``."""
        return [
            (part, place)
            for sets in self._pending.values()
            for pending in sets
            for part in pending.parts.values()
            if (place := pending.places[part.fingerprint]) and place.slot.storage == storage
        ]

    def expired(self) -> list[Assembled]:
        """Partial messages whose time is over."""
        limit = self._now() - self._seconds
        late = [(k, p) for k, sets in self._pending.items() for p in sets if p.started <= limit]
        return [self._give(key, pending) for key, pending in late]

    def next_at(self) -> float | None:
        """When the first of them expires."""
        started = (pending.started for sets in self._pending.values() for pending in sets)
        first = min(started, default=None)
        return None if first is None else first + self._seconds

    def _holding(self, fingerprint: bytes) -> Iterator[_Pending]:
        for sets in self._pending.values():
            yield from (pending for pending in sets if fingerprint in pending.places)

    def _place(self, key: Key, part: Part, seq: int) -> _Pending:
        """The message under way this part belongs to. A reference may be used again too soon:
        then a second message is begun beside the first, and a part goes to the one whose parts
        the service centre received at about the same time."""
        sets = self._pending.setdefault(key, [])
        fitting = [pending for pending in sets if pending.fits(part, seq)]
        if fitting:
            return min(fitting, key=lambda pending: pending.seconds_from(part))
        sets.append(_Pending(self._now()))
        return sets[-1]

    def _give(self, key: Key, pending: _Pending) -> Assembled:
        self._pending[key].remove(pending)
        if not self._pending[key]:
            del self._pending[key]
        sender, _, total = key
        parts = tuple(pending.parts[seq] for seq in sorted(pending.parts))
        return Assembled(
            Message(self._modem, sender, parts, total=total),
            tuple(place for place in pending.places.values() if place is not None),
            tuple(pending.places),
            tuple(pending.pieces),
        )


def _apart(one: str | None, other: str | None) -> float:
    if one is None or other is None:
        return 0.0
    return abs((datetime.fromisoformat(one) - datetime.fromisoformat(other)).total_seconds())
