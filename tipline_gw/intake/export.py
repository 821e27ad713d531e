"""Writes the store's sealed tips out as age files, still sealed, and beside each the public key
that an answer to it is sealed to."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection, Engine

from tipline_gw.domain.tip import HOUR, TipId
from tipline_gw.errors import StoreError
from tipline_gw.sealing.recipients import HybridRecipient
from tipline_gw.store import repository as repo
from tipline_gw.store.engine import snapshot

_ENDINGS = {repo.Role.ENVELOPE: "json.age", repo.Role.RECORDING: "wav.age"}


ANSWER_KEY = "answer.pub"
"""``<id>.answer.pub``: a file of recipients, as ``age -R`` takes it. Not sealed, and no secret: it
leads to no code without the salt in the store."""


def export_tips(engine: Engine, directory: Path) -> list[str]:
    """The names of the sealed files written, in the order of their random ids. A file is whole or
    not there; its times say no more than the store does. All files of a tip are of one moment,
    that of its turn: what is deleted by then is not written."""
    names: list[str] = []
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for row in sorted(repo.tips(engine), key=lambda row: row.id):
            names += _export(engine, row, directory)
    except OSError as error:
        raise StoreError(f"{directory}: cannot be written ({error.strerror})") from None
    return names


def _export(engine: Engine, row: repo.TipRow, directory: Path) -> list[str]:
    with snapshot(engine) as connection:
        files = _named(connection, row.id)
        for name, sealed_id in files:
            _write(directory / name, repo.octets(connection, sealed_id), row.received)
        key = repo.answer_key_of(connection, row.id)
    if files and key is not None:
        recipient = f"{HybridRecipient(key)}\n".encode()
        _write(directory / f"{row.id.hex()}.{ANSWER_KEY}", [recipient], row.received)
    return [name for name, _ in files]


def _write(path: Path, content: Iterable[bytes], received: int) -> None:
    """Under a name of its own first: another export may write the same file at the same time."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            file.writelines(content)
            file.flush()
            os.fsync(file.fileno())
        os.utime(temporary, (received * HOUR, received * HOUR))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _named(connection: Connection, tip_id: TipId) -> list[tuple[str, bytes]]:
    """Usually one of each; a call that broke off between two recordings has a second one."""
    counts: dict[repo.Role, int] = {}
    named = []
    for row in repo.sealed_of(connection, tip_id):
        counts[row.role] = counts.get(row.role, 0) + 1
        again = f"{counts[row.role]}." if counts[row.role] > 1 else ""
        named.append((f"{tip_id.hex()}.{again}{_ENDINGS[row.role]}", row.id))
    return named
