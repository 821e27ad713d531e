"""How long tips are kept. What is older goes, with its codes and answers, so that nothing of it can
be recovered from the store: the sealed octets are overwritten, and without the file key in its
header no remnant of a chunk can ever be opened.
"""

from __future__ import annotations

import time

from sqlalchemy import Engine

from tipline_gw.domain.tip import Granularity, coarse_hours
from tipline_gw.store import repository as repo
from tipline_gw.store.engine import translated

DAY_HOURS = 24
EVERY_SIZE = 1 << 62


def limit(days: int, granularity: Granularity, now: float | None = None) -> int:
    """The whole hour since 1970 before which tips are older than ``days``."""
    return coarse_hours(time.time() if now is None else now, granularity) - days * DAY_HOURS


def purge(engine: Engine, days: int, granularity: Granularity) -> int:
    """Deletes what is older than ``days``, and writes a SQLite store anew, whatever its size: no
    piece of it is left. How many tips it was. Raises StoreError."""
    with translated(), engine.begin() as connection:
        deleted = repo.purge(connection, limit(days, granularity))
    if not deleted or not repo.rearrange(engine, largest=EVERY_SIZE):
        repo.checkpoint(engine)
    return deleted
