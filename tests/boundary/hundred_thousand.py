"""A hundred thousand byte strings made by hypothesis, twenty to an example.

One at a time the making takes most of the time; in batches the readers under test do.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

_BATCH = 20


def byte_strings(max_size: int) -> st.SearchStrategy[list[bytes]]:
    return st.lists(st.binary(max_size=max_size), min_size=_BATCH, max_size=_BATCH)


def half() -> settings:
    """Fifty thousand byte strings: two such tests make the hundred thousand."""
    return settings(max_examples=50_000 // _BATCH, deadline=None, database=None)
