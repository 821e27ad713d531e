"""A line that loses, delays and reorders packets, the same way for the same seed.

Why not ``tc netem``: it needs a kernel module, acts on everybody on the loopback, and never twice
alike.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quality:
    """``loss``: the share of packets that never come, in runs of ``burst`` on average.
    ``jitter``: seconds that a packet may come later than it should, and all behind it with it.
    ``reorder``: the share of packets that take another way, and come after the one behind them."""

    loss: float = 0.0
    burst: float = 1.0
    jitter: float = 0.0
    reorder: float = 0.0
    seed: int = 1


FAULTLESS = Quality()
_DETOUR = 0.03
"""Seconds that the other way takes: longer than it is to the next packet, not to the one after."""


class BadLine:
    """``put`` packets as they are sent, ``due`` gives those that have come by then."""

    def __init__(self, quality: Quality) -> None:
        self._quality = quality
        self._random = random.Random(quality.seed)  # noqa: S311  # nosec B311 # not a secret
        self._on_the_way: list[tuple[float, int, bytes]] = []
        self._count = 0
        self._last_due = 0.0
        self._losing = False
        self.lost = 0

    def put(self, packet: bytes, now: float) -> None:
        self._count += 1
        if self._loses():
            self.lost += 1
            return
        late = self._random.uniform(0.0, self._quality.jitter)
        self._last_due = due = max(self._last_due, now + late)
        if self._random.random() < self._quality.reorder:
            due += _DETOUR
        heapq.heappush(self._on_the_way, (due, self._count, packet))

    def due(self, now: float) -> list[bytes]:
        come: list[bytes] = []
        while self._on_the_way and self._on_the_way[0][0] <= now:
            come.append(heapq.heappop(self._on_the_way)[2])
        return come

    def _loses(self) -> bool:
        """Gilbert's model: a state that loses, and is left after ``burst`` packets on average."""
        loss, burst = self._quality.loss, self._quality.burst
        leave = 1.0 / burst
        enter = loss * leave / (1.0 - loss)
        self._losing = self._random.random() < ((1.0 - leave) if self._losing else enter)
        return self._losing
