"""One thread writes. Whatever waits is committed together: one fsync for all of it.

A job is a callable that takes a connection; its future is done when the commit is on disk. Each
job must do the same when it is run again: after a failure the jobs of a group are tried alone.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from tipline_gw.errors import StoreError, TiplineError
from tipline_gw.store.engine import translated

T = TypeVar("T")
Job = Callable[[Connection], Any]
Waiting = tuple[Job, Future[Any]]

LARGEST_GROUP = 256


class Writer:
    """Started on construction; ``close`` commits what waits and ends the thread."""

    def __init__(
        self, engine: Engine, on_commit: Callable[[float, int], None] = lambda _s, _n: None
    ) -> None:
        self._engine = engine
        self._on_commit = on_commit
        self._jobs: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._closed = False
        self._guard = threading.Lock()
        self._fault: str | None = None
        self._thread = threading.Thread(target=self._run, name="store-writer")
        self._thread.start()

    def submit(self, job: Callable[[Connection], T]) -> Future[T]:
        """Queue ``job``. Its future gives its result once committed, or raises StoreError."""
        future: Future[T] = Future()
        with self._guard:
            if self._closed:
                raise StoreError("the store is closing", "try again when the gateway is back")
            self._jobs.put((job, future))
        return future

    def do(self, job: Callable[[Connection], T]) -> T:
        """Submit and wait for the commit."""
        return self.submit(job).result()

    @property
    def fault(self) -> str | None:
        """Why the last commit failed; None once one succeeds again."""
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
            first = self._jobs.get()
            group, open_ = self._gather(first)
            if group:
                self._commit(group)

    def _gather(self, first: Waiting | None) -> tuple[list[Waiting], bool]:
        group: list[Waiting] = []
        item = first
        while item is not None:
            group.append(item)
            if len(group) == LARGEST_GROUP:
                return group, True
            try:
                item = self._jobs.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _commit(self, group: list[Waiting]) -> None:
        """All in one transaction; if that fails, each alone, so that one harms only itself.

        No savepoints: SQLite takes back the whole transaction when the disk is full, and a
        neighbour must not be told that it is safe.
        """
        started = time.perf_counter()
        try:
            with translated(), self._engine.begin() as connection:
                results = [job(connection) for job, _ in group]
        except Exception as error:
            self._failed(group, error)
            return
        self._fault = None
        self._on_commit(time.perf_counter() - started, len(group))
        for (_, future), result in zip(group, results, strict=True):
            future.set_result(result)

    def _failed(self, group: list[Waiting], error: Exception) -> None:
        if len(group) > 1:
            for waiting in group:
                self._commit([waiting])
            return
        if not isinstance(error, TiplineError):
            error = StoreError(f"a write failed ({type(error).__name__})")
        self._fault = error.what if isinstance(error, StoreError) else self._fault
        group[0][1].set_exception(error)
