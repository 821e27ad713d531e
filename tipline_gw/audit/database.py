"""The rows of a store on a PostgreSQL server, column by column, as places to be searched.

The server is only asked for what it holds and never for a number: what it is asked it may log. So
everything is read over the gateway's own connection, in slices, and searched here. It refuses to
say that this is all: ``BESIDE`` names what a server keeps that nobody is given over a connection.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import ColumnElement, Connection, Text, cast, column, func, select, table, text

from tipline_gw.audit.places import OVERLAP, Place, refused
from tipline_gw.errors import StoreError
from tipline_gw.store.engine import open_engine, translated

FIRST: Final = 1 << 18
FURTHER: Final = 1 << 22
"""Octets of one value that are read at a time; the store's own values are read at once. A slice
costs the server as much as all before it do, so that those of long values are longer."""
AT_ONCE: Final = 1 << 24
"""Octets that are held at a time."""
BESIDE: Final = (
    "the store is on a PostgreSQL server: the rows of its database were searched, and not what "
    "the server keeps beside them (dead rows, write-ahead log, temporary files, logs, large "
    "objects, other databases, back-ups): look for the number in its files, on its machine"
)

_COLUMNS = text(r"""
    SELECT n.nspname, c.relname, a.attname,
           CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END = 'bytea'::regtype,
           has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
      FROM pg_attribute a
      JOIN pg_class c ON c.oid = a.attrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_type t ON t.oid = a.atttypid
     WHERE a.attnum > 0 AND NOT a.attisdropped
       AND (c.relkind IN ('r', 'm', 'f')
            AND n.nspname NOT IN ('pg_catalog', 'information_schema')
            AND n.nspname !~ '^pg_(toast|temp)'
            OR (n.nspname, c.relname, a.attname) IN (
                ('pg_catalog', 'pg_stats', 'most_common_vals'),
                ('pg_catalog', 'pg_stats', 'most_common_elems'),
                ('pg_catalog', 'pg_stats', 'histogram_bounds'),
                ('pg_catalog', 'pg_description', 'description'),
                ('pg_catalog', 'pg_stat_activity', 'query')))
     ORDER BY 1, 2, a.attnum
""")
"""Tables (partitions, not what they are parts of), and where the catalogue quotes what stood in
them: statistics hold whole values, also of rows that are gone."""


@dataclass(frozen=True, slots=True)
class _Column:
    schema: str
    table: str
    name: str
    octets: bool
    readable: bool

    @property
    def where(self) -> str:
        of = self.table if self.schema == "public" else f"{self.schema}.{self.table}"
        return f"table {of}, column {self.name}"


def rows(url: str) -> Iterator[Place]:
    """A place a column, and one for a server that does not answer. A column that the gateway's role
    may not read need not be: its own it may."""
    try:
        found = _columns(url)
    except OSError as error:
        yield refused("store", "the PostgreSQL server", error)
        return
    for each in found:
        if each.readable:
            yield Place("store", each.where, partial(_pieces, url, each))
        else:
            closed = OSError(0, "the gateway's role may not read it")
            yield refused("store", each.where, closed, needed=False)


def _columns(url: str) -> list[_Column]:
    with _connected(url) as connection:
        return [_Column(*row) for row in connection.execute(_COLUMNS)]


@contextlib.contextmanager
def _connected(url: str) -> Iterator[Connection]:
    """One connection in one transaction that cannot write. A policy that would hide rows makes it
    fail instead. OSError with the nature of what failed."""
    try:
        with translated():
            engine = open_engine(url)
            try:
                with engine.connect() as connection:
                    connection.execution_options(postgresql_readonly=True)
                    connection.exec_driver_sql("SET LOCAL row_security = off")
                    yield connection
            finally:
                engine.dispose()
    except StoreError as error:
        raise OSError(0, error.what) from None


def _pieces(url: str, of: _Column) -> Iterator[bytes]:
    """Its values. What is longer than a slice is read on in a further pass over the column, so that
    no value need be held whole."""
    at, size = 0, FIRST
    with _connected(url) as connection:
        while size:
            longer = False
            for values in _slices(connection, of, at, size):
                longer = longer or any(len(value) == size + OVERLAP for value in values)
                yield b"\n".join(values)
            at, size = at + size, FURTHER if longer else 0


def _slices(connection: Connection, of: _Column, at: int, size: int) -> Iterator[list[bytes]]:
    octets = _octets(of)
    streamed = {"stream_results": True, "yield_per": AT_ONCE // size}
    found = connection.execute(
        select(func.substring(octets, at + 1, size + OVERLAP))
        .select_from(table(of.table, schema=of.schema))
        .where(func.octet_length(octets) > at),
        execution_options=streamed,
    )
    for some in found.partitions():
        yield [bytes(value) for (value,) in some]


def _octets(of: _Column) -> ColumnElement[bytes]:
    """What is no octets is searched as the text that the server makes of it."""
    if of.octets:
        return column(of.name)
    return func.convert_to(cast(column(of.name), Text), "UTF8")
