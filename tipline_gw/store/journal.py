"""The rows of what lies on the modems still although it is in the store already.

They are written in the transaction that takes a message in, so that after a crash it is deleted
where it lies instead of being taken in again; and they go when it is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from tipline_gw.store.tables import place


class PlaceRow(NamedTuple):
    """``modem`` and ``storage`` are digests or numbers of names; ``content``: 8 octets."""

    modem: int
    storage: int
    slot: int
    content: bytes


_KEY = (place.c.gateway, place.c.modem, place.c.storage, place.c.slot)
_FORGET = delete(place).where(*(column == bindparam(f"_{column.name}") for column in place.c))
_STATEMENTS = {
    name: made.on_conflict_do_update(index_elements=_KEY, set_={"content": made.excluded.content})
    for name, made in (("sqlite", sqlite.insert(place)), ("postgresql", postgresql.insert(place)))
}


def remember(connection: Connection, gateway: int, rows: Sequence[PlaceRow]) -> None:
    """The next message in a slot takes the row of the last one."""
    if rows:
        values = [{"gateway": gateway, **row._asdict()} for row in rows]
        connection.execute(_STATEMENTS[connection.dialect.name], values)


def forget(connection: Connection, gateway: int, rows: Iterable[PlaceRow]) -> None:
    """Only what still holds just that: a newer message in the slot stays known."""
    names = [f"_{column.name}" for column in place.c]
    wanted = [dict(zip(names, (gateway, *row), strict=True)) for row in rows]
    if wanted:
        connection.execute(_FORGET, wanted)


_NOWHERE = PlaceRow(modem=0, storage=0, slot=0, content=bytes(8))
"""No storage of a modem has that number."""


def write_and_forget(connection: Connection) -> None:
    """Leaves nothing, and fails where nothing can be written."""
    remember(connection, 0, [_NOWHERE])
    forget(connection, 0, [_NOWHERE])


def keep_only(connection: Connection, gateway: int, modems: Iterable[int]) -> None:
    """Drop the rows of modems this gateway does not have any more."""
    gone = place.c.modem.not_in(list(modems))
    connection.execute(delete(place).where(place.c.gateway == gateway, gone))


def remembered(connection: Connection, gateway: int) -> list[PlaceRow]:
    columns = (place.c.modem, place.c.storage, place.c.slot, place.c.content)
    found = connection.execute(select(*columns).where(place.c.gateway == gateway))
    return [PlaceRow(row.modem, row.storage, row.slot, bytes(row.content)) for row in found]
