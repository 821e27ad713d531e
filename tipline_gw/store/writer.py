"""One thread writes. Whatever waits is committed together: one fsync for all of it.

A job is a callable that takes a connection; its future is done when the commit is on disk. Each
job must do the same when it is run again: after a failure the jobs of a group are tried alone.
What can wait, and may be lost, is not worth an fsync: it rides along with the next commit.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from tipline_gw.errors import StoreError, TiplineError
from tipline_gw.store import journal
from tipline_gw.store.engine import StoreFaultError, translated, writing

T = TypeVar("T")
Job = Callable[[Connection], Any]
Waiting = tuple[Job, Future[Any], float]

LARGEST_GROUP = 256
TRY_SECONDS = 5.0
"""After a fault the store is tried so often, until it takes something again."""
LAZY_SECONDS = 1.0
"""So long jobs that can wait do wait for others to ride with."""


def committed(future: Future[T], wait: float | None) -> T:
    """What a job gave, once it is on disk. Raises StoreError, also after ``wait`` seconds."""
    try:
        return future.result(wait)
    except TimeoutError:
        raise too_slow() from None


def too_slow() -> StoreError:
    return StoreError("the store did not commit in time", "see what slows it")


class _Nudge:
    """Wakes the writer: there is something lazy now."""


class Writer:
    """Started on construction; ``close`` commits what waits and ends the thread."""

    def __init__(
        self, engine: Engine, on_commit: Callable[[float, int], None] = lambda _s, _n: None
    ) -> None:
        self._engine = writing(engine)
        self._on_commit = on_commit
        self._jobs: queue.SimpleQueue[Waiting | _Nudge | None] = queue.SimpleQueue()
        self._lazy: list[Job] = []
        self._closed = False
        self._guard = threading.Lock()
        self._fault: str | None = None
        self._thread = threading.Thread(target=self._run, name="store-writer")
        self._thread.start()

    def submit(self, job: Callable[[Connection], T], within: float = 0.0) -> Future[T]:
        """Queue ``job``. Its future gives its result once committed, or raises StoreError. It may
        wait ``within`` seconds for others to be committed with: nobody waits for it."""
        future: Future[T] = Future()
        with self._guard:
            if self._closed:
                raise StoreError("the store is closing", "try again when the gateway is back")
            self._jobs.put((job, future, time.monotonic() + within if within else 0.0))
        return future

    def do(self, job: Callable[[Connection], T], wait: float | None = None) -> T:
        """Submit and wait for the commit; no longer than ``wait`` seconds, then StoreError: it
        may still be done."""
        return committed(self.submit(job), wait)

    def later(self, job: Job) -> None:
        """Have ``job`` done with the next commit, before what is submitted after it; by itself
        after a second, or at the end. If it fails nobody hears of it."""
        with self._guard:
            if self._closed:
                return
            self._lazy.append(job)
            if len(self._lazy) == 1:
                self._jobs.put(_Nudge())

    @property
    def fault(self) -> str | None:
        """Why the store failed last; None once a commit succeeds again. What a job refuses, or
        asks wrongly, is no fault of the store."""
        return self._fault

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        with self._guard:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        open_ = True
        while open_:
            group, open_ = self._gather(self._next())
            lazy = self._take_lazy()
            if group or lazy or self._fault:
                self._commit(lazy, group)

    def _next(self) -> Waiting | _Nudge | None:
        """The first that cannot wait; the nudge again when what can has waited long enough, and a
        nudge when it is time to see whether a fault is over."""
        try:
            first = self._jobs.get(timeout=TRY_SECONDS if self._fault else None)
        except queue.Empty:
            return _Nudge()
        while isinstance(first, _Nudge):
            try:
                first = self._jobs.get(timeout=LAZY_SECONDS)
            except queue.Empty:
                return first
        return first

    def _take_lazy(self) -> list[Job]:
        with self._guard:
            lazy, self._lazy = self._lazy, []
        return lazy

    def _gather(self, first: Waiting | _Nudge | None) -> tuple[list[Waiting], bool]:
        group: list[Waiting] = []
        due, item = math.inf, first
        while item is not None:
            if not isinstance(item, _Nudge):
                group.append(item)
                due = min(due, item[2])
            if len(group) == LARGEST_GROUP:
                return group, True
            try:
                item = self._more(due if group else 0.0)
            except queue.Empty:
                return group, True
        return group, False

    def _more(self, due: float) -> Waiting | _Nudge | None:
        """What lies there or comes until ``due``, which is 0 once somebody waits."""
        left = due - time.monotonic() if due else 0.0
        return self._jobs.get(timeout=left) if left > 0 else self._jobs.get_nowait()

    def _commit(self, lazy: list[Job], group: list[Waiting]) -> None:
        """All in one transaction; if that fails, each alone, so that one harms only itself.

        No savepoints: SQLite takes back the whole transaction when the disk is full, and a
        neighbour must not be told that it is safe.
        """
        started = time.perf_counter()
        try:
            with translated(), self._engine.begin() as connection:
                if self._fault is not None:  # a commit of nothing would say that all is well
                    journal.write_and_forget(connection)
                for job in lazy:
                    job(connection)
                results = [job(connection) for job, _, _ in group]
        except Exception as error:
            self._failed(lazy, group, error)
            return
        self._fault = None
        self._on_commit(time.perf_counter() - started, len(lazy) + len(group))
        for (_, future, _), result in zip(group, results, strict=True):
            future.set_result(result)

    def _failed(self, lazy: list[Job], group: list[Waiting], error: Exception) -> None:
        if len(lazy) + len(group) > 1:
            for job in lazy:
                self._commit([job], [])
            for waiting in group:
                self._commit([], [waiting])
            return
        if not group:
            return
        if not isinstance(error, TiplineError):
            error = StoreFaultError(f"a write failed ({type(error).__name__})")
        if isinstance(error, StoreFaultError):
            self._fault = error.what
        group[0][1].set_exception(error)
