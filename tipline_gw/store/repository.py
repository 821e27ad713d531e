"""What is asked of the store, as functions over a connection: writes run in the writer's group,
reads on a connection of their own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy import func as sql
from sqlalchemy.exc import IntegrityError

from tipline_gw.domain.tip import Kind, State, TipId
from tipline_gw.errors import StoreError
from tipline_gw.store.engine import translated
from tipline_gw.store.tables import chunk, gateway, sealed, tip

KINDS = (Kind.SMS, Kind.VOICE)


class Role(IntEnum):
    """What a sealed file of a tip is."""

    ENVELOPE = 0
    RECORDING = 1


@dataclass(frozen=True, slots=True)
class TipRow:
    """A tip as far as it can be read here. ``size``: sealed octets; ``whole``: all its files
    have their final chunk."""

    id: TipId
    kind: Kind
    line: int
    received: int
    state: State
    size: int
    whole: bool


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


def add_tip(connection: Connection, tip_id: TipId, kind: Kind, line: int, received: int) -> None:
    connection.execute(
        insert(tip).values(
            id=tip_id,
            kind=KINDS.index(kind),
            line=line,
            received=received,
            state=int(State.RECEIVED),
        )
    )


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
    connection.execute(
        insert(sealed).values(id=sealed_id, tip_id=tip_id, role=int(role), whole=0, header=header)
    )


def add_chunks(
    connection: Connection, sealed_id: bytes, first: int, chunks: Sequence[bytes], *, final: bool
) -> None:
    """Append chunks ``first``…; with ``final`` the last of them ends the file."""
    if chunks:
        rows = [
            {"sealed_id": sealed_id, "seq": first + n, "data": data}
            for n, data in enumerate(chunks)
        ]
        connection.execute(insert(chunk), rows)
    if final:
        connection.execute(update(sealed).where(sealed.c.id == sealed_id).values(whole=1))


def add_whole(
    connection: Connection, tip_id: TipId, role: Role, header: bytes, chunks: Sequence[bytes]
) -> bytes:
    """A sealed file all at once; gives its id."""
    sealed_id = new_id()
    add_sealed(connection, tip_id, sealed_id, role, header)
    add_chunks(connection, sealed_id, 0, chunks, final=True)
    return sealed_id


def drop_sealed(connection: Connection, sealed_ids: Sequence[bytes]) -> None:
    if sealed_ids:
        connection.execute(delete(sealed).where(sealed.c.id.in_(sealed_ids)))


def drop_tip(connection: Connection, tip_id: TipId) -> None:
    connection.execute(delete(tip).where(tip.c.id == tip_id))


def state_of(engine: Engine, code_hash: bytes) -> State | None:
    with translated(), engine.connect() as connection:
        found = connection.execute(select(tip.c.state).where(tip.c.code_hash == code_hash)).scalar()
    return None if found is None else State(found)


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
            tip.c.id, tip.c.kind, tip.c.line, tip.c.received, tip.c.state,
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
