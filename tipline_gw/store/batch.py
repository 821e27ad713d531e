"""Texts that wait for the same commit, written with one statement a table.

A statement costs more than the row it writes; under load a handful of texts come to one commit.
What waits when the writer gets to it is written together; should that fail, each alone, so that
one harms only itself. Each is told by itself too. It refuses to write a text before one that came
earlier: a whole must find the parts that it replaces, or they would stay beside it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from tipline_gw.domain.tip import TipId
from tipline_gw.errors import StoreError
from tipline_gw.store import journal
from tipline_gw.store import repository as repo
from tipline_gw.store.journal import PlaceRow
from tipline_gw.store.repository import Row
from tipline_gw.store.writer import Writer

Done = Callable[[BaseException | None], None]

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TextRows:
    """One text: its tip, its sealed envelope, where it still lies, and the tips it replaces."""

    tip: Row
    sealed: Row
    chunks: Sequence[Row]
    places: Sequence[PlaceRow]
    replaces: Sequence[TipId]


class Batch:
    """``gateway``: whose places these are. Nothing is given to the writer before all that it was
    given is on disk or refused, so what is tried again is tried in its place."""

    def __init__(self, writer: Writer, gateway: int) -> None:
        self._writer = writer
        self._gateway = gateway
        self._lock = threading.Lock()
        self._waiting: list[tuple[TextRows, Done]] = []
        self._under_way = 0

    def add(self, rows: TextRows, done: Done) -> None:
        """``done`` is called in the writer's thread: with None when it is on disk, else with what
        went wrong. Raises StoreError when the store is closing."""
        flush, future = _Flush(self), None
        with self._lock:  # the flush takes under it, so not before this text is there
            if not self._under_way:
                future = self._writer.submit(flush)
                self._under_way = 1
            self._waiting.append((rows, done))
        if future is not None:
            future.add_done_callback(flush.done)

    def take(self) -> list[tuple[TextRows, Done]]:
        """What waits, which then waits no more."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        return waiting

    def write(self, connection: Connection, texts: Sequence[TextRows]) -> None:
        repo.add_texts(
            connection,
            [text.tip for text in texts],
            [text.sealed for text in texts],
            [row for text in texts for row in text.chunks],
        )
        repo.drop_tips(connection, [tip for text in texts for tip in text.replaces])
        journal.remember(connection, self._gateway, [row for text in texts for row in text.places])

    def again(self, items: Sequence[tuple[TextRows, Done]]) -> None:
        """Each by itself, in their order. Its ``done`` hears of it in any case."""
        with self._lock:
            self._under_way += len(items)
        for item in items:
            self._submit(_Flush(self, [item]))

    def ended(self) -> None:
        """One flush is over; after the last of them what waits has its turn."""
        with self._lock:
            self._under_way -= 1
            if self._under_way or not self._waiting:
                return
            self._under_way = 1
        self._submit(_Flush(self))

    def _submit(self, flush: _Flush) -> None:
        """What a closing store does not take has failed."""
        try:
            future = self._writer.submit(flush)
        except StoreError as error:
            flush.end(error)
        else:
            future.add_done_callback(flush.done)


class _Flush:
    """A job of the writer: what waits at its first run, and the same whenever it is run again."""

    def __init__(self, batch: Batch, items: list[tuple[TextRows, Done]] | None = None) -> None:
        self._batch = batch
        self._items = items

    def __call__(self, connection: Connection) -> None:
        if self._items is None:
            self._items = self._batch.take()
        self._batch.write(connection, [rows for rows, _ in self._items])

    def done(self, future: Future[None]) -> None:
        self.end(future.exception())

    def end(self, error: BaseException | None) -> None:
        """``error``: why nothing of it is on disk; None if all of it is."""
        items = self._batch.take() if self._items is None else self._items
        if error is not None and len(items) > 1:
            self._batch.again(items)
        else:
            for _, done in items:
                _tell(done, error)
        self._batch.ended()


def _tell(done: Done, error: BaseException | None) -> None:
    """Whoever fails over what it hears keeps the news from no other."""
    try:
        done(error)
    except Exception as failure:
        _log.error("text-not-told", error=type(failure).__name__)
