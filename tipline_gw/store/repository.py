"""What is asked of the store, as functions over a connection: writes run in the writer's group,
reads on a connection of their own."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, text, update
from sqlalchemy import func as sql

from tipline_gw.domain.tip import Kind, State, TipId
from tipline_gw.errors import AnswerError, StoreError
from tipline_gw.store.engine import snapshot, translated
from tipline_gw.store.tables import chunk, gateway, sealed, tip

KINDS = (Kind.SMS, Kind.VOICE)

Row = dict[str, Any]
"""A row by its columns."""


_SALT = select(gateway.c.code_salt)
_FIRST_SALT = text("INSERT INTO gateway (id, code_salt) VALUES (1, :salt) ON CONFLICT DO NOTHING")

# Made once: what a statement costs is mostly the making of it.
_WITH_CODE = select(tip.c.id).where(tip.c.code_hash == bindparam("code_hash"))
_ADD_TIP, _ADD_SEALED, _ADD_CHUNK = insert(tip), insert(sealed), insert(chunk)


class Role(IntEnum):
    """What a sealed file of a tip is. The tip's own are sealed to the reviewers, its answer to
    its code."""

    ENVELOPE = 0
    RECORDING = 1
    ANSWER_TEXT = 2
    ANSWER_SOUND = 3


_OWN = sealed.c.role < Role.ANSWER_TEXT
_ANSWER = sealed.c.role >= Role.ANSWER_TEXT


@dataclass(frozen=True, slots=True)
class TipRow:
    """A tip as far as it can be read here. ``size``: sealed octets; ``whole``: all its files
    have their final chunk; ``adds_to``: the tip of the case it adds to. ``answer_key``: what an
    answer is sealed to, None where there is no code to open it; ``answered``: there is one."""

    id: TipId
    kind: Kind
    line: int
    received: int
    state: State
    size: int
    whole: bool
    adds_to: TipId | None = None
    answer_key: bytes | None = None
    answered: bool = False


@dataclass(frozen=True, slots=True)
class SealedRow:
    id: bytes
    role: Role
    whole: bool


@dataclass(frozen=True, slots=True)
class Case:
    """What a case code leads to: its first tip, where the work on it stands, and the answer."""

    tip: TipId
    state: State
    answer: SealedRow | None = None

    @property
    def open(self) -> bool:
        """Whether what comes now still belongs to it."""
        return self.state < State.CLOSED_INSUFFICIENT


def new_id() -> bytes:
    return secrets.token_bytes(16)


def code_salt(connection: Connection) -> bytes:
    """The salt of this store's case codes, drawn once: of several gateways by the first."""
    found = connection.execute(_SALT).scalar()
    if found is None:
        connection.execute(_FIRST_SALT, {"salt": secrets.token_bytes(16)})
        found = connection.execute(_SALT).scalar_one()
    return bytes(found)


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


def add_tip(
    connection: Connection,
    tip_id: TipId,
    kind: Kind,
    line: int,
    received: int,
    adds_to: TipId | None = None,
) -> None:
    """Raises StoreError if the case it adds to is closed, or is not there any more."""
    if adds_to is not None:
        state = connection.execute(select(tip.c.state).where(tip.c.id == adds_to)).scalar()
        if state is None or not Case(adds_to, State(state)).open:
            raise StoreError("the case is not open any more", "leave a tip of its own")
    connection.execute(_ADD_TIP, tip_row(tip_id, kind, line, received, adds_to))


def give_code(connection: Connection, tip_id: TipId, code_hash: bytes, answer_key: bytes) -> bool:
    """True once the tip has the code; False if another tip has it: draw again. ``answer_key``:
    the raw public half of what the code opens."""
    if connection.execute(_WITH_CODE, {"code_hash": code_hash}).first():
        return False
    values = {"code_hash": code_hash, "answer_key": answer_key}
    done = connection.execute(update(tip).where(tip.c.id == tip_id).values(values))
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


def put_envelope(
    connection: Connection, tip_id: TipId, header: bytes, chunks: Sequence[bytes]
) -> None:
    """The envelope of a tip, in place of an earlier one."""
    earlier = (sealed.c.tip_id == tip_id, sealed.c.role == Role.ENVELOPE)
    connection.execute(delete(sealed).where(*earlier))
    add_whole(connection, tip_id, Role.ENVELOPE, header, chunks)


def put_answer(
    connection: Connection, tip_id: TipId, role: Role, header: bytes, chunks: Sequence[bytes]
) -> None:
    """The answer to a tip, in place of an earlier one. Raises AnswerError where no code could
    open it: there is no such tip, or it has no answer key."""
    if answer_key_of(connection, tip_id) is None:
        raise AnswerError(
            "there is no such tip, or no code that opens an answer to it",
            "answer the tip that answer_to stands with in tips list --json",
        )
    connection.execute(delete(sealed).where(sealed.c.tip_id == tip_id, _ANSWER))
    add_whole(connection, tip_id, role, header, chunks)


def answer_key_of(connection: Connection, tip_id: TipId) -> bytes | None:
    """What an answer to the tip is sealed to; None where no code opens one."""
    key = connection.execute(select(tip.c.answer_key).where(tip.c.id == tip_id)).scalar()
    return None if key is None else bytes(key)


def drop_sealed(connection: Connection, sealed_ids: Sequence[bytes]) -> None:
    if sealed_ids:
        connection.execute(delete(sealed).where(sealed.c.id.in_(sealed_ids)))


def drop_recordings(connection: Connection, tip_id: TipId, but: bytes) -> None:
    """All recordings of a tip except ``but``, the fragments of broken ones too."""
    others = (sealed.c.tip_id == tip_id, sealed.c.role == Role.RECORDING, sealed.c.id != but)
    connection.execute(delete(sealed).where(*others))


def drop_if_unspoken(connection: Connection, tip_id: TipId) -> None:
    """Drop a tip of which no recording has as much as a chunk in the store."""
    spoken = (
        select(chunk.c.seq)
        .join(sealed, sealed.c.id == chunk.c.sealed_id)
        .where(sealed.c.tip_id == tip_id, sealed.c.role == Role.RECORDING)
    )
    connection.execute(delete(tip).where(tip.c.id == tip_id, ~spoken.exists()))


def drop_tip(connection: Connection, tip_id: TipId) -> None:
    drop_tips(connection, [tip_id])


def drop_tips(connection: Connection, tip_ids: Sequence[TipId]) -> None:
    if tip_ids:
        connection.execute(delete(tip).where(tip.c.id.in_(tip_ids)))


_CASE = (
    select(tip.c.id, tip.c.state, sealed.c.id.label("answer"), sealed.c.role, sealed.c.whole)
    .select_from(tip.outerjoin(sealed, (sealed.c.tip_id == tip.c.id) & _ANSWER))
    .where(tip.c.code_hash == bindparam("code_hash"))
)


def case_of(engine: Engine, code_hash: bytes) -> Case | None:
    """One statement, whether there is such a case and whether it is answered or not."""
    with translated(), engine.connect() as connection:
        found = connection.execute(_CASE, {"code_hash": code_hash}).one_or_none()
    if found is None:
        return None
    answer = None
    if found.answer is not None:
        answer = SealedRow(bytes(found.answer), Role(found.role), bool(found.whole))
    return Case(TipId(bytes(found.id)), State(found.state), answer)


def tips(engine: Engine) -> list[TipRow]:
    """All tips, by coarse time and then by random id."""
    files = (
        select(sealed.c.tip_id, sealed.c.whole, sql.length(sealed.c.header).label("size"))
        .where(_OWN)
        .union_all(
            select(sealed.c.tip_id, sealed.c.whole, sql.length(chunk.c.data))
            .select_from(sealed.join(chunk))
            .where(_OWN)
        )
        .subquery()
    )  # fmt: skip
    answered = select(sealed.c.id).where(sealed.c.tip_id == tip.c.id, _ANSWER).exists()
    query = (
        select(
            tip.c.id, tip.c.kind, tip.c.line, tip.c.received, tip.c.state, tip.c.adds_to,
            tip.c.answer_key, answered.label("answered"),
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
                bytes(row.answer_key) if row.answer_key is not None else None,
                bool(row.answered),
            )
            for row in connection.execute(query)
        ]  # fmt: skip


@contextlib.contextmanager
def _reading(store: Engine | Connection) -> Iterator[Connection]:
    """A connection as it is, with whatever it has read before; of an engine, one for this alone."""
    with translated():
        if isinstance(store, Connection):
            yield store
        else:
            with snapshot(store) as connection:
                yield connection


def sealed_of(store: Engine | Connection, tip_id: TipId) -> list[SealedRow]:
    """The tip's own files: an answer is not among them."""
    query = select(sealed.c.id, sealed.c.role, sealed.c.whole).where(
        sealed.c.tip_id == tip_id, _OWN
    )
    with _reading(store) as connection:
        rows = connection.execute(query.order_by(sealed.c.role, sealed.c.id))
        return [SealedRow(bytes(row.id), Role(row.role), bool(row.whole)) for row in rows]


def octets(store: Engine | Connection, sealed_id: bytes) -> Iterator[bytes]:
    """The age file, header first, a chunk at a time; nothing if it is not there any more. It stays
    whole if it is deleted meanwhile."""
    with _reading(store) as connection:
        header = connection.execute(
            select(sealed.c.header).where(sealed.c.id == sealed_id)
        ).scalar_one_or_none()
        if header is None:
            return
        yield bytes(header)
        query = select(chunk.c.data).where(chunk.c.sealed_id == sealed_id).order_by(chunk.c.seq)
        for row in connection.execute(query, execution_options={"yield_per": 16}):
            yield bytes(row.data)


def checkpoint(engine: Engine) -> None:
    """SQLite: empty the write-ahead log, so that nothing deleted lingers in it. StoreError while
    somebody reads what is there."""
    if engine.dialect.name == "sqlite":
        with translated(), engine.connect() as connection:
            busy, *_ = connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreError(
                "what was deleted still lies in the write-ahead log, which somebody reads",
                "end the export or back-up that reads it, and purge again",
            )


def older_than(connection: Connection, hours: int) -> list[TipId]:
    """Tips that came in before that whole hour since 1970. On PostgreSQL they are locked, in one
    order for all: what is being added to their cases is committed then, or will be refused."""
    old = select(tip.c.id).where(tip.c.received < hours).order_by(tip.c.id)
    found = connection.execute(old.with_for_update())
    return [TipId(bytes(row.id)) for row in found]


def purge(connection: Connection, hours: int) -> int:
    """Deletes the tips that came in before that whole hour, with what belongs to them: the answers,
    the codes' hashes. How many there were. What was added to their cases since stays for its own
    time. SQLite overwrites what it deletes; the write-ahead log is free of it after
    :func:`checkpoint`."""
    old = older_than(connection, hours)
    for at in range(0, len(old), _AT_ONCE):
        case = tip.c.adds_to.in_(old[at : at + _AT_ONCE])
        connection.execute(update(tip).where(case, tip.c.received >= hours).values(adds_to=None))
        drop_tips(connection, old[at : at + _AT_ONCE])
    return len(old)


_AT_ONCE = 500
"""Names in one statement; databases allow some thousands."""

LARGEST_REARRANGED = 128 << 20
"""Octets in use: so much memory it takes, and about three seconds."""


def rearrange(engine: Engine, largest: int = LARGEST_REARRANGED) -> bool:
    """SQLite: write the file anew in the order of the random keys; whether that was done. As it
    grew, the pages of long rows tell which tip came before which (measured: exactly), and divided
    pages keep pieces of what was deleted. It locks out whoever writes, and all that is in use lies
    in memory meanwhile: in a temporary file, of which nobody overwrites the remains, would lie
    what is to be gone one day. A store of which more than ``largest`` octets are in use is left
    as it is, and so is one for which memory runs out. Ends with a :func:`checkpoint`."""
    if engine.dialect.name != "sqlite" or octets_in_use(engine) > largest:
        return False
    with translated(), engine.connect() as connection:
        try:
            connection.connection.execute("VACUUM")
        except MemoryError:
            return False
    checkpoint(engine)
    return True


def octets_in_use(engine: Engine) -> int:
    """SQLite: of the file, without the pages that are free. So much memory :func:`rearrange` takes,
    and a tenth more (measured)."""
    with translated(), engine.connect() as connection:
        pages, free, octets = (
            connection.connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * octets)
