"""The SIM and the phone's own memory: slots that fill up, and a lock with three tries.

Why it exists: a full SIM and a locked one are what stops real gateways. It refuses to grow: a
storage that is full takes nothing, and the network keeps the message.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Status(IntEnum):
    """``<stat>`` of 3GPP TS 27.005 §3.1."""

    UNREAD = 0
    READ = 1
    UNSENT = 2
    SENT = 3


@dataclass(slots=True)
class Message:
    pdu: bytes
    status: Status = Status.UNREAD


class Storage:
    """One ``<mem>`` of ``total`` slots; a new message takes the lowest free one."""

    def __init__(self, name: str, total: int, first: int = 1) -> None:
        self.name = name
        self.total = total
        self.first = first
        self._slots: dict[int, Message] = {}
        self._free = list(range(first, first + total))

    @property
    def used(self) -> int:
        return len(self._slots)

    @property
    def full(self) -> bool:
        return not self._free

    def holds(self, index: int) -> bool:
        """Whether there is such a slot at all, taken or free."""
        return self.first <= index < self.first + self.total

    def get(self, index: int) -> Message | None:
        return self._slots.get(index)

    def put(self, message: Message) -> int:
        """Returns the slot. The caller has looked whether there is one."""
        index = heapq.heappop(self._free)
        self._slots[index] = message
        return index

    def delete(self, index: int) -> bool:
        if self._slots.pop(index, None) is None:
            return False
        heapq.heappush(self._free, index)
        return True

    def items(self) -> Iterator[tuple[int, Message]]:
        return iter(sorted(self._slots.items()))


class Lock(StrEnum):
    """What +CPIN? says (3GPP TS 27.007 §8.3)."""

    READY = "READY"
    PIN = "SIM PIN"
    PUK = "SIM PUK"


PIN_TRIES = 3


class Sim:
    """A SIM that stays locked until its PIN came; after three wrong ones only the PUK helps."""

    def __init__(
        self,
        storages: list[Storage],
        pin: str = "",
        puk: str = "12345678",
        *,
        blocked: bool = False,
    ) -> None:
        self.storages = {storage.name: storage for storage in storages}
        self._pin = pin
        self._puk = puk
        self.tries = PIN_TRIES
        self.lock = Lock.PUK if blocked else Lock.READY
        self.power_on()

    @property
    def pin_set(self) -> bool:
        return bool(self._pin)

    def power_on(self) -> None:
        """Locked again, unless it has no PIN or wants its PUK anyway."""
        if self._pin and self.lock is not Lock.PUK:
            self.lock = Lock.PIN

    def unlock(self, pin: str) -> bool:
        if pin == self._pin:
            self.tries = PIN_TRIES
            self.lock = Lock.READY
            return True
        self.tries -= 1
        if self.tries == 0:
            self.lock = Lock.PUK
        return False

    def unblock(self, puk: str, new_pin: str) -> bool:
        if puk != self._puk:
            return False
        self._pin = new_pin
        self.tries = PIN_TRIES
        self.lock = Lock.READY
        return True
