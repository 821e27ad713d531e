"""Puts concatenated messages together again, in any order (3GPP TS 23.040 §9.2.3.24.1).

Parts belong together by sender token, reference and total; no number is needed. Where they came
from is remembered, because the modem keeps its copies until the whole is on disk: a restart
loses nothing. Parts whose others do not come in time are given out as a partial message.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tipline_gw.domain.sms import Delivered, Message, Part, ReplyToken, Slot, Undecodable

Key = tuple[str, ReplyToken | None, int, int]


@dataclass(frozen=True, slots=True)
class Assembled:
    """A message, with where it lies and by what it is known again."""

    message: Message
    slots: tuple[Slot, ...]
    fingerprints: tuple[bytes, ...]


@dataclass(slots=True)
class _Pending:
    started: float
    parts: dict[int, Part] = field(default_factory=dict)
    slots: dict[bytes, Slot] = field(default_factory=dict)

    def fits(self, part: Part, seq: int) -> bool:
        there = self.parts.get(seq)
        return there is None or there.fingerprint == part.fingerprint or there.data == part.data


class Reassembly:
    """Used by one modem's thread. ``seconds``: how long the first part waits for the others."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now = now
        self._pending: dict[Key, list[_Pending]] = {}

    def add(self, delivered: Delivered) -> Assembled | None:
        """The whole message if this part completes it."""
        part = delivered.part
        if isinstance(part, Undecodable):
            message = Message(delivered.modem, part.sender, (), undecodable=part)
            return Assembled(message, (delivered.slot,), (part.fingerprint,))
        concat = part.concat
        if concat is None or concat.total < 2 or not 1 <= concat.seq <= concat.total:
            message = Message(delivered.modem, part.sender, (part,))
            return Assembled(message, (delivered.slot,), (part.fingerprint,))
        key = (delivered.modem, part.sender, concat.ref, concat.total)
        pending = self._place(key, part, concat.seq)
        pending.parts.setdefault(concat.seq, part)
        pending.slots[part.fingerprint] = delivered.slot
        return self._give(key, pending) if len(pending.parts) == concat.total else None

    def expired(self) -> list[Assembled]:
        """Partial messages whose time is over."""
        limit = self._now() - self._seconds
        late = [(k, p) for k, sets in self._pending.items() for p in sets if p.started <= limit]
        return [self._give(key, pending) for key, pending in late]

    def _place(self, key: Key, part: Part, seq: int) -> _Pending:
        """The message under way this part belongs to. A reference may be used again too soon:
        then a second message is begun beside the first."""
        sets = self._pending.setdefault(key, [])
        for pending in sets:
            if pending.fits(part, seq):
                return pending
        sets.append(_Pending(self._now()))
        return sets[-1]

    def _give(self, key: Key, pending: _Pending) -> Assembled:
        self._pending[key].remove(pending)
        if not self._pending[key]:
            del self._pending[key]
        modem, sender, _, total = key
        parts = tuple(pending.parts[seq] for seq in sorted(pending.parts))
        return Assembled(
            Message(modem, sender, parts, total=total),
            tuple(pending.slots.values()),
            tuple(pending.slots),
        )
