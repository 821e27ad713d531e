"""What is asked of the store, as functions over a connection: writes run in the writer's group,
reads on a connection of their own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy import func as sql
from sqlalchemy.exc import IntegrityError

from tipline_gw.domain.tip import Kind, State, TipId
from tipline_gw.errors import StoreError
from tipline_gw.store.engine import translated
from tipline_gw.store.tables import chunk, gateway, sealed, tip

KINDS = (Kind.SMS, Kind.VOICE)

Row = dict[str, Any]
"""A row by its columns."""


# Made once: what a statement costs is mostly the making of it.
_ADD_TIP, _ADD_SEALED, _ADD_CHUNK = insert(tip), insert(sealed), insert(chunk)


class Role(IntEnum):
    """What a sealed file of a tip is."""

    ENVELOPE = 0
    RECORDING = 1


@dataclass(frozen=True, slots=True)
class TipRow:
    """A tip as far as it can be read here. ``size``: sealed octets; ``whole``: all its files
    have their final chunk; ``adds_to``: the tip of the case it adds to."""

    id: TipId
    kind: Kind
    line: int
    received: int
    state: State
    size: int
    whole: bool
    adds_to: TipId | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What a case code leads to: its first tip, and where the work on it stands."""

    tip: TipId
    state: State

    @property
    def open(self) -> bool:
        """Whether what comes now still belongs to it."""
        return self.state < State.CLOSED_INSUFFICIENT


@dataclass(frozen=True, slots=True)
class SealedRow:
    id: bytes
    role: Role
    whole: bool


def new_id() -> bytes:
    return secrets.token_bytes(16)


def code_salt(connection: Connection) -> bytes:
    """The salt of this store's case codes, drawn once."""
    found = connection.execute(select(gateway.c.code_salt)).scalar()
    if found is not None:
        return bytes(found)
    salt = secrets.token_bytes(16)
    connection.execute(insert(gateway).values(id=1, code_salt=salt))
    return salt


def tip_row(
    tip_id: TipId, kind: Kind, line: int, received: int, adds_to: TipId | None = None
) -> Row:
    return {
        "id": tip_id,
        "kind": KINDS.index(kind),
        "line": line,
        "received": received,
        "state": int(State.RECEIVED),
        "adds_to": adds_to,
    }


def sealed_row(tip_id: TipId, sealed_id: bytes, role: Role, header: bytes, *, whole: bool) -> Row:
    """``whole``: all its chunks are written in the same transaction."""
    fixed = {"id": sealed_id, "tip_id": tip_id, "role": int(role), "header": header}
    return fixed | {"whole": int(whole)}


def chunk_rows(sealed_id: bytes, first: int, chunks: Sequence[bytes]) -> list[Row]:
    return [
        {"sealed_id": sealed_id, "seq": first + n, "data": data} for n, data in enumerate(chunks)
    ]


def add_texts(
    connection: Connection, tips: Sequence[Row], files: Sequence[Row], chunks: Sequence[Row]
) -> None:
    """Many at once: tips, their sealed files, and those files' chunks."""
    for statement, rows in ((_ADD_TIP, tips), (_ADD_SEALED, files), (_ADD_CHUNK, chunks)):
        if rows:
            connection.execute(statement, rows)


def add_tip(connection: Connection, tip_id: TipId, kind: Kind, line: int, received: int) -> None:
    connection.execute(_ADD_TIP, tip_row(tip_id, kind, line, received))


def give_code(connection: Connection, tip_id: TipId, code_hash: bytes) -> bool:
    """True once the tip has the code; False if another tip has it: draw again."""
    try:
        with connection.begin_nested():
            done = connection.execute(
                update(tip).where(tip.c.id == tip_id).values(code_hash=code_hash)
            )
    except IntegrityError:
        return False
    if done.rowcount != 1:
        raise StoreError("the tip is not in the store any more")
    return True


def add_sealed(
    connection: Connection, tip_id: TipId, sealed_id: bytes, role: Role, header: bytes
) -> None:
    connection.execute(_ADD_SEALED, sealed_row(tip_id, sealed_id, role, header, whole=False))


def add_chunks(
    connection: Connection, sealed_id: bytes, first: int, chunks: Sequence[bytes], *, final: bool
) -> None:
    """Append chunks ``first``…; with ``final`` the last of them ends the file."""
    if chunks:
        connection.execute(_ADD_CHUNK, chunk_rows(sealed_id, first, chunks))
    if final:
        connection.execute(update(sealed).where(sealed.c.id == sealed_id).values(whole=1))


def add_whole(
    connection: Connection, tip_id: TipId, role: Role, header: bytes, chunks: Sequence[bytes]
) -> bytes:
    """A sealed file all at once; gives its id."""
    sealed_id = new_id()
    connection.execute(_ADD_SEALED, sealed_row(tip_id, sealed_id, role, header, whole=True))
    connection.execute(_ADD_CHUNK, chunk_rows(sealed_id, 0, chunks))
    return sealed_id


def drop_sealed(connection: Connection, sealed_ids: Sequence[bytes]) -> None:
    if sealed_ids:
        connection.execute(delete(sealed).where(sealed.c.id.in_(sealed_ids)))


def drop_tip(connection: Connection, tip_id: TipId) -> None:
    drop_tips(connection, [tip_id])


def drop_tips(connection: Connection, tip_ids: Sequence[TipId]) -> None:
    if tip_ids:
        connection.execute(delete(tip).where(tip.c.id.in_(tip_ids)))


def case_of(engine: Engine, code_hash: bytes) -> Case | None:
    query = select(tip.c.id, tip.c.state).where(tip.c.code_hash == code_hash)
    with translated(), engine.connect() as connection:
        found = connection.execute(query).one_or_none()
    return None if found is None else Case(TipId(bytes(found.id)), State(found.state))


def state_of(engine: Engine, code_hash: bytes) -> State | None:
    case = case_of(engine, code_hash)
    return case.state if case else None


def tips(engine: Engine) -> list[TipRow]:
    """All tips, by coarse time and then by random id."""
    files = (
        select(sealed.c.tip_id, sealed.c.whole, sql.length(sealed.c.header).label("size"))
        .union_all(
            select(sealed.c.tip_id, sealed.c.whole, sql.length(chunk.c.data))
            .select_from(sealed.join(chunk))
        )
        .subquery()
    )  # fmt: skip
    query = (
        select(
            tip.c.id, tip.c.kind, tip.c.line, tip.c.received, tip.c.state, tip.c.adds_to,
            sql.coalesce(sql.sum(files.c.size), 0).label("size"),
            sql.coalesce(sql.min(files.c.whole), 0).label("whole"),
        )
        .select_from(tip.outerjoin(files, files.c.tip_id == tip.c.id))
        .group_by(tip.c.id)
        .order_by(tip.c.received, tip.c.id)
    )  # fmt: skip
    with translated(), engine.connect() as connection:
        return [
            TipRow(
                TipId(bytes(row.id)), KINDS[row.kind], row.line, row.received,
                State(row.state), int(row.size), bool(row.whole),
                TipId(bytes(row.adds_to)) if row.adds_to is not None else None,
            )
            for row in connection.execute(query)
        ]  # fmt: skip


def sealed_of(engine: Engine, tip_id: TipId) -> list[SealedRow]:
    query = select(sealed.c.id, sealed.c.role, sealed.c.whole).where(sealed.c.tip_id == tip_id)
    with translated(), engine.connect() as connection:
        rows = connection.execute(query.order_by(sealed.c.role, sealed.c.id))
        return [SealedRow(bytes(row.id), Role(row.role), bool(row.whole)) for row in rows]


def octets(engine: Engine, sealed_id: bytes) -> Iterator[bytes]:
    """The age file, header first, a chunk at a time."""
    with translated(), engine.connect() as connection:
        header = connection.execute(
            select(sealed.c.header).where(sealed.c.id == sealed_id)
        ).scalar_one()
        yield bytes(header)
        query = select(chunk.c.data).where(chunk.c.sealed_id == sealed_id).order_by(chunk.c.seq)
        for row in connection.execution_options(yield_per=16).execute(query):
            yield bytes(row.data)


def checkpoint(engine: Engine) -> None:
    """SQLite: empty the write-ahead log, so that nothing deleted lingers in it."""
    if engine.dialect.name == "sqlite":
        with translated(), engine.connect() as connection:
            connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
