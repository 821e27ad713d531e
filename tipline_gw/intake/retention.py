"""How long tips are kept. What is older goes, with its codes and answers, so that nothing of it can
be recovered from the store: the sealed octets are overwritten, and without the file key in its
header no remnant of a chunk can ever be opened.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from tipline_gw.domain.tip import Granularity, coarse_hours
from tipline_gw.store import memory
from tipline_gw.store import repository as repo
from tipline_gw.store.engine import translated, writing

DAY_HOURS = 24
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Purged:
    """``deleted``: how many tips. ``rewritten``: the store was written anew, and no piece of what
    was deleted is left. ``left_out``: why that was left out, and what to do; None on PostgreSQL,
    whose tables only the server writes anew."""

    deleted: int
    rewritten: bool
    left_out: str | None = None


STEADY_SECONDS = 3600.0
JUMP_SECONDS = 60.0


class Clock:
    """Whether the time of day is good enough to delete by. A machine may start with any time, and
    a false source of time moves it: months ahead, and every tip would look old. So it has to go
    for an hour as the machine's own clock goes. To be asked now and then; ``jumped`` is told of
    a jump."""

    def __init__(
        self,
        jumped: Callable[[], None],
        wall: Callable[[], float] = time.time,
        own: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jumped = jumped
        self._wall = wall
        self._own = own
        self._since = own()
        self._ahead = wall() - self._since

    def steady(self) -> bool:
        now = self._own()
        before, self._ahead = self._ahead, self._wall() - now
        if abs(self._ahead - before) > JUMP_SECONDS:
            self._since = now
            self._jumped()
        return now - self._since >= STEADY_SECONDS


def limit(days: int, granularity: Granularity, now: float | None = None) -> int:
    """The whole hour since 1970 before which tips are older than ``days``."""
    return coarse_hours(time.time() if now is None else now, granularity) - days * DAY_HOURS


def purge(engine: Engine, days: int, granularity: Granularity) -> Purged:
    """Deletes what is older than ``days``, and writes a SQLite store anew as far as there is memory
    for it: also if nothing is deleted now, since the daemon leaves that to be done for what it
    deleted itself. Raises StoreError."""
    with translated(), writing(engine).begin() as connection:
        deleted = repo.purge(connection, limit(days, granularity))
    if engine.dialect.name != "sqlite":
        return Purged(deleted, rewritten=False)
    spare = memory.available() // 2  # the daemon works beside it
    if repo.rearrange(engine, largest=spare):
        return Purged(deleted, rewritten=True)
    repo.checkpoint(engine)
    return Purged(deleted, rewritten=False, left_out=_short_of(repo.octets_in_use(engine), spare))


def _short_of(needed: int, spare: int) -> str:
    return (
        "the store was not written anew, so pieces of what was deleted may be left in it: "
        f"that takes {-(-needed // MIB):,} MiB of memory, and may take half of what is available, "
        f"{spare // MIB:,} MiB: stop the daemon, or find more memory for it, and purge again"
    )
