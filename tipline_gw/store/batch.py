"""Texts that wait for the same commit, written with one statement a table.

A statement costs more than the row it writes; under load a handful of texts come to one commit.
What waits when the writer gets to it is written together; should that fail, each alone, so that
one harms only itself. Each is told by itself too.
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
    """``gateway``: whose places these are."""

    def __init__(self, writer: Writer, gateway: int) -> None:
        self._writer = writer
        self._gateway = gateway
        self._lock = threading.Lock()
        self._waiting: list[tuple[TextRows, Done]] = []

    def add(self, rows: TextRows, done: Done) -> None:
        """``done`` is called in the writer's thread: with None when it is on disk, else with what
        went wrong. Raises StoreError when the store is closing."""
        with self._lock:
            self._waiting.append((rows, done))
            if len(self._waiting) > 1:
                return
        try:
            self._submit(_Flush(self))
        except StoreError:
            self.take()
            raise

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

    def again(self, item: tuple[TextRows, Done]) -> None:
        """One by itself. Its ``done`` hears of it in any case."""
        try:
            self._submit(_Flush(self, [item]))
        except StoreError as error:
            _tell(item[1], error)

    def _submit(self, flush: _Flush) -> None:
        self._writer.submit(flush).add_done_callback(flush.done)


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
        error = future.exception()
        items = self._batch.take() if self._items is None else self._items
        if error is not None and len(items) > 1:
            for item in items:
                self._batch.again(item)
            return
        for _, done in items:
            _tell(done, error)


def _tell(done: Done, error: BaseException | None) -> None:
    """Whoever fails over what it hears keeps the news from no other."""
    try:
        done(error)
    except Exception as failure:
        _log.error("text-not-told", error=type(failure).__name__)
