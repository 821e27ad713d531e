"""A limit of this process (getrlimit(2)) that is lower for a while."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def limited(which: int, to: int) -> Iterator[None]:
    """``which``: a ``resource.RLIMIT_…``; ``to``: its soft value meanwhile."""
    soft, hard = resource.getrlimit(which)
    resource.setrlimit(which, (to, hard))
    try:
        yield
    finally:
        resource.setrlimit(which, (soft, hard))
