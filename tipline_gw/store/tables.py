"""The tables. There is no free text: every column is a small integer with a checked range, or
binary that is random, a hash of fixed length, or sealed.

* Keys are random; on SQLite the tables have no rowid, so rows lie in the order of their random
  keys, and no number counts them.
* ``received`` counts whole hours since 1970, as coarse as the configuration says.
* ``line`` is a 15-bit digest of the configured line's name, enough to tell a city's lines apart.
* What still lies on a modem is known by where it lies, and nothing links that to a tip.
* Of an answer there is no time at all: not when it came, nor whether it took another's place.

What they cannot hide from whoever has the files: that a case was answered, and how long the
sealed answer is. Nor, until the tables are rewritten, where a database put what it wrote: SQLite
takes pages for long rows from the end of the file, PostgreSQL appends rows and numbers their
transactions. That tells an order, though no hour. ``repository.rearrange`` undoes it for a SQLite
store of moderate size when the daemon ends; ``tips purge`` has it done for a larger one, as far as
there is memory for it. On PostgreSQL VACUUM FULL does.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    text,
)
from sqlalchemy.sql.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def _length(column: str, octets: int) -> CheckConstraint:
    return CheckConstraint(f"length({column}) = {octets}", name=f"{column}_length")


def _between(column: str, low: int, high: int) -> CheckConstraint:
    return CheckConstraint(f"{column} BETWEEN {low} AND {high}", name=f"{column}_range")


def _table(name: str, *items: SchemaItem) -> Table:
    return Table(name, metadata, *items, sqlite_with_rowid=False, sqlite_strict=True)


gateway = _table(
    "gateway",
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("code_salt", LargeBinary, nullable=False),
    _between("id", 1, 1),
    _length("code_salt", 16),
)
"""One row: the salt of the case codes' hashes, the same for all gateways on this store."""

tip = _table(
    "tip",
    Column("id", LargeBinary, primary_key=True),
    Column("kind", Integer, nullable=False),
    Column("line", Integer, nullable=False),
    Column("received", Integer, nullable=False),
    Column("state", Integer, nullable=False),
    Column("code_hash", LargeBinary),
    Column("adds_to", LargeBinary, ForeignKey("tip.id", ondelete="CASCADE")),
    Column("answer_key", LargeBinary),
    _length("id", 16),
    _between("kind", 0, 1),
    _between("line", 0, 32767),
    _between("received", 0, 9999999),
    _between("state", 0, 7),
    _length("code_hash", 32),
    _length("adds_to", 16),
    _length("answer_key", 1216),
    Index("ix_tip_code_hash", "code_hash", unique=True),
    Index("ix_tip_received", "received"),
    Index("ix_tip_adds_to", "adds_to"),
)
"""``code_hash`` is derived from the code, and cannot be turned into what opens an answer.
``adds_to``: the tip whose code the sender gave first; it has no code of its own. ``answer_key``:
the public half of an identity that only the code makes (ML-KEM-768 and X25519, as ``age1pq1…``
holds them), to which reviewers seal their answer; a tip whose code is older than this column has
none and cannot be answered. It is the last column, so that lists need not read past it."""

sealed = _table(
    "sealed",
    Column("id", LargeBinary, primary_key=True),
    Column("tip_id", LargeBinary, ForeignKey("tip.id", ondelete="CASCADE"), nullable=False),
    Column("role", Integer, nullable=False),
    Column("whole", Integer, nullable=False),
    Column("header", LargeBinary, nullable=False),
    _length("id", 16),
    _between("role", 0, 3),
    _between("whole", 0, 1),
    Index("ix_sealed_tip_id", "tip_id"),
    Index(
        "ix_sealed_answer",
        "tip_id",
        unique=True,
        sqlite_where=text("role >= 2"),
        postgresql_where=text("role >= 2"),
    ),
)
"""One age file: its header and nonce here, its chunks in ``chunk``. ``whole``: the final chunk
is there. ``role``: envelope, recording; and the answer to the tip, written or recorded, which is
sealed to ``tip.answer_key`` alone and of which a tip has one at most."""

chunk = _table(
    "chunk",
    Column("sealed_id", LargeBinary, ForeignKey("sealed.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
    _between("seq", 0, 999999),
    CheckConstraint("length(data) BETWEEN 16 AND 65552", name="data_range"),
)
"""One chunk of age's STREAM: at most 64 KiB and its 16-octet tag."""

place = _table(
    "place",
    Column("gateway", Integer, primary_key=True, autoincrement=False),
    Column("modem", Integer, primary_key=True, autoincrement=False),
    Column("storage", Integer, primary_key=True, autoincrement=False),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
    _between("gateway", 0, 32767),
    _between("modem", 0, 8388607),
    _between("storage", 0, 32767),
    _between("slot", 0, 999999),
    _length("content", 8),
)
"""What is in the store already and still lies on a modem: a row is gone when its slot is empty.
``gateway`` and ``modem`` are digests of names; ``content`` is the salted check of what lies
there. The next message in a slot takes the row of the last one."""
